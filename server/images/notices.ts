import { getLogger } from "@logtape/logtape";
import type { Notice } from "#contract/api.ts";

const log = getLogger(["rackseed", "server"]);

/** What is wrong with the server as a whole, until it is mended. Each is logged once. */
export class Notices {
  readonly #notices = new Map<string, Notice>();
  readonly #onChange: (notices: Notice[]) => void;

  constructor(onChange: (notices: Notice[]) => void) {
    this.#onChange = onChange;
  }

  list(): Notice[] {
    return [...this.#notices.values()];
  }

  /** `notice`: undefined once there is nothing wrong any more. */
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
