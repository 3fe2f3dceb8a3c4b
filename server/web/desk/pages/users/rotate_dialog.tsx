/** Replaces the admin token, and shows the new one. */
import { useRef } from "preact/hooks";
import { call } from "../../api/call.ts";
import { Command, commandLine } from "../../parts/command.tsx";
import { Dialog } from "../../parts/dialog.tsx";
import { ShownOnce } from "../../parts/shown_once.tsx";
import type { Open } from "./dialogs.tsx";
import { t } from "./messages.ts";

interface Props {
  readonly onClose: (next: Open | undefined) => void;
}

export function RotateDialog({ onClose }: Props) {
  const next = useRef<Open | undefined>(undefined);
  const rotate = async () => {
    const { token } = await call<{ token: string }>("POST", "/tokens/rotate-admin");
    next.current = { what: "token", token };
  };
  return (
    <Dialog
      title={t("rotateTitle")}
      action={t("rotateAction")}
      isDangerous
      onSubmit={rotate}
      onClose={() => onClose(next.current)}
    >
      <p>{t("rotateAbout")}</p>
      <Command line={commandLine("rackseed", "token", "rotate-admin")} />
    </Dialog>
  );
}

export function NewTokenDialog({ token, onClose }: Props & { token: string }) {
  return (
    <Dialog title={t("rotateTitle")} onClose={() => onClose(undefined)}>
      <ShownOnce label={t("newToken")} text={token} />
      <p class="dim">{t("newTokenFile")}</p>
    </Dialog>
  );
}
