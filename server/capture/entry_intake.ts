import { zstdDecompressSync } from "node:zlib";
import { CaptureHeader } from "#contract/api.ts";
import { MAX_ENTRIES_PART_BYTES, parseHashedEntry } from "#contract/entry.ts";
import { RackseedError } from "#contract/errors.ts";
import { MAX_MANIFEST_BYTES } from "#contract/manifest.ts";
import { Draft, type Places } from "./draft.ts";

/**
 * Takes the entries of one capture in, part by part while the contents arrive, so that little is left to do when
 * the last frame is written. All methods throw RackseedError: 400 where a line cannot stand; the entries must then
 * be sent from their beginning.
 */
export class EntryIntake {
  readonly #places: Places;
  #draft: Draft;
  #parts = 0;
  #textBytes = 0;

  constructor(places: Places) {
    this.#places = places;
    this.#draft = new Draft(places);
  }

  /**
   * `body`: zstd of lines, each ended by LF. Part 0 begins anew, as the agent of a template does that was started
   * again; the part that came last may come twice, since its sender may have missed the answer. 409 where another
   * one is due.
   */
  take(part: number, body: Uint8Array): void {
    if (part > 0 && part === this.#parts - 1) return;
    if (part === 0) this.#restart();
    if (part !== this.#parts) {
      throw new RackseedError("cannot take these entries", {
        reason: `part ${part} came where part ${this.#parts} is due.`,
        remedy: "start the agent, or the import, again.",
        status: 409,
      });
    }
    this.#refusing(() => {
      const text = textOf(body);
      this.#textBytes += text.length;
      if (this.#textBytes > MAX_MANIFEST_BYTES) throw new RangeError("the list of entries is too long");
      const lines = text.toString("utf8").split("\n");
      if (lines.pop() !== "") throw new RangeError("the last line has no end");
      for (const line of lines) this.#draft.add(parseHashedEntry(line));
      this.#draft.place();
    });
    this.#parts++;
  }

  /**
   * The draft of all that was taken. `body`: zstd of a CaptureHeader. 409 where extents are missing: once they are
   * there it can be asked again.
   */
  complete(body: Uint8Array): { header: CaptureHeader; draft: Draft } {
    const draft = this.#draft;
    const header = this.#refusing(() => {
      const header = CaptureHeader.parse(JSON.parse(textOf(body).toString("utf8")));
      if (header.entries === 0) throw new RangeError("the list of entries is empty");
      if (draft.added !== header.entries) {
        throw new RangeError(`${draft.added} of ${header.entries} entries came`);
      }
      draft.place();
      return header;
    });
    const missing = draft.missing();
    if (missing === 0) return { header, draft };
    throw new RackseedError("cannot publish yet", {
      reason: `${missing} extents that the entries name have not arrived.`,
      remedy: "ask which ones are known, send the others, then end the entries again.",
      status: 409,
    });
  }

  #restart(): void {
    this.#draft = new Draft(this.#places);
    this.#parts = this.#textBytes = 0;
  }

  #refusing<T>(work: () => T): T {
    const draft = this.#draft;
    try {
      return work();
    } catch (error) {
      this.#restart();
      throw new RackseedError("cannot take the list of entries", {
        reason: `after ${draft.totals.entries} entries: ${error instanceof Error ? error.message : error}.`,
        remedy: "use the same version of rackseed on both sides; then capture again.",
        status: 400,
        cause: error,
      });
    }
  }
}

function textOf(body: Uint8Array): Buffer {
  try {
    return zstdDecompressSync(body, { maxOutputLength: MAX_ENTRIES_PART_BYTES });
  } catch (error) {
    throw new RangeError("it cannot be decompressed, or is too long", { cause: error });
  }
}
