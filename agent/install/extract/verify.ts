/**
 * Verifies the clone before it is released: kind, size and permissions of every entry, and the content of /boot and of
 * a sample of the rest, read back from the disk.
 */
import { createHash } from "node:crypto";
import { bytePathOfText, displayPath } from "#contract/format/byte_path.ts";
import { messageOf, RackseedError } from "#contract/errors.ts";
import type { Manifest } from "#contract/format/manifest.ts";
import { APPEND, describeSettings, IMMUTABLE } from "#contract/format/inode_flags.ts";
import { type FileStatus, statAt } from "../../sys/file_status.ts";
import { holdsOf, inodeSettingsOf } from "../../sys/inode_flags.ts";
import { close, forgetCached, O, openAt, readFully } from "../../sys/libc.ts";
import { syncAll } from "../../sys/kernel.ts";
import { hasSettings } from "./attribute_comparison.ts";
import type { FileEntry, ImageEntry, LinkEntry } from "./frame_plan.ts";

interface Verified {
  readonly entries: number;
  readonly readBytes: number;
}

export interface VerifyOptions {
  readonly root: string;
  /** If false, owners are not compared and devices may be missing. */
  readonly privileged: boolean;
  /** Paths (absolute in the tree) that got other content after the install, and everything below them. */
  readonly changed: ReadonlySet<string>;
  /** Mount points whose file system has no owners and modes (vfat). */
  readonly plain: readonly string[];
  /** Which entries to verify, by number; default: all. */
  readonly only?: (entry: number) => boolean;
  /**
   * Reads from the disk, not from the page cache. If all entries are verified, the whole page cache is dropped first,
   * which affects the whole machine.
   */
  readonly fromDisk: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** One in this many files is read back, in addition to all files below /boot. */
const SAMPLE = 25;
/** Of a sampled file, this many bytes are read. */
const SAMPLE_BYTES = 16 << 20;
/** At most this many differences are listed. */
const MAX_LISTED = 10;

export async function verifyTree(manifest: Manifest, options: VerifyOptions): Promise<Verified> {
  const { fromDisk, only } = options;
  if (fromDisk && !only) await dropCaches();
  const differences: string[] = [];
  const note = (path: string, what: string) => {
    if (differences.push(`${path}: ${what}`) > 100) throw failure(differences);
  };
  const fd = openAt(-100, bytePathOfText(options.root), { flags: O.RDONLY | O.DIRECTORY });
  let entries = 0, files = 0, readBytes = 0, sinceYield = 0;
  try {
    for (const [number, entry] of manifest.entries.entries()) {
      if (only?.(number) === false) continue;
      const shown = displayPath(entry.path);
      if (isChanged(shown, options.changed)) continue;
      entries++;
      const rights = options.privileged && !options.plain.some((p) => `/${shown}/`.startsWith(`${p}/`));
      const problem = compare(fd, { entry, privileged: options.privileged, rights });
      if (problem !== undefined) note(shown, problem);
      else if (
        entry.type === "file" && (only || shown.startsWith("boot/") || files++ % SAMPLE === 0)
      ) {
        const { bytes, wrong } = compareContent(fd, { entry, manifest, fromDisk });
        readBytes += bytes;
        sinceYield += bytes;
        if (wrong !== undefined) note(shown, wrong);
      }
      if (entries % 2000 === 0 || sinceYield > 64 << 20) {
        // lets the event loop run: the node may be seeding meanwhile
        sinceYield = 0;
        await new Promise((resolve) => setTimeout(resolve, 0));
        options.signal?.throwIfAborted();
      }
    }
  } finally {
    close(fd);
  }
  if (differences.length > 0) throw failure(differences);
  return { entries, readBytes };
}

function failure(differences: readonly string[]): RackseedError {
  const more = differences.length > MAX_LISTED
    ? `; and ${differences.length - MAX_LISTED} or more others`
    : "";
  return new RackseedError("the clone is not what the image says", {
    reason: `${differences.slice(0, MAX_LISTED).join("; ")}${more}.`,
    remedy: "check the disk's health (`dmesg`, SMART) and the machine's memory, then deploy again.",
  });
}

/** `path`: as `displayPath` returns it. */
export function isChanged(path: string, changed: ReadonlySet<string>): boolean {
  for (let at = `/${path}`; at.length > 1; at = at.slice(0, at.lastIndexOf("/"))) {
    if (changed.has(at)) return true;
  }
  return false;
}

/** What differs, human-readable. */
function compare(
  root: number,
  { entry, privileged, rights }: { entry: ImageEntry; privileged: boolean; rights: boolean },
): string | undefined {
  if (entry.path === "") return undefined;
  let status: FileStatus;
  try {
    status = statAt(root, entry.path);
  } catch (error) {
    return !privileged && (entry.type === "char" || entry.type === "block") ? undefined : messageOf(error);
  }
  if (entry.type === "link") return status.links > 1 ? undefined : "is not linked to its other name";
  if (status.type !== entry.type) return `is a ${status.type} and should be a ${entry.type}`;
  if (entry.type === "file" && status.sizeBytes !== entry.sizeBytes) {
    return `has ${status.sizeBytes} bytes and should have ${entry.sizeBytes}`;
  }
  if (rights && (status.uid !== entry.uid || status.gid !== entry.gid)) {
    return `belongs to ${status.uid}:${status.gid} and should belong to ${entry.uid}:${entry.gid}`;
  }
  if (rights && entry.type !== "symlink" && status.mode !== entry.mode) {
    return `has mode ${status.mode.toString(8)} and should have ${entry.mode.toString(8)}`;
  }
  return compareSettings(root, entry, status);
}

/** Few entries have any; for the others the flags from statx(2) suffice. */
function compareSettings(
  root: number,
  entry: Exclude<ImageEntry, LinkEntry>,
  { flags }: FileStatus,
): string | undefined {
  if (entry.type !== "file" && entry.type !== "directory") return undefined;
  if (entry.inode === undefined && (flags & (IMMUTABLE | APPEND)) === 0) return undefined;
  const fd = openAt(root, entry.path, { flags: O.RDONLY | O.NOFOLLOW });
  try {
    const settings = inodeSettingsOf(fd);
    if (hasSettings(entry, { settings, holds: holdsOf(fd) })) return undefined;
    const shown = (inode = {}) => describeSettings(inode) || "none";
    return `has the inode flags ${shown(settings)} and should have ${shown(entry.inode)}`;
  } finally {
    close(fd);
  }
}

/** Hashes the extents of the first SAMPLE_BYTES. */
function compareContent(
  root: number,
  { entry, manifest, fromDisk }: { entry: FileEntry; manifest: Manifest; fromDisk: boolean },
): { bytes: number; wrong?: string } {
  const fd = openAt(root, entry.path, { flags: O.RDONLY | O.NOFOLLOW });
  let bytes = 0;
  try {
    if (fromDisk) forgetCached(fd);
    for (const { offset, frame, index } of entry.extents) {
      const slice = manifest.frames[frame]?.extents[index];
      if (slice === undefined || bytes > SAMPLE_BYTES) break;
      const content = new Uint8Array(slice.sizeBytes);
      const got = readFully(fd, content, offset);
      bytes += got;
      if (createHash("sha256").update(content.subarray(0, got)).digest("base64url") !== slice.sha256) {
        return { bytes, wrong: `its content differs from byte ${offset} on` };
      }
    }
  } finally {
    close(fd);
  }
  return { bytes };
}

/** proc_sys_vm(5) */
async function dropCaches(): Promise<void> {
  syncAll();
  await Deno.writeTextFile("/proc/sys/vm/drop_caches", "3");
}
