/**
 * Tells the server how an installation goes. Reports before enrolment wait for it. A report that does not get
 * through never stops an installation, but the last one must: it disarms the node.
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
  /** Aborts where the operator has called it off. */
  readonly cancelled: AbortSignal;
  readonly #cancel = new AbortController();
  readonly #early: StepReport[] = [];
  #client: ReportClient | undefined;
  #answer: ReportAnswer = { cancelled: false, seedOn: false };
  #terms: SwarmTerms | undefined;

  constructor() {
    this.cancelled = this.#cancel.signal;
  }

  /** From now on reports are sent, those that waited first, and `terms` follow what the server answers. */
  async connect(client: ReportClient, terms?: SwarmTerms): Promise<void> {
    this.#client = client;
    this.#terms = terms;
    for (const report of this.#early.splice(0)) await this.send(report);
  }

  /** Whether what is sent goes to the server, and does not wait. */
  get isConnected(): boolean {
    return this.#client !== undefined;
  }

  /** Whether others still fetch, as the server said last. */
  get seedOn(): boolean {
    return this.#answer.seedOn;
  }

  /** How long it waits before it tells of mere progress again, as the server said last. */
  get pauseMs(): number {
    return this.#answer.nextReportMs ?? PAUSE_MS;
  }

  /** Sends once; says whether it got through. */
  async send(report: StepReport): Promise<boolean> {
    if (this.#client === undefined) {
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
      if (this.#answer.cancelled) this.#cancel.abort(calledOff("the operator cancelled it."));
      return true;
    } catch (error) {
      // the session has ended for good: the node was ordered anew, or enrolled again
      if (error instanceof RackseedError && error.status === 401) {
        this.#cancel.abort(
          calledOff("the server does not know it any more: another order stands in its place."),
        );
      }
      log.warn("report-lost", { step: report.step, error: messageOf(error) });
      return false;
    }
  }

  /**
   * Sends again and again, for as long as `budgetMs`, with pauses between; false where it never got through, at once
   * where it was called off.
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
      // spread, since all nodes of a rack may be waiting for the same server
      await new Promise((resolve) => setTimeout(resolve, pauseMs * (0.75 + Math.random() / 2)));
    }
  }
}

function calledOff(reason: string): RackseedError {
  return new RackseedError("what was ordered was called off", {
    reason,
    remedy: "order it again when it is wanted; what was being installed may be half written until then.",
    status: 409,
  });
}
