/** Asks what must be seen, and orders the rehearsal. */
import type { RehearsalView } from "#contract/api/rehearsals.ts";
import { REHEARSAL_LIMITS } from "#contract/rehearsal_limits.ts";
import { call, segment } from "../../api/call.ts";
import { Dialog } from "../../parts/dialog.tsx";
import { t } from "./messages.ts";
import { requestOf } from "./probe_form.ts";

interface Props {
  readonly imageRef: string;
  readonly onClose: () => void;
  readonly onOrdered: (rehearsal: RehearsalView) => void;
}

export function StartDialog({ imageRef, onClose, onOrdered }: Props) {
  const order = async (form: FormData) => {
    onOrdered(await call("POST", `/images/${segment(imageRef)}/rehearsals`, { body: requestOf(form) }));
  };
  const { memoryMiB, bootSeconds } = REHEARSAL_LIMITS;
  return (
    <Dialog
      title={t("dialogTitle", { ref: imageRef })}
      action={t("start")}
      onClose={onClose}
      onSubmit={order}
    >
      <p class="dim">{t("about")}</p>
      <fieldset>
        <legend>{t("what")}</legend>
        <label>
          <input type="checkbox" name="login" defaultChecked /> {t("loginProbe")}
        </label>
        <label class="field">
          {t("tcpField")}
          <input name="tcp" autocomplete="off" spellcheck={false} placeholder="22, 443" />
        </label>
        <label class="field">
          {t("httpField")}
          <input name="http" autocomplete="off" spellcheck={false} placeholder="8080/health=200" />
        </label>
        <label class="field">
          {t("textField")}
          <input name="console" autocomplete="off" spellcheck={false} maxLength={200} />
        </label>
      </fieldset>
      <div class="pair">
        <label class="field">
          {t("memory")}
          <input
            name="memory"
            type="number"
            required
            min={memoryMiB.min}
            max={memoryMiB.max}
            step={256}
            defaultValue={String(memoryMiB.usual)}
          />
        </label>
        <label class="field">
          {t("bootMinutes")}
          <input
            name="minutes"
            type="number"
            required
            min={1}
            max={bootSeconds.max / 60}
            defaultValue={String(bootSeconds.usual / 60)}
          />
        </label>
      </div>
      <label>
        <input type="checkbox" name="emulate" /> {t("emulate")}
      </label>
    </Dialog>
  );
}
