/** Notes a capture while it goes on, to be remembered by the next one. */
import type { BytePath } from "#contract/format/byte_path.ts";
import type { FileStatus } from "../../sys/file_status.ts";
import type { Amount } from "./amount.ts";
import { type CachedEntry, type CaptureCache, fingerprintOf } from "./past_capture.ts";

/**
 * A file that was changed later than this before the capture began is read again by the next one. A program that
 * has mapped a file changes it without a sign until the kernel writes the page out, mostly within 35 s (vm.rst,
 * dirty_expire_centisecs), and a change within one tick of the clock leaves the same time.
 */
export const SETTLED_MS = 60_000;

export class CaptureRecord {
  readonly #settledMs: number;
  readonly #entries: CachedEntry[] = [];
  /** What the file was like of which the entry comes next. */
  #seen: { readonly path: BytePath; readonly fingerprint: string } | undefined;

  /** `beganMs`: when the capture began. */
  constructor(beganMs: number) {
    this.#settledMs = beganMs - SETTLED_MS;
  }

  /** `status` as it was before the file was read. */
  see(path: BytePath, status: FileStatus): void {
    const settled = status.ctimeSec * 1000 + status.ctimeNs / 1e6 < this.#settledMs;
    this.#seen = settled ? { path, fingerprint: fingerprintOf(status) } : undefined;
  }

  add(told: CachedEntry): void {
    const { path, line, fingerprint } = told;
    // by the fingerprint that it bears it was known again: they have settled before the last capture
    if (fingerprint !== undefined) this.#entries.push(told);
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
