/** Dialogs of the orders for a deployment. */
import { useState } from "preact/hooks";
import type { CancelDeploymentAnswer, DeployAnswer, DeploymentView } from "#contract/api.ts";
import { useLocation } from "preact-iso";
import type { z } from "zod";
import { call, segment } from "../../api/call.ts";
import { Command, commandLine } from "../../parts/command.tsx";
import { Dialog } from "../../parts/dialog.tsx";
import { note } from "../../parts/notes.tsx";
import { t } from "./messages.ts";

interface Props {
  readonly view: DeploymentView;
  readonly onClose: () => void;
}

export function CancelDialog({ view: { id, nodes }, onClose }: Props) {
  const waiting = nodes.filter(({ state }) => state === "armed").map(({ node }) => node);
  const running = nodes.filter(({ state }) => state === "installing").map(({ node }) => node);
  // what destroys nothing is proposed
  const [isAll, setIsAll] = useState(waiting.length === 0);
  const some = isAll ? {} : { nodes: waiting };
  const submit = async () => {
    const { nodes } = await call<z.infer<typeof CancelDeploymentAnswer>>(
      "POST",
      `/deployments/${segment(id)}/cancel`,
      { body: some },
    );
    note(t("cancelledNote", { n: nodes.length }));
  };
  return (
    <Dialog
      title={t("cancelTitle")}
      action={t("cancelNow")}
      isDangerous={isAll && running.length > 0}
      onSubmit={submit}
      onClose={onClose}
    >
      {waiting.length > 0 && running.length > 0 && (
        <fieldset>
          <legend>{t("which")}</legend>
          <p>
            <label>
              <input type="radio" name="which" checked={!isAll} onChange={() => setIsAll(false)} />{" "}
              {t("onlyWaiting")}
            </label>
          </p>
          <p>
            <label>
              <input type="radio" name="which" checked={isAll} onChange={() => setIsAll(true)} />{" "}
              {t("allOpen")}
            </label>
          </p>
        </fieldset>
      )}
      {waiting.length > 0 && <p>{t("cancelWaiting", { n: waiting.length })}</p>}
      {isAll && running.length > 0 && <p class="problem">{t("cancelRunning", { n: running.length })}</p>}
      <Command line={commandLine("rackseed", "deployment", "cancel", id, ...nodeWords(some.nodes))} />
    </Dialog>
  );
}

/** `nodes`: absent: all that failed. */
export function RetryDialog({ view: { id, image, kind }, nodes, count, onClose }: Props & {
  nodes: readonly string[] | undefined;
  count: number;
}) {
  const { route } = useLocation();
  const [key] = useState(() => crypto.randomUUID());
  const submit = async (form: FormData) => {
    const passphrase = String(form.get("passphrase") ?? "");
    const body = { ...nodes && { nodes }, ...passphrase !== "" && { passphrase } };
    const headers = { "idempotency-key": key };
    const { deployment } = await call<DeployAnswer>("POST", `/deployments/${segment(id)}/retry`, {
      body,
      headers,
    });
    route(`/deployments/${deployment}`);
  };
  const isRestore = kind === "restore";
  return (
    <Dialog
      title={t("retryTitle")}
      action={t("retryNow")}
      isDangerous={!isRestore}
      onSubmit={submit}
      onClose={onClose}
    >
      <p>{t(isRestore ? "retryRestore" : "retryAbout", { n: count, image })}</p>
      {nodes && <p class="names">{nodes.slice(0, 24).join(", ")}{nodes.length > 24 && " …"}</p>}
      <label class="field">
        {t("passphrase")}
        <input type="password" name="passphrase" autocomplete="off" />
      </label>
      <Command line={commandLine("rackseed", "deployment", "retry", id, ...nodeWords(nodes))} />
    </Dialog>
  );
}

function nodeWords(nodes: readonly string[] | undefined): string[] {
  return nodes ? ["--node", ...nodes] : [];
}
