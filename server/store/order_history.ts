/** Notes in the nodes' histories what becomes of their orders. */
import type { Database } from "./engine.ts";
import type { StepReport } from "#contract/api.ts";
import type { HistoryEvent, HistoryKind } from "#contract/api/node_history.ts";
import type { Terms } from "./deployment_terms.ts";
import { NodeHistory } from "./node_history.ts";

interface Part {
  readonly deployment: string;
  readonly node: string;
}

export class OrderHistory {
  readonly #history: NodeHistory;
  readonly #now: () => number;

  constructor(db: Database, { now }: { now: () => number }) {
    this.#history = new NodeHistory(db);
    this.#now = now;
  }

  /** `replaced`: the deployment that the node was armed with until now. */
  armed(
    { deployment, node }: Part,
    { ref, terms, replaced }: { ref: string; terms: Terms; replaced: string | undefined },
  ): void {
    if (replaced !== undefined) this.cancelled({ deployment: replaced, node }, undefined);
    const event = {
      kind: kindOf(terms),
      at: this.#time(),
      result: "waiting",
      image: ref,
      deployment,
    } as const;
    this.#history.put(node, deployment, event);
  }

  /** A node that enrols again, as after a power cut, began when it enrolled first. */
  enrolled({ deployment, node }: Part): void {
    const began = this.#history.get(node, deployment)?.began ?? this.#time();
    this.#history.change(node, deployment, { result: "running", began });
  }

  cancelled({ deployment, node }: Part, step: string | undefined): void {
    const change = { result: "cancelled", ended: this.#time(), ...step !== undefined && { step } } as const;
    this.#history.change(node, deployment, change);
  }

  /** Of reports that change nothing here, nothing is noted. */
  reported({ deployment, node }: Part, report: StepReport): void {
    const { step, state, plan, problem } = report;
    if (step === "first-boot" && state !== "running") return this.#firstBoot({ deployment, node }, report);
    const change: Partial<HistoryEvent> = {
      ...plan && step !== "plan" && { details: plan },
      ...state === "failed" && { result: "failed", step, ...problem && { problem } },
      ...state === "done" && step === "finish" && { result: "done" },
    };
    if (Object.keys(change).length === 0) return;
    this.#history.change(node, deployment, { ...change, ...change.result && { ended: this.#time() } });
  }

  forgetNode(node: string): void {
    this.#history.forget(node);
  }

  #firstBoot({ deployment, node }: Part, { state, problem, message }: StepReport): void {
    const image = this.#history.get(node, deployment)?.image;
    this.#history.put(node, `first-boot ${deployment}`, {
      kind: "first-boot",
      at: this.#time(),
      result: state === "failed" ? "failed" : "done",
      deployment,
      ...image !== undefined && { image },
      ...problem && { problem },
      ...message !== undefined && { details: [message] },
    });
  }

  #time(): string {
    return new Date(this.#now()).toISOString();
  }
}

function kindOf({ backup, discover, restore }: Terms): HistoryKind {
  if (backup) return "backup";
  if (discover) return "discovery";
  return restore ? restore.dryRun ? "dry-run" : "restore" : "deployment";
}
