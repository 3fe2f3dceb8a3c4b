/** Notes in a node's history the captures of its own system: backups by its agent, and captures of a template. */
import type { Database } from "./engine.ts";
import { hasTable } from "./schema.ts";
import type { CaptureView } from "#contract/api.ts";
import type { HistoryEvent } from "#contract/api/node_history.ts";
import { NodeHistory } from "./node_history.ts";

const RESULTS = {
  waiting: "waiting",
  receiving: "running",
  publishing: "running",
  published: "done",
  failed: "failed",
  cancelled: "cancelled",
} as const;

/** Events since a backup began that may be noted meanwhile. */
const RECENT = 20;

export class CaptureHistory {
  readonly #db: Database;
  readonly #history: NodeHistory;

  constructor(db: Database) {
    this.#db = db;
    this.#history = new NodeHistory(db);
  }

  note(view: CaptureView): void {
    const node = view.template === undefined ? undefined : this.#nodeOf(view.template);
    if (node === undefined) return;
    const order = this.#bootBackup(node);
    if (order !== undefined) this.#history.change(node, order, { details: [refOf(view)] });
    else this.#history.put(node, `capture ${view.id}`, eventOf(view));
  }

  /** The backup at its boot that this capture is a part of. */
  #bootBackup(node: string): string | undefined {
    const running = this.#history.list(node, { before: undefined, limit: RECENT })
      .find(({ event }) => event.kind === "backup" && event.result === "running" && event.deployment);
    return running?.event.deployment;
  }

  #nodeOf(name: string): string | undefined {
    const isKnown = hasTable(this.#db, "nodes");
    const row = isKnown && this.#db.prepare("SELECT id FROM nodes WHERE name = ?").get(name);
    return row ? String(row.id) : undefined;
  }
}

function eventOf(view: CaptureView): HistoryEvent {
  const { template, image, state, started, finished, problem } = view;
  return {
    // an image of backups is named after its node
    kind: image === template?.toLowerCase() ? "backup" : "capture",
    at: started,
    result: RESULTS[state],
    image: refOf(view),
    ...finished !== undefined && { ended: finished },
    ...problem && { problem },
  };
}

function refOf({ image, version }: CaptureView): string {
  return version === undefined ? image : `${image}@${version}`;
}
