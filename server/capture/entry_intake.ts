import { createHash, type Hash } from "node:crypto";
import { zstdDecompressSync } from "node:zlib";
import { CaptureHeader } from "#contract/api.ts";
import { type Entry, type HashedExtent, MAX_ENTRIES_PART_BYTES } from "#contract/format/entry.ts";
import { EntryPatch } from "#contract/format/entry_changes.ts";
import { RackseedError } from "#contract/errors.ts";
import { MAX_MANIFEST_BYTES } from "#contract/format/manifest.ts";
import { Draft, type Places } from "./draft.ts";

/**
 * Takes the entries of one capture in, part by part while the contents arrive, so that little is left to do when
 * the last frame is written. All methods throw RackseedError: 400 where a line cannot stand; the entries must then
 * be sent from their beginning.
 */
export class EntryIntake {
  readonly #places: Places;
  readonly #parent: () => Iterable<Entry<HashedExtent>>;
  #isPrepared = false;
  /** The parent's entries, opened ahead of their use. */
  #ahead: Iterable<Entry<HashedExtent>> | undefined;
  #draft!: Draft;
  #patch!: EntryPatch;
  /** Of all lines as they would be without a parent. */
  #hash!: Hash;
  #parts = 0;
  #textBytes = 0;

  /** `parent`: the entries that the sender may refer to; asked for when it does. */
  constructor(places: Places, { parent }: { parent: () => Iterable<Entry<HashedExtent>> }) {
    this.#places = places;
    this.#parent = parent;
    this.#restart();
  }

  /** Reads the parent while its sender has nothing to send yet. */
  prepare(): void {
    if (this.#isPrepared) return;
    this.#isPrepared = true;
    this.#ahead = this.#parent();
  }

  /**
   * `body`: zstd of lines of entry_changes.ts, each ended by LF. Part 0 begins anew, as the agent of a template
   * does that was started again; the part that came last may come twice, since its sender may have missed the
   * answer. 409 where another one is due.
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
      const whole: string[] = [];
      for (const told of lines) {
        for (const { entry, line, isKept } of this.#patch.apply(told)) {
          this.#draft.add(entry, { isKept });
          whole.push(line);
        }
      }
      if (whole.length > 0) this.#hash.update(whole.join("\n") + "\n");
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
      const sha256 = this.#hash.copy().digest("hex");
      if (header.sha256 === undefined ? this.#patch.used : header.sha256 !== sha256) {
        throw new RangeError("they are not what their sender meant, who may remember another parent");
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
    this.#patch = new EntryPatch(() => this.#openParent());
    this.#hash = createHash("sha256");
    this.#parts = this.#textBytes = 0;
  }

  #openParent(): Iterable<Entry<HashedExtent>> {
    this.#isPrepared = true;
    const parent = this.#ahead ?? this.#parent();
    this.#ahead = undefined;
    return parent;
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
