/** What went wrong, and what to do about it. */
import type { Problem } from "#contract/errors.ts";
import { t } from "../messages/common.ts";
import { Refusal } from "../api/call.ts";

export function ProblemText({ problem: { title, detail, remedy } }: { problem: Problem }) {
  return (
    <div class="problem">
      <strong>{title}:</strong> {detail}
      <p>{t("remedy", { remedy })}</p>
    </div>
  );
}

/** An error of a call; anything else is a fault of the desk itself. */
export function problemOf(error: unknown): Problem {
  if (error instanceof Refusal) return error.problem;
  return {
    status: 0,
    title: "the page failed",
    detail: error instanceof Error ? error.message : String(error),
    remedy: "reload the page; if it happens again, report it.",
  };
}

export function Refused({ refusal, reload }: { refusal: Refusal; reload?: () => void }) {
  return (
    <div role="alert">
      <ProblemText problem={refusal.problem} />
      {reload && <button type="button" onClick={reload}>{t("tryAgain")}</button>}
    </div>
  );
}
