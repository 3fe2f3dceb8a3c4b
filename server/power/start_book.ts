/** What is known of the nodes' starts. The store has a copy for the next start of the server. */
import { getLogger } from "@logtape/logtape";
import { messageOf } from "#contract/errors.ts";
import type { PowerStart, PowerStarts } from "../store/power_starts.ts";

const log = getLogger(["rackseed", "power"]);

export class StartBook {
  readonly #store: PowerStarts;
  readonly #known: Map<string, PowerStart>;

  constructor(store: PowerStarts) {
    this.#store = store;
    this.#known = store.all();
  }

  get(node: string): PowerStart | undefined {
    return this.#known.get(node);
  }

  /** By the nodes' ids, in the order in which they were ordered. */
  entries(): [node: string, start: PowerStart][] {
    return [...this.#known];
  }

  set(node: string, start: PowerStart): void {
    this.#known.set(node, start);
    this.#copy(() => this.#store.put(node, start));
  }

  /** Whether there was anything to forget. */
  delete(node: string): boolean {
    if (!this.#known.delete(node)) return false;
    this.#copy(() => this.#store.forget(node));
    return true;
  }

  /** A full disk must not keep machines from being started. */
  #copy(write: () => void): void {
    try {
      write();
    } catch (error) {
      log.warn("start-not-stored", { error: messageOf(error) });
    }
  }
}
