/** The recovery key of an encrypted node: the way to see it, and who has seen it. */
import { useState } from "preact/hooks";
import type { RecoveryKeyUse, RecoveryKeyView } from "#contract/api.ts";
import { call, segment } from "../../api/call.ts";
import { useFollowed } from "./followed.ts";
import { Command, commandLine } from "../../parts/command.tsx";
import { Dialog } from "../../parts/dialog.tsx";
import { Exact } from "../../parts/times.tsx";
import { t } from "./messages.ts";
import type { TabProps } from "./tab_props.ts";

export function KeyTab({ name, view: { encryption }, reload }: TabProps) {
  const [isAsking, setIsAsking] = useState(false), [keys, setKeys] = useState<RecoveryKeyView["keys"]>([]);
  const path = `/nodes/${segment(name)}/recovery-key`;
  const { value: uses = [], reload: reloadUses } = useFollowed<RecoveryKeyUse[]>(path, {
    mark: encryption?.keyShown ?? keys.length,
  });
  if (!encryption) return <p class="empty">{t("notEncrypted")}</p>;
  const isAgain = encryption.keyShown !== undefined;
  return (
    <>
      <h2>{t("key")}</h2>
      <p>{t("keyAbout")}</p>
      <p class="dim">{t("keyUnlock", { how: encryption.unlock })}</p>
      {keys.length === 0 && (
        <button type="button" onClick={() => setIsAsking(true)}>
          {isAgain ? t("keyShowAgain") : t("keyShow")}
        </button>
      )}
      {keys.map(({ recoveryKey, image, created }) => (
        <figure key={recoveryKey}>
          <pre class="recovery-key" tabIndex={0}>{recoveryKey}</pre>
          <figcaption>
            {image}, <Exact at={created} />
          </figcaption>
        </figure>
      ))}
      {isAsking && (
        <Dialog
          title={t("keyTitle", { name })}
          action={t("keyShow")}
          onClose={() => setIsAsking(false)}
          onSubmit={async (form) => {
            const again = String(form.get("again") ?? "").trim();
            const shown = await call<RecoveryKeyView>("POST", path, { body: again === "" ? {} : { again } });
            setKeys(shown.keys);
            reloadUses();
            reload();
          }}
        >
          <p>{t("keyRecorded")}</p>
          {isAgain && (
            <label class="field">
              {t("keyReason")}
              <input name="again" required maxLength={500} autocomplete="off" />
            </label>
          )}
        </Dialog>
      )}
      {uses.length > 0 && (
        <section aria-labelledby="uses">
          <h3 id="uses">{t("keyUses")}</h3>
          <ul>
            {uses.map(({ at, who, image, reason }) => (
              <li key={at}>
                <Exact at={at} />, {who}, {image}: {reason ?? t("keyFirst")}
              </li>
            ))}
          </ul>
        </section>
      )}
      <Command line={commandLine("rackseed", "node", "recovery-key", name)} />
    </>
  );
}
