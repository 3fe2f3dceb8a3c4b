/**
 * Reports the progress of an installation to the server. Reports from before the enrolment wait for it. A lost report
 * never stops an installation, but the last one must arrive: it disarms the node.
 */
import { getLogger } from "@logtape/logtape";
import { ReportAnswer, type StepReport } from "#contract/api.ts";
import type { ApiClient } from "#contract/client.ts";
import { messageOf, RackseedError } from "#contract/errors.ts";
import type { SwarmTerms } from "./swarm_terms.ts";

const log = getLogger(["rackseed", "install"]);
const WAIT_MS = 10_000;
const PAUSE_MS = 1000;

export type ReportClient = Pick<ApiClient, "post">;

export class Reporter {
  /** Aborts when the operator cancels. */
  readonly cancelled: AbortSignal;
  readonly #cancel = new AbortController();
  readonly #early: StepReport[] = [];
  #client: ReportClient | undefined;
  #answer: ReportAnswer = { cancelled: false, seedOn: false };
  #terms: SwarmTerms | undefined;

  constructor() {
    this.cancelled = this.#cancel.signal;
  }

  /** From now on reports are sent, starting with those that waited, and `terms` follow the server's answers. */
  async connect(client: ReportClient, terms?: SwarmTerms): Promise<void> {
    this.#client = client;
    this.#terms = terms;
    for (const report of this.#early.splice(0)) await this.send(report);
  }

  /** The reports that wait, for the enrolment, which carries them. */
  takeWaiting(): StepReport[] {
    return this.#early.splice(0);
  }

  /** Whether reports go to the server instead of waiting. */
  get isConnected(): boolean {
    return this.#client !== undefined;
  }

  /** Whether other nodes still fetch, according to the server's last answer. */
  get seedOn(): boolean {
    return this.#answer.seedOn;
  }

  /** The pause between reports of mere progress, according to the server's last answer. */
  get pauseMs(): number {
    return this.#answer.nextReportMs ?? PAUSE_MS;
  }

  /** Sends once. Returns whether the report arrived. */
  async send(report: StepReport): Promise<boolean> {
    if (this.#client === undefined) {
      const last = this.#early.at(-1);
      // of a step that runs, only the latest is news
      if (last?.step === report.step && last.state === "running") this.#early.pop();
      this.#early.push(report);
      return false;
    }
    try {
      const racks = this.#terms?.racksRevision;
      this.#answer = await this.#client.post("/node/report", {
        body: { ...report, ...(racks !== undefined && { racks }) } satisfies StepReport,
        schema: ReportAnswer,
        signal: AbortSignal.timeout(WAIT_MS),
      });
      this.#terms?.follow(this.#answer);
      if (this.#answer.cancelled) this.#cancel.abort(cancelledError("the operator cancelled it."));
      return true;
    } catch (error) {
      // the session has ended for good: the node has a new order, or has enrolled again
      if (error instanceof RackseedError && error.status === 401) {
        this.#cancel.abort(
          cancelledError("the server no longer knows it: another order has replaced it."),
        );
      }
      log.warn("report-lost", { step: report.step, error: messageOf(error) });
      return false;
    }
  }

  /**
   * Sends until the report arrives, with pauses, for at most `budgetMs`. Returns whether it arrived; gives up at once if
   * the order was cancelled.
   */
  async insist(
    report: StepReport,
    { budgetMs, signal }: { budgetMs: number; signal?: AbortSignal | undefined },
  ): Promise<boolean> {
    const deadline = performance.now() + budgetMs;
    for (let pauseMs = 500;; pauseMs = Math.min(pauseMs * 2, 10_000)) {
      if (await this.send(report)) return true;
      const ended = this.#client === undefined || signal?.aborted || this.cancelled.aborted;
      if (ended || performance.now() + pauseMs > deadline) return false;
      // with jitter: all nodes of a rack may be waiting for the same server
      await new Promise((resolve) => setTimeout(resolve, pauseMs * (0.75 + Math.random() / 2)));
    }
  }
}

function cancelledError(reason: string): RackseedError {
  return new RackseedError("the order was cancelled", {
    reason,
    remedy: "order it again if it is still wanted; until then, what was being installed may be half written.",
    status: 409,
  });
}
