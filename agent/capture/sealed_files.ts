/** Counts files under fs-verity or fscrypt: an image holds their plain content, and a clone lacks the protection. */
import { type BytePath, displayPath } from "#contract/format/byte_path.ts";
import type { FileStatus } from "../sys/file_status.ts";

/** FS_VERITY_FL and FS_ENCRYPT_FL, which no program can set on an existing file. */
const KINDS = [
  { bit: 0x100000, what: "fs-verity is not captured: clones have the content without it" },
  {
    bit: 0x800,
    what: "file-system encryption (fscrypt) is not captured: the image and its clones have plain content",
  },
] as const;

export class SealedFiles {
  readonly #counts = new Map<number, { count: number; example: BytePath }>();

  see(path: BytePath, { flags }: FileStatus): void {
    for (const { bit } of KINDS) {
      if (!(flags & bit)) continue;
      const known = this.#counts.get(bit);
      if (known) known.count++;
      else this.#counts.set(bit, { count: 1, example: path });
    }
  }

  /** One note per kind, however many files there are. */
  notes(): string[] {
    return KINDS.flatMap(({ bit, what }) => {
      const seen = this.#counts.get(bit);
      if (seen === undefined) return [];
      const shown = displayPath(seen.example) || "/";
      return [`${what}: ${seen.count === 1 ? shown : `${seen.count} paths, such as ${shown}`}`];
    });
  }
}
