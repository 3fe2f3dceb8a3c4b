/** The state of a node and of its deployment, as short text. */
import type { NodeView } from "#contract/api.ts";
import type { Slowness } from "#contract/api/distribution.ts";
import { STEPS } from "#contract/api/steps.ts";
import { formatSeconds, formatTime, percent } from "../words/figures.ts";
import { LIMIT_NAMES } from "../words/limit_names.ts";
import { startText } from "../words/power_text.ts";

export function stepOf({ state, paused, report, firstBoot, silentSince, power }: NodeView): string {
  if (paused) return "held: paused";
  const start = state === "armed" && power ? startText(power) : undefined;
  if (start !== undefined) return start;
  if (state === "armed") return report?.step === "restart" ? "restarting" : "waiting for boot";
  if (!report || state === "idle") return "-";
  if (firstBoot?.problem) return firstBoot.reported === undefined ? "NOT HEARD FROM" : "see node show";
  if (state === "installed") return firstBoot ? "waiting for first boot" : "done";
  if (state === "running") return "done";
  if (state === "aborted") return `cancelled at ${report.step}`;
  const { step, progress } = report;
  const done = progress ? ` ${percent(progress.bytesDone, progress.bytesTotal)} %` : "";
  const silent = silentSince === undefined ? "" : `, SILENT since ${formatTime(silentSince)}`;
  return `${step} (${STEPS.indexOf(step) + 1}/${STEPS.length})${done}${silent}`;
}

export function firstBootOf({ firstBoot }: NodeView): string | undefined {
  if (firstBoot === undefined) return undefined;
  const { due, reported, hostname, problem } = firstBoot;
  if (reported !== undefined) return `up as ${hostname} since ${formatTime(reported)}`;
  return problem ? `not heard from; it was due at ${formatTime(due)}` : `expected by ${formatTime(due)}`;
}

/** What limits, or limited, its speed. */
export function paceOf({ limit, slowest }: NodeView): string {
  return [limit, slowest && "slowest"].filter(Boolean).join(", ") || "-";
}

export function describeSlowest({ node, limit, seconds, typicalSeconds, reason }: Slowness): string {
  const times = `${formatSeconds(seconds)}, typical ${formatSeconds(typicalSeconds)}`;
  return `slowest is ${node} (${times})${limit ? `, by its ${LIMIT_NAMES[limit]}` : ""}: ${reason}`;
}
