import { createHash, type Hash } from "node:crypto";
import { zstdDecompressSync } from "node:zlib";
import { CaptureHeader } from "#contract/api.ts";
import { type Entry, type HashedExtent, MAX_ENTRIES_PART_BYTES } from "#contract/format/entry.ts";
import { EntryPatch } from "#contract/format/entry_changes.ts";
import { RackseedError } from "#contract/errors.ts";
import { MAX_MANIFEST_BYTES } from "#contract/format/manifest.ts";
import { Draft, type Places } from "./draft.ts";

/**
 * Receives the entries of one capture, part by part while the contents arrive, so that little is left to do after the
 * last frame. All methods throw RackseedError: 400 if a line is malformed or breaks a rule; the entries must then be
 * sent again from the first part.
 */
export class EntryIntake {
  readonly #places: Places;
  readonly #parent: () => Iterable<Entry<HashedExtent>>;
  #isPrepared = false;
  /** The parent's entries, opened ahead of their use. */
  #ahead: Iterable<Entry<HashedExtent>> | undefined;
  #draft!: Draft;
  #patch!: EntryPatch;
  /** The hash of all lines, in the form that they have without a parent. */
  #hash!: Hash;
  #parts = 0;
  #textBytes = 0;

  /** `parent`: the entries that the sender may refer to; called when it does. */
  constructor(places: Places, { parent }: { parent: () => Iterable<Entry<HashedExtent>> }) {
    this.#places = places;
    this.#parent = parent;
    this.#restart();
  }

  /** Reads the parent in advance, while the sender has nothing to send yet. */
  prepare(): void {
    if (this.#isPrepared) return;
    this.#isPrepared = true;
    this.#ahead = this.#parent();
  }

  /**
   * `body`: zstd of lines of entry_changes.ts, each ended by LF. Part 0 starts over, as a restarted agent does. The
   * latest part may come twice, because its sender may have missed the answer. 409 if another part is due.
   */
  take(part: number, body: Uint8Array): void {
    if (part > 0 && part === this.#parts - 1) return;
    if (part === 0) this.#restart();
    if (part !== this.#parts) {
      throw new RackseedError("cannot take these entries", {
        reason: `part ${part} arrived, but part ${this.#parts} is due.`,
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
      for (const sent of lines) {
        for (const { entry, line, isKept } of this.#patch.apply(sent)) {
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
   * The draft of all parts. `body`: zstd of a CaptureHeader. 409 if extents are missing; call again once they have
   * arrived.
   */
  complete(body: Uint8Array): { header: CaptureHeader; draft: Draft } {
    const draft = this.#draft;
    const header = this.#refusing(() => {
      const header = CaptureHeader.parse(JSON.parse(textOf(body).toString("utf8")));
      if (header.entries === 0) throw new RangeError("the list of entries is empty");
      if (draft.added !== header.entries) {
        throw new RangeError(`${draft.added} of ${header.entries} entries arrived`);
      }
      const sha256 = this.#hash.copy().digest("hex");
      if (header.sha256 === undefined ? this.#patch.used : header.sha256 !== sha256) {
        throw new RangeError("they differ from the sender's, which may remember another parent");
      }
      draft.place();
      return header;
    });
    const missing = draft.missing();
    if (missing === 0) return { header, draft };
    throw new RackseedError("cannot publish yet", {
      reason: `${missing} extents of the entries have not arrived.`,
      remedy: "ask which ones are known, send the others, then send the header again.",
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
    throw new RangeError("it is not zstd, or is too long", { cause: error });
  }
}
