/** Runs of a schedule: how each went, and what failed. */
import type { RunOutcome, RunView, ScheduleView } from "#contract/api/schedules.ts";
import { exactTime } from "../../messages/figures.ts";
import { Exact } from "../../parts/times.tsx";
import { t } from "./messages.ts";
import { causeText, clockText, countsText, isSameClock, outcomeText } from "./words.ts";

const SIGNS: Readonly<Record<RunOutcome, string>> = {
  done: "✓",
  failed: "✕",
  stopped: "■",
  refused: "⊘",
  missed: "–",
};

function Outcome({ outcome }: { outcome: RunOutcome | undefined }) {
  return (
    <span class={`run-outcome ${outcome ?? "running"}`}>
      <span aria-hidden="true">{outcome === undefined ? "▸" : SIGNS[outcome]}</span> {outcomeText(outcome)}
    </span>
  );
}

/** A moment in the reader's zone, and beside it what the schedule's own clock shows, if that is another. */
export function When({ at, zone }: { at: string; zone: string }) {
  return (
    <>
      <time dateTime={at} title={exactTime(at)}>{clockText(at)}</time>
      {!isSameClock(at, zone) && <small>{t("inZone", { time: clockText(at, zone), zone })}</small>}
    </>
  );
}

export function NextRun({ schedule: { run, paused, next, zone } }: { schedule: ScheduleView }) {
  if (run) {
    return (
      <>
        <strong>{t("now")}</strong>: {countsText(run)}
        {run.reason !== undefined && <small>{run.reason}</small>}
      </>
    );
  }
  if (paused) return <span class="warn">{t("paused")}</span>;
  return next === undefined ? <>{t("never")}</> : <When at={next} zone={zone} />;
}

export function LastRun({ last }: { last: RunView | undefined }) {
  if (!last) return <span class="dim">{t("noRun")}</span>;
  return (
    <>
      <Outcome outcome={last.outcome} />
      <small>
        <Exact at={last.planned} />
        {last.outcome !== "missed" && ` · ${countsText(last)}`}
      </small>
      {last.reason !== undefined && <small class="problem">{last.reason}</small>}
      <Failures run={last} />
    </>
  );
}

function Failures({ run: { failures } }: { run: RunView }) {
  if (failures.length === 0) return null;
  return (
    <details>
      <summary>{t("whatFailed")}</summary>
      <ul class="bullets">
        {failures.map(({ node, problem }) => (
          <li key={node}>
            <a href={`/nodes/${encodeURIComponent(node)}`}>{node}</a>: {problem}
          </li>
        ))}
      </ul>
    </details>
  );
}

/** Newest first. */
export function Runs({ runs, zone }: { runs: readonly RunView[]; zone: string }) {
  if (runs.length === 0) return <p class="empty">{t("noRuns")}</p>;
  return (
    <table class="cards">
      <thead>
        <tr>
          {(["planned", "outcome", "nodesColumn", "cause"] as const).map((column) => (
            <th key={column} scope="col">{t(column)}</th>
          ))}
        </tr>
      </thead>
      <tbody>
        {runs.map((run) => (
          <tr key={run.number}>
            <th scope="row">
              <When at={run.planned} zone={zone} />
            </th>
            <td data-title={t("outcome")}>
              <Outcome outcome={run.outcome} />
              {run.reason !== undefined && <small>{run.reason}</small>}
              <Failures run={run} />
            </td>
            <td data-title={t("nodesColumn")}>{countsText(run)}</td>
            <td data-title={t("cause")}>{causeText(run.cause)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
