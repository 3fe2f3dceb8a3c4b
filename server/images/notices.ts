import { getLogger } from "@logtape/logtape";
import type { Notice } from "#contract/api.ts";

const log = getLogger(["rackseed", "server"]);

/**
 * Problems of the server as a whole, shown until they are fixed. Each is logged once.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { Notices } from "./notices.ts";
 *
 * const shown: number[] = [];
 * const notices = new Notices((list) => shown.push(list.length));
 * notices.set("full", { subject: "data directory", problem: "the disk is full", remedy: "free some space" });
 * notices.set("full", undefined);
 * assert.deepEqual(shown, [1, 0]);
 * ```
 */
export class Notices {
  readonly #notices = new Map<string, Notice>();
  readonly #onChange: (notices: Notice[]) => void;

  constructor(onChange: (notices: Notice[]) => void) {
    this.#onChange = onChange;
  }

  list(): Notice[] {
    return [...this.#notices.values()];
  }

  /** `notice`: undefined once the problem is gone. */
  set(key: string, notice: Notice | undefined): void {
    const before = this.#notices.get(key);
    if (before?.problem === notice?.problem) return;
    if (notice === undefined) {
      this.#notices.delete(key);
      log.info("notice-ended", { key });
    } else {
      this.#notices.set(key, notice);
      log.error("notice", { key, ...notice });
    }
    this.#onChange(this.list());
  }
}
