/** One event of a node's life: when, what, who, how it ended. */
import type { HistoryEntry, HistoryResult } from "#contract/api/node_history.ts";
import { secondsOf } from "../../../../words/history_text.ts";
import { actionText, whoText } from "../../messages/actions.ts";
import { durationText, exactTime } from "../../messages/figures.ts";
import { ProblemText } from "../../parts/problem.tsx";
import { hourText } from "./days.ts";
import { kindText, resultText, t } from "./messages.ts";

const SIGNS: Record<HistoryResult, string> = {
  waiting: "○",
  running: "▸",
  done: "✓",
  failed: "✕",
  cancelled: "■",
  refused: "⊘",
};
/** Whose success is said by its name alone. */
const HAPPENED = new Set(["boot", "hardware", "settings", "cancel", "adoption", "recovery-key"]);
const SHOWN = 3;

export function Entry({ entry }: { entry: HistoryEntry }) {
  const { at, by, image, result, step, problem, deployment } = entry;
  const seconds = secondsOf(entry);
  const isQuiet = result === "done" && HAPPENED.has(entry.kind);
  return (
    <li class={`event ${result}`}>
      <time dateTime={at} title={exactTime(at)}>{hourText(at)}</time>
      <span class="dot" aria-hidden="true">{SIGNS[result]}</span>
      <div>
        <p>
          <strong>{titleOf(entry)}</strong>
          {image !== undefined && (
            <>
              {" "}
              <a href={`/images/${image}`}>{image}</a>
            </>
          )}
          {by !== undefined && <span class="by">{t("byWhom", { name: whoText(by) })}</span>}
        </p>
        {!isQuiet && (
          <p class="outcome">
            <span class="result">{resultText(result)}</span>
            {step !== undefined && <span>{t("atStep", { step })}</span>}
            {seconds !== undefined && <span>{durationText(seconds)}</span>}
            {deployment !== undefined && entry.kind === "deployment" && (
              <a href={`/deployments/${deployment}`}>{t("batch")}</a>
            )}
          </p>
        )}
        {problem && <ProblemText problem={problem} />}
        <Details entry={entry} />
      </div>
    </li>
  );
}

/** Its details are codes that the words of the reader stand for. */
function titleOf({ kind, action, details }: HistoryEntry): string {
  if (kind === "boot") return details?.[0] === "own disk" ? t("bootDisk") : t("bootInstaller");
  if (action === "node.accept-hardware") return t("hardwareAccepted");
  if (action === "node.forget-tpm") return t("tpmForgotten");
  if (action === "node.power-set") return t("powerSet");
  if ((kind === "schedule" || kind === "other") && action !== undefined) return actionText(action);
  return kindText(kind);
}

function Details({ entry: { kind, details = [] } }: { entry: HistoryEntry }) {
  if (kind === "boot" || details.length === 0) return null;
  const lines = details.map((line, i) => <li key={i}>{line}</li>);
  if (lines.length <= SHOWN) return <ul class="details">{lines}</ul>;
  return (
    <details class="details">
      <summary>{details[0]} {t("andMore", { n: lines.length - 1 })}</summary>
      <ul>{lines}</ul>
    </details>
  );
}
