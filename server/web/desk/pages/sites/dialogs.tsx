/** Dialogs that add a site, give its relay a token or revoke it, and assign images. */
import { useRef } from "preact/hooks";
import type { SiteAnswer } from "#contract/api/sites.ts";
import { call, segment } from "../../api/call.ts";
import { t as common } from "../../messages/common.ts";
import { exactTime } from "../../messages/figures.ts";
import { Command, commandLine } from "../../parts/command.tsx";
import { Dialog } from "../../parts/dialog.tsx";
import { note } from "../../parts/notes.tsx";
import { ShownOnce } from "../../parts/shown_once.tsx";
import { t } from "./messages.ts";

/** The dialog that is open. */
export type Open =
  | { readonly what: "add" | "assign" | "new-token" | "revoke" }
  | { readonly what: "token"; readonly answer: SiteAnswer };

interface Props {
  /** Called with the dialog that follows, if one does. */
  readonly onClose: (next?: Open) => void;
}
interface SiteProps extends Props {
  readonly name: string;
}

export function AddDialog({ onClose }: Props) {
  const next = useRef<Open | undefined>(undefined);
  const add = async (form: FormData) => {
    const body = { name: String(form.get("name")) };
    next.current = { what: "token", answer: await call<SiteAnswer>("POST", "/sites", { body }) };
  };
  return (
    <Dialog
      title={t("addTitle")}
      action={common("add")}
      onSubmit={add}
      onClose={() => onClose(next.current)}
    >
      <label class="field">
        {t("name")}
        <input
          name="name"
          required
          maxLength={63}
          pattern="[a-z0-9][a-z0-9\-]{0,62}"
          title={t("nameRule")}
          autocomplete="off"
          autocapitalize="none"
          spellcheck={false}
        />
      </label>
      <Command line={commandLine("rackseed", "site", "add", "NAME")} />
    </Dialog>
  );
}

export function NewTokenDialog({ name, onClose }: SiteProps) {
  const next = useRef<Open | undefined>(undefined);
  const make = async () => {
    const answer = await call<SiteAnswer>("POST", `/sites/${segment(name)}/token`);
    next.current = { what: "token", answer };
  };
  return (
    <Dialog
      title={t("newTokenTitle", { name })}
      action={t("make")}
      onSubmit={make}
      onClose={() => onClose(next.current)}
    >
      <p>{t("newTokenAbout")}</p>
      <Command line={commandLine("rackseed", "site", "token", name)} />
    </Dialog>
  );
}

export function TokenDialog({ answer: { site, token, expires }, onClose }: Props & { answer: SiteAnswer }) {
  const words = ["rackseed", "server", "--upstream", location.origin, "--upstream-token-file", "FILE"];
  return (
    <Dialog title={t("siteTitle", { name: site.name })} onClose={() => onClose()}>
      <ShownOnce label={t("token", { name: site.name })} text={token} />
      <p>{t("tokenUntil", { time: exactTime(expires) })}</p>
      <Command line={commandLine(...words)} />
    </Dialog>
  );
}

export function RevokeDialog({ name, onClose }: SiteProps) {
  const revoke = async () => {
    await call("POST", `/sites/${segment(name)}/revoke`);
    note(t("done"));
  };
  return (
    <Dialog
      title={t("revokeTitle", { name })}
      action={t("revokeAction")}
      isDangerous
      onSubmit={revoke}
      onClose={() => onClose()}
    >
      <p>{t("revokeAbout")}</p>
      <Command line={commandLine("rackseed", "site", "revoke", name)} />
    </Dialog>
  );
}

export function AssignDialog({ name, onClose }: SiteProps) {
  const assign = async (form: FormData) => {
    const ref = String(form.get("ref")).trim();
    await call("PUT", `/sites/${segment(name)}/images/${segment(ref)}`);
    note(t("done"));
  };
  return (
    <Dialog
      title={t("assignTitle", { name })}
      action={t("assignAction")}
      onSubmit={assign}
      onClose={() => onClose()}
    >
      <label class="field">
        {t("image")}
        <input
          name="ref"
          required
          maxLength={96}
          autocomplete="off"
          autocapitalize="none"
          spellcheck={false}
          aria-describedby="assign-about"
        />
      </label>
      <p class="dim" id="assign-about">{t("assignAbout")}</p>
      <Command line={commandLine("rackseed", "site", "assign", name, "IMAGE")} />
    </Dialog>
  );
}
