/** Clones that are expected to report their first boot: what a report means, and which clones are overdue. */
import type { FirstBootView, StepReport } from "#contract/api.ts";
import type { Problem } from "#contract/errors.ts";
import { describeExit, type FirstBootReport } from "#contract/api/first_boot.ts";
import type { FirstBoot, FirstBoots } from "../../store/first_boots.ts";

interface Part {
  readonly node: string;
  readonly deployment: string;
}

export class FirstBootWatch {
  readonly #store: FirstBoots;
  readonly #now: () => number;
  #lookedMs: number;

  constructor(store: FirstBoots, { now }: { now: () => number }) {
    this.#store = store;
    this.#now = now;
    this.#lookedMs = now();
  }

  order(nodes: readonly string[], order: { deployment: string; timeoutSeconds: number }): void {
    this.#store.order(nodes, order);
  }

  issue(part: Part): { token: string; timeoutSeconds: number } | undefined {
    return this.#store.issue(part);
  }

  /** The installation has ended; the clone will report under this host name. */
  begin(part: Part, { reportsAs }: { reportsAs: string }): void {
    this.#store.begin(part, { nowMs: this.#now(), assigned: reportsAs });
  }

  knows(token: string): boolean {
    return this.#store.ofToken(token) !== undefined;
  }

  /**
   * Turns a clone's report into the last step of its deployment. If `isNews` is false, the clone has reported before;
   * otherwise call `markReported` once the step is recorded. Undefined if the token is unknown. `name` gives the node's
   * name, for remedies.
   */
  interpret(report: FirstBootReport, { name }: { name: (node: string) => string }):
    | { node: string; deployment: string; step: StepReport; isNews: boolean; markReported: () => void }
    | undefined {
    const row = this.#store.ofToken(report.token);
    if (row === undefined) return undefined;
    const { node, deployment } = row;
    const step = stepOf(report, { assigned: row.assigned ?? report.hostname, name: name(node) });
    const { problem } = step;
    return {
      node,
      deployment,
      step,
      isNews: row.reportedMs === undefined,
      markReported: () =>
        this.#store.reported(row, {
          reportedMs: this.#now(),
          hostname: report.hostname,
          ...(problem && { problem }),
        }),
    };
  }

  /** Undefined if no report is expected. */
  view(part: Part, { name }: { name: string }): FirstBootView | undefined {
    const row = this.#store.of(part);
    if (row?.dueMs === undefined) return undefined;
    const problem = row.problem ?? (this.#isLate(row) ? overdue(row, name) : undefined);
    return {
      due: new Date(row.dueMs).toISOString(),
      ...(row.reportedMs !== undefined && { reported: new Date(row.reportedMs).toISOString() }),
      ...(row.hostname !== undefined && { hostname: row.hostname }),
      ...(problem && { problem }),
    };
  }

  /** Ids of the nodes that became overdue since the last call. */
  becameLate(): string[] {
    const sinceMs = this.#lookedMs, nowMs = this.#lookedMs = this.#now();
    return this.#store.becameLate({ sinceMs, nowMs }).map(({ node }) => node);
  }

  forget(node: string): void {
    this.#store.forget(node);
  }

  #isLate({ dueMs = Infinity, reportedMs }: FirstBoot): boolean {
    return reportedMs === undefined && this.#now() >= dueMs;
  }
}

function overdue({ timeoutSeconds }: FirstBoot, name: string): Problem {
  return {
    title: `${name} was installed, but its own system has not reported since`,
    status: 504,
    detail: `it restarted from its disk and did not report within ${timeoutSeconds} s.`,
    remedy:
      `look at its console: does it start from its disk (boot order), does its system come up, can it reach ` +
      `this server from its address? Once it is up, it reports without further action.`,
  };
}

/** A failed required hook fails the deployment; a name other than the assigned one is flagged. */
function stepOf(
  { hostname, uptimeSeconds, kernel, failedUnits, hooks }: FirstBootReport,
  { assigned, name }: { assigned: string; name: string },
): StepReport {
  const failed = hooks.find(({ code, optional }) => code !== 0 && !optional);
  const problem: Problem | undefined = failed
    ? {
      title: `the first-boot hook ${failed.name} failed on ${name}`,
      status: 500,
      detail: `it ${describeExit(failed.code)}: ${failed.output.slice(-3).join(" | ") || "no output"}`.slice(
        0,
        20_000,
      ),
      remedy: "read its output in the log, correct the hook (`rackseed hook set`) and deploy again.",
    }
    : isSameHost(hostname, assigned)
    ? undefined
    : {
      title: `${name} is up under another name`,
      status: 409,
      detail: `it calls itself ${hostname}, but was given the name ${assigned}.`,
      remedy: "find out what sets the host name in the image: cloud-init, DHCP, or a script at boot.",
    };
  return {
    step: "first-boot",
    state: failed ? "failed" : "done",
    elapsedMs: Math.round(uptimeSeconds * 1000),
    message: [
      `up as ${hostname}`,
      kernel && `kernel ${kernel}`,
      ...hooks.map((hook) => `hook ${hook.name}: ${hook.code === 0 ? "done" : describeExit(hook.code)}`),
      failedUnits.length > 0 && `failed units: ${failedUnits.join(" ")}`,
    ].filter(Boolean).join("; ").slice(0, 8000),
    ...(problem && { problem }),
    ...(hooks.length > 0 && {
      log: hooks.flatMap((hook) => [`first-boot hook ${hook.name}:`, ...hook.output]).slice(-400),
    }),
  };
}

/** Some systems report the first label only, others the whole name. */
function isSameHost(a: string, b: string): boolean {
  const [left = "", right = ""] = [a, b].map((name) => name.toLowerCase());
  return left === right || left.split(".")[0] === right.split(".")[0];
}
