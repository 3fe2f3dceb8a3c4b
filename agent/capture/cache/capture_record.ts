/** Records a capture while it runs, as the cache for the next one. */
import type { BytePath } from "#contract/format/byte_path.ts";
import type { FileStatus } from "../../sys/file_status.ts";
import type { Amount } from "./amount.ts";
import { type CachedEntry, type CaptureCache, fingerprintOf } from "./past_capture.ts";

/**
 * A file changed less than this before the capture began is read again by the next capture. A program that has mapped
 * a file can change it without updating its ctime until the kernel writes the page out, mostly within 35 s (vm.rst,
 * dirty_expire_centisecs); and changes within one clock tick leave the same ctime.
 */
export const SETTLED_MS = 60_000;

export class CaptureRecord {
  readonly #settledMs: number;
  readonly #entries: CachedEntry[] = [];
  /** The file whose entry is added next, if it has settled. */
  #seen: { readonly path: BytePath; readonly fingerprint: string } | undefined;

  /** `beganMs`: the start of the capture. */
  constructor(beganMs: number) {
    this.#settledMs = beganMs - SETTLED_MS;
  }

  /** `status`: from before the file was read. */
  see(path: BytePath, status: FileStatus): void {
    const settled = status.ctimeSec * 1000 + status.ctimeNs / 1e6 < this.#settledMs;
    this.#seen = settled ? { path, fingerprint: fingerprintOf(status) } : undefined;
  }

  add(entry: CachedEntry): void {
    const { path, line, fingerprint } = entry;
    // an entry with a fingerprint comes from the cache: it had settled before the last capture
    if (fingerprint !== undefined) this.#entries.push(entry);
    else {this.#entries.push({
        path,
        line,
        fingerprint: this.#seen?.path === path ? this.#seen.fingerprint : undefined,
      });}
  }

  toCache(of: { capture: string; root: string; amount: Amount }): CaptureCache {
    return { ...of, entries: this.#entries };
  }
}
