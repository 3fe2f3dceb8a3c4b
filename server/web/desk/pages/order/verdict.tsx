/** On how many machines data is lost, and the number to be typed before it is. */
import type { Review } from "#contract/api/reviews.ts";
import { bytesText } from "../../messages/figures.ts";
import { t } from "./messages.ts";
import { LevelSign } from "./review_warnings.tsx";

export function Verdict({ review: { kind, losing, nodes } }: { review: Review }) {
  const unknown = nodes.filter(({ outcome, loses }) => outcome === "unknown" && loses === "unknown").length;
  const wiped = nodes.filter(({ loses }) => loses === "all").flatMap(({ disks }) => disks);
  const bytes = bytesText(wiped.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0));
  return (
    <div class={`verdict ${losing > 0 ? "danger" : "fine"}`}>
      <p>
        <LevelSign level={losing > 0 ? "danger" : "note"} />{" "}
        <strong>
          {losing === 0 ? t("losingNone") : t(kind === "restore" ? "losingChanges" : "losing", { n: losing })}
        </strong>
      </p>
      {wiped.length > 0 && <p>{t("wipedTotal", { n: wiped.length, bytes })}</p>}
      {unknown > 0 && <p>{t("losingMaybe", { n: unknown })}</p>}
    </div>
  );
}

export function TypedNumber({ text, onInput }: { text: string; onInput: (text: string) => void }) {
  return (
    <label class="typed">
      <span>{t("typeNumber")}</span>
      <input
        inputMode="numeric"
        autocomplete="off"
        size={6}
        value={text}
        onInput={(event) => onInput(event.currentTarget.value)}
      />
    </label>
  );
}

/** Whether the number of machines that lose data was typed, if there are any. */
export function isNumberTyped(text: string, losing: number): boolean {
  return losing === 0 || (text.trim() !== "" && Number(text) === losing);
}
