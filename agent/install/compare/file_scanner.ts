/** Reads files of the target and compares them with the manifest. */
import { createHash } from "node:crypto";
import { MAX_EXTENT_BYTES } from "#contract/format/entry.ts";
import { statOf } from "../../sys/file_status.ts";
import { close, nextData, O, openAt, readAhead, readFully } from "../../sys/libc.ts";
import { holdsOf, inodeSettingsOf } from "../../sys/inode_flags.ts";
import { xattrsOf } from "../../sys/xattr.ts";
import { TreeRoots } from "../../tree/tree_roots.ts";
import { hasAttributes } from "../extract/attribute_comparison.ts";
import { extentSum, isUntouched } from "../records/content_index.ts";
import type { Check, PartFound, ScanPart, ScanReply, ScanSetup } from "./scan_messages.ts";

const GAP_BYTES = 1 << 20;
/** The flag C of a btrfs or f2fs. */
const NO_COW = 0x800000;
/** Read-ahead for the beginnings of this many files at once: one by one, the scan would mostly wait for the disk. */
const AHEAD = { files: 32, bytes: 256 << 10 };

export class FileScanner {
  readonly #setup: ScanSetup;
  readonly #tree: TreeRoots;
  readonly #buffer = new Uint8Array(MAX_EXTENT_BYTES);
  readonly #zeros = Buffer.alloc(GAP_BYTES);
  #readBytes = 0;

  constructor(setup: ScanSetup) {
    this.#setup = setup;
    this.#tree = new TreeRoots(setup.root, setup.mounts);
  }

  /** Never throws: a file that cannot be opened or read counts as wrong and will be made again. */
  scan(parts: readonly ScanPart[]): ScanReply {
    const opened: (number | undefined)[] = [];
    this.#readBytes = 0;
    const found = parts.map((part, i) => {
      for (const next of parts.slice(opened.length, i + AHEAD.files)) opened.push(this.#open(next));
      return this.#scanPart(part, opened[i]);
    });
    return { parts: found, readBytes: this.#readBytes };
  }

  #open({ path, checks: [first] }: ScanPart): number | undefined {
    const place = this.#tree.at(path);
    try {
      // NONBLOCK: a FIFO that appeared after the survey must not block the scan
      const fd = openAt(place.fd, place.path, { flags: O.RDONLY | O.NOFOLLOW | O.NONBLOCK });
      if (first) readAhead(fd, { offset: first.offset, sizeBytes: AHEAD.bytes });
      return fd;
    } catch {
      return undefined;
    }
  }

  #scanPart(part: ScanPart, fd: number | undefined): PartFound {
    const { entry, first, checks } = part;
    const right = new Uint8Array(checks.length);
    const nothing = { entry, first, right, clean: false, fullSize: false, attributesRight: false, sum: 0 };
    if (fd === undefined) return nothing;
    try {
      return { ...nothing, ...this.#scanOpen(fd, { ...part, right }) };
    } catch {
      return nothing;
    } finally {
      close(fd);
    }
  }

  #scanOpen(
    fd: number,
    { sizeBytes, checks, gaps, attributes, right, indexed }: ScanPart & { right: Uint8Array },
  ): Omit<PartFound, "entry" | "first" | "right"> {
    const status = statOf(fd);
    const fullSize = status.sizeBytes === sizeBytes;
    if (status.type !== "file" || status.sizeBytes > sizeBytes) {
      return { clean: false, fullSize: false, attributesRight: false, sum: 0 };
    }
    const untouched = indexed !== undefined && fullSize && isUntouched(indexed, status);
    let sum = untouched ? this.#readAll(fd, checks, () => true) : 0;
    if (untouched && sum === indexed.sum) right.fill(1);
    else {
      sum = this.#readAll(fd, checks, (bytes, i) => {
        const isRight = createHash("sha256").update(bytes).digest("base64url") === checks[i]?.sha256;
        if (isRight) right[i] = 1;
        return isRight;
      });
    }
    const clean = gaps.every(([start, end]) => this.#readsAsZeros(fd, { start, end }));
    const inode = { settings: inodeSettingsOf(fd), holds: holdsOf(fd) };
    // a file that has content cannot change this any more, so it is made again
    const wrongCow = ((attributes.inode?.flags ?? 0) ^ (inode.settings?.flags ?? 0)) & inode.holds.flags &
      NO_COW;
    if (wrongCow !== 0 && sizeBytes > 0) return { clean: false, fullSize, attributesRight: false, sum };
    const { privileged } = this.#setup;
    const attributesRight = hasAttributes(attributes, { status, xattrs: xattrsOf(fd), inode, privileged });
    return { clean, fullSize, attributesRight, sum };
  }

  /** Returns the checksum of the extents that could be read in full and that `counts`. */
  #readAll(
    fd: number,
    checks: readonly Check[],
    counts: (bytes: Uint8Array, number: number) => boolean,
  ): number {
    let sum = 0;
    checks.forEach(({ sizeBytes, offset }, i) => {
      const bytes = this.#buffer.subarray(0, sizeBytes);
      const got = readFully(fd, bytes, offset);
      this.#readBytes += got;
      if (got < bytes.length) return;
      if (counts(bytes, i)) sum ^= extentSum(bytes, offset);
    });
    return sum >>> 0;
  }

  #readsAsZeros(fd: number, { start, end }: { start: number; end: number }): boolean {
    for (let at = start; at < end;) {
      const run = nextData(fd, { offset: at, sizeBytes: end });
      if (run === undefined) return true;
      for (at = run.start; at < run.end;) {
        const bytes = this.#buffer.subarray(0, Math.min(GAP_BYTES, run.end - at));
        const got = readFully(fd, bytes, at);
        if (got === 0) return true;
        this.#readBytes += got;
        if (this.#zeros.compare(bytes, 0, got, 0, got) !== 0) return false;
        at += got;
      }
    }
    return true;
  }
}
