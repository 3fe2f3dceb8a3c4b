/** Notes each boot from the network that was answered, and what the node was sent. */
import { getLogger } from "@logtape/logtape";
import { messageOf } from "#contract/errors.ts";
import type { NodeHistory } from "../../store/node_history.ts";
import type { NodeRecord } from "../../store/node_record.ts";

const log = getLogger(["rackseed", "nodes"]);
/** Requests within this time after the first one belong to the same boot: firmware may ask more than once. */
const SAME_BOOT_MS = 60_000;

export class BootLog {
  readonly #history: Pick<NodeHistory, "put">;
  readonly #now: () => number;
  /** When each node's latest boot began, by node id, in the order of the boots; only those that are recent. */
  readonly #recent = new Map<string, { readonly atMs: number; readonly image: string | undefined }>();

  constructor(history: Pick<NodeHistory, "put">, { now }: { now: () => number }) {
    this.#history = history;
    this.#now = now;
  }

  /** `order`: absent if the node was sent to its own disk. Never throws: the machine boots all the same. */
  note({ id, name }: NodeRecord, order: { readonly image: string } | undefined): void {
    const atMs = this.#now(), last = this.#recent.get(id);
    const isSame = last && last.image === order?.image && atMs - last.atMs < SAME_BOOT_MS;
    if (isSame) return;
    this.#recent.delete(id);
    this.#recent.set(id, { atMs, image: order?.image });
    for (const [old, { atMs: oldMs }] of this.#recent) {
      if (atMs - oldMs < SAME_BOOT_MS) break;
      this.#recent.delete(old);
    }
    const at = new Date(atMs).toISOString();
    try {
      this.#history.put(id, `boot ${at}`, {
        kind: "boot",
        at,
        result: "done",
        details: [order ? "installer" : "own disk"],
        ...(order && { image: order.image }),
      });
    } catch (error) {
      log.error("boot-not-noted", { node: name, error: messageOf(error) });
    }
  }
}
