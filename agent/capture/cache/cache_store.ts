/** Stores the capture caches of an agent: one file per image, readable by its owner only. */
import { getLogger } from "@logtape/logtape";
import { messageOf } from "#contract/errors.ts";
import { type CaptureCache, encodeCache, PastCapture } from "./past_capture.ts";

const log = getLogger(["rackseed", "capture"]);

export class CacheStore {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Returns the cache of this capture of `root`; undefined if there is none or it cannot be read. */
  async load(name: string, { capture, root }: { capture: string; root: string }): Promise<
    PastCapture | undefined
  > {
    try {
      const past = new PastCapture(await Deno.readFile(this.#path(name)));
      return past.capture === capture && past.root === root ? past : undefined;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) {
        log.warn("memory-not-read", { path: this.#path(name), error: messageOf(error) });
      }
      return undefined;
    }
  }

  /** A failure is only logged: without the cache, the next capture reads everything. */
  async save(name: string, cache: CaptureCache): Promise<void> {
    try {
      await Deno.mkdir(this.#folder, { recursive: true, mode: 0o700 });
      const path = this.#path(name);
      await Deno.writeFile(`${path}.new`, encodeCache(cache), { mode: 0o600 });
      await Deno.rename(`${path}.new`, path);
    } catch (error) {
      log.warn("memory-not-saved", { path: this.#path(name), error: messageOf(error) });
    }
  }

  #path(name: string): string {
    return `${this.#folder}/${name}.memory`;
  }
}
