/** Schedules, and how their runs ended. */
import { Counter, Gauge, type Registry } from "prom-client";
import { RunOutcome, type ScheduleView, WorkName } from "#contract/api/schedules.ts";

const STATES = ["waiting", "running", "paused", "failed"] as const;
type State = typeof STATES[number];

export class ScheduleMetrics {
  readonly #runs: Counter;
  readonly #registry: Registry;

  constructor(registry: Registry) {
    this.#registry = registry;
    this.#runs = new Counter({
      name: "rackseed_schedule_runs_total",
      help: "Ended runs of schedules since the server's start, by work and outcome.",
      labelNames: ["work", "outcome"],
      registers: [registry],
    });
    for (const work of WorkName.options) {
      for (const outcome of RunOutcome.options) this.#runs.inc({ work, outcome }, 0);
    }
  }

  ended(run: { work: WorkName; outcome: RunOutcome }): void {
    this.#runs.inc({ ...run });
  }

  /** Asks for the schedules at each scrape from now on. */
  ask(schedules: () => readonly ScheduleView[]): void {
    new Gauge({
      name: "rackseed_schedules",
      help: "Schedules by state: waiting for their time, running, paused, or failed at their last run.",
      labelNames: ["state"],
      registers: [this.#registry],
      collect() {
        const states = schedules().map(stateOf);
        for (const state of STATES) this.set({ state }, states.filter((s) => s === state).length);
      },
    });
  }
}

function stateOf({ paused, run, last }: ScheduleView): State {
  if (run) return "running";
  if (paused) return "paused";
  return last === undefined || last.outcome === "done" ? "waiting" : "failed";
}
