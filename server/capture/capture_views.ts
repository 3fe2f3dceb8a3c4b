import { getLogger } from "@logtape/logtape";
import type { Database } from "../store/engine.ts";
import type { CaptureView } from "#contract/api.ts";
import { messageOf, RackseedError } from "#contract/errors.ts";
import { Captures } from "../store/captures.ts";

const log = getLogger(["rackseed", "capture"]);

/** Number of captures that are listed. */
const LISTED = 200;

/** The API's views of captures; they persist across restarts. */
export class CaptureViews {
  readonly #captures: Captures;
  readonly #onChange: ((view: CaptureView) => void) | undefined;
  readonly #views = new Map<string, CaptureView>();

  /** Marks the captures that the last run of the server did not finish as failed. */
  constructor(db: Database, { onChange }: { onChange: ((view: CaptureView) => void) | undefined }) {
    this.#captures = new Captures(db);
    this.#onChange = onChange;
    for (const view of this.#captures.list()) {
      this.#views.set(view.id, view);
      if (!isActive(view)) continue;
      this.change(view.id, {
        state: "failed",
        finished: new Date().toISOString(),
        problem: new RackseedError(`capture of ${view.image} was interrupted`, {
          reason: "the server stopped during it.",
          remedy: "capture again; what was already sent is not sent again.",
        }).toProblem(),
      });
    }
  }

  /** Throws RackseedError (404) if there is none. */
  get(id: string): CaptureView {
    const view = this.#views.get(id);
    if (view) return view;
    throw new RackseedError(`there is no capture ${id}`, {
      reason: "it never existed, or it is too old to be listed.",
      remedy: "choose one of the listed captures.",
      status: 404,
    });
  }

  /** Oldest first. */
  list(): CaptureView[] {
    return [...this.#views.values()];
  }

  change(id: string, change: Partial<CaptureView>): void {
    this.#show({ ...this.get(id), ...change }, { save: change.state !== undefined });
  }

  /** Adds or replaces a view. */
  put(view: CaptureView): CaptureView {
    this.#show(view, { save: true });
    for (const old of this.#views.values()) {
      if (this.#views.size <= LISTED) break;
      if (!isActive(old)) this.#views.delete(old.id);
    }
    return view;
  }

  /** A failed write (full disk) is logged and does not stop the capture. */
  #show(view: CaptureView, { save }: { save: boolean }): void {
    this.#views.set(view.id, view);
    try {
      if (save) this.#captures.save(view);
    } catch (error) {
      log.error("capture-not-saved", { capture: view.id, error: messageOf(error) });
    }
    this.#onChange?.(view);
  }
}

export function isActive({ state }: CaptureView): boolean {
  return state === "waiting" || state === "receiving" || state === "publishing";
}
