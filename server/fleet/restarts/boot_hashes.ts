/** Sizes and hashes of boot files, so that an agent can check what it has fetched. */
import { createHash } from "node:crypto";
import type { BootFile } from "../ports.ts";

interface FileFacts {
  readonly sizeBytes: number;
  /** Hexadecimal. */
  readonly sha256: string;
}

const PART_BYTES = 1 << 20;
/** Versions whose hashes are remembered: more than are ever restored at the same time. */
const KEPT = 64;

/** Remembers what it has read: many nodes get the same order at once, and versions do not change. */
export class BootHashes {
  readonly #known = new Map<string, Promise<FileFacts>>();

  /** `name`: what the file is known by. `open` is called if it is not known yet; the file is closed. */
  of(name: string, open: () => BootFile): Promise<FileFacts> {
    const known = this.#known.get(name) ?? hashOf(open());
    this.#known.set(name, known);
    known.catch(() => this.#known.delete(name));
    const [oldest] = this.#known.keys();
    if (this.#known.size > KEPT && oldest !== undefined) this.#known.delete(oldest);
    return known;
  }
}

async function hashOf(file: BootFile): Promise<FileFacts> {
  const hash = createHash("sha256"), part = new Uint8Array(PART_BYTES);
  try {
    for (let at = 0; at < file.sizeBytes;) {
      const got = file.read(at, part);
      if (got === 0) throw new Error("a boot file shrank while it was being read");
      hash.update(part.subarray(0, got));
      at += got;
      // other requests are answered meanwhile
      await new Promise((resolve) => setTimeout(resolve));
    }
  } finally {
    file.close?.();
  }
  return { sizeBytes: file.sizeBytes, sha256: hash.digest("hex") };
}
