/**
 * One file-system entry of a manifest. It has two forms, which differ in how a file refers to its bytes: a capture
 * names extents by hash (`HashedExtent`), a published version by place in a frame (`FrameExtent`).
 */
import { type BytePath, bytePathOf, confinedPath, fromJsonPath, toJsonPath } from "./byte_path.ts";
import { bitsOf, FLAGS, type InodeSettings, lettersOf, settingsOf, XFLAGS } from "./inode_flags.ts";
import { isBase64UrlSha256 } from "./sha256.ts";

/** Files up to this size are one extent; larger ones are cut by content into extents of at most this size. */
export const MAX_EXTENT_BYTES = 4 << 20;

/** Longest part of a capture's list of entries, compressed or not. A single line can be long: a terabyte file is one. */
export const MAX_ENTRIES_PART_BYTES = 64 << 20;

/** Bytes of a file from `offset` on, named by their SHA-256 (32 bytes as base64url, 43 characters). */
export interface HashedExtent {
  readonly offset: number;
  readonly sizeBytes: number;
  readonly sha256: string;
}

/** Bytes of a file from `offset` on: extent number `index` of frame number `frame` of the manifest. */
export interface FrameExtent {
  readonly offset: number;
  readonly frame: number;
  readonly index: number;
}

/** What every entry has, except a hard link. */
export interface Attributes {
  readonly path: BytePath;
  /** Permission bits with setuid, setgid and sticky: 0 to 0o7777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeSec: number;
  readonly mtimeNs: number;
  /** Extended attributes: POSIX ACLs, capabilities and SELinux labels are among them (xattr(7)). */
  readonly xattrs: readonly Xattr[];
  /** Flags of chattr(1) and the like: files and directories only, and absent if none is set. */
  readonly inode?: InodeSettings;
}
export type Xattr = readonly [name: string, value: Uint8Array];

export type Entry<Extent> =
  | Attributes & { readonly type: "directory" }
  /** Gaps between extents, and after the last one up to sizeBytes, are holes. */
  | Attributes & { readonly type: "file"; readonly sizeBytes: number; readonly extents: readonly Extent[] }
  | Attributes & { readonly type: "symlink"; readonly target: BytePath }
  /** Another name of an earlier entry that is not a directory; it has no attributes of its own. */
  | { readonly type: "link"; readonly path: BytePath; readonly target: BytePath }
  | Attributes & { readonly type: "char" | "block"; readonly major: number; readonly minor: number }
  | Attributes & { readonly type: "fifo" };

type TupleOf<Extent> = (extent: Extent) => readonly [number, number, number | string];

/**
 * Parses one line of a capture: extents are [file offset, size, SHA-256 in base64url]. Throws (RangeError,
 * SyntaxError) on anything that is not an entry.
 */
export function parseHashedEntry(line: string): Entry<HashedExtent> {
  return parseEntry(line, (tuple) => {
    const [offset, sizeBytes, sha256] = tupleOf(tuple, 3);
    return {
      offset: integer(offset, MAX_SIZE),
      sizeBytes: positive(sizeBytes, MAX_EXTENT_BYTES),
      sha256: hash(sha256),
    };
  });
}

/** Parses one entry line of a manifest: extents are [file offset, frame, extent of the frame]. Throws likewise. */
export function parseFrameEntry(line: string): Entry<FrameExtent> {
  return parseEntry(line, (tuple) => {
    const [offset, frame, index] = tupleOf(tuple, 3);
    return {
      offset: integer(offset, MAX_SIZE),
      frame: integer(frame, MAX_SIZE),
      index: integer(index, MAX_SIZE),
    };
  });
}

export function formatHashedEntry(entry: Entry<HashedExtent>): string {
  return formatEntry(entry, (e) => [e.offset, e.sizeBytes, e.sha256]);
}

export function formatFrameEntry(entry: Entry<FrameExtent>): string {
  return formatEntry(entry, (e) => [e.offset, e.frame, e.index]);
}

// By hand rather than by a schema, for speed: a manifest has a line per file, and a node reads it before it installs.

function parseEntry<Extent>(line: string, extentOf: (tuple: unknown) => Extent): Entry<Extent> {
  const json: unknown = JSON.parse(line);
  if (typeof json !== "object" || json === null) throw new RangeError("not an entry");
  const own = json as Record<string, unknown>;
  const type = own.type;
  const path = confinedPath(bytePath(own.path));
  if (type === "link") return { type, path, target: confinedPath(bytePath(own.target)) };
  const [mtimeSec, mtimeNs] = tupleOf(own.mtime, 2);
  if (!Number.isSafeInteger(mtimeSec)) throw new RangeError("not a time");
  const common = {
    path,
    mode: integer(own.mode, 0o7777),
    uid: integer(own.uid, MAX_U32),
    gid: integer(own.gid, MAX_U32),
    mtimeSec: mtimeSec as number,
    mtimeNs: integer(mtimeNs, 999_999_999),
    xattrs: own.xattrs === undefined ? [] : xattrs(own.xattrs),
    ...inodeOf(own),
  };
  switch (type) {
    case "directory":
    case "fifo":
      return { type, ...common };
    case "file": {
      if (!Array.isArray(own.extents)) throw new RangeError("a file without extents");
      return { type, ...common, sizeBytes: integer(own.size, MAX_SIZE), extents: own.extents.map(extentOf) };
    }
    case "symlink":
      return { type, ...common, target: linkTarget(bytePath(own.target)) };
    case "char":
    case "block": {
      const [major, minor] = tupleOf(own.device, 2);
      return { type, ...common, major: integer(major, MAX_U32), minor: integer(minor, MAX_U32) };
    }
    default:
      throw new RangeError("an entry of an unknown type");
  }
}

const MAX_U32 = 0xffffffff;
const MAX_SIZE = Number.MAX_SAFE_INTEGER;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** `value`, if it is an integer from 0 to `max`; throws RangeError otherwise. */
function integer(value: unknown, max: number): number {
  if (!Number.isSafeInteger(value) || (value as number) < 0 || (value as number) > max) {
    throw new RangeError("a number is missing or out of range");
  }
  return value as number;
}

function positive(value: unknown, max: number): number {
  if (value === 0) throw new RangeError("a number is out of range");
  return integer(value, max);
}

/** The rare members. */
function inodeOf(own: Record<string, unknown>): { inode?: InodeSettings } {
  const { flags, xflags, project, extsize, cowextsize } = own;
  if ([flags, xflags, project, extsize, cowextsize].every((member) => member === undefined)) return {};
  if (own.type !== "file" && own.type !== "directory") throw new RangeError("only files have inode flags");
  const number = (value: unknown) => value === undefined ? 0 : positive(value, MAX_U32);
  const letters = (value: unknown, table: typeof XFLAGS) => value === undefined ? 0 : bitsOf(value, table);
  const inode = settingsOf({
    flags: letters(flags, FLAGS),
    xflags: letters(xflags, XFLAGS),
    project: number(project),
    extentSize: number(extsize),
    cowExtentSize: number(cowextsize),
  });
  if (inode === undefined) throw new RangeError("empty inode flags");
  return { inode };
}

/** A SHA-256 as base64url. */
function hash(value: unknown): string {
  if (!isBase64UrlSha256(value)) throw new RangeError("not a SHA-256 in base64url");
  return value;
}

/** One extent of a frame line: [SHA-256 in base64url, offset in the frame, size]. Throws RangeError. */
export function parseFrameSlice(json: unknown): { sha256: string; offset: number; sizeBytes: number } {
  const [sha256, offset, sizeBytes] = tupleOf(json, 3);
  return {
    sha256: hash(sha256),
    offset: integer(offset, MAX_SIZE),
    sizeBytes: positive(sizeBytes, MAX_EXTENT_BYTES),
  };
}

function tupleOf(value: unknown, length: number): readonly unknown[] {
  if (!Array.isArray(value) || value.length !== length) throw new RangeError("a member has the wrong shape");
  return value;
}

function base64(value: unknown): Uint8Array {
  if (typeof value !== "string" || !BASE64.test(value)) throw new RangeError("not base64");
  return Buffer.from(value, "base64");
}

function bytePath(json: unknown): BytePath {
  if (typeof json === "string") return fromJsonPath(json);
  if (typeof json !== "object" || json === null) throw new RangeError("an entry without a name");
  return bytePathOf(base64((json as { base64?: unknown }).base64));
}

function xattrs(json: unknown): Xattr[] {
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    throw new RangeError("not extended attributes");
  }
  return Object.entries(json).map(([name, value]): Xattr => {
    if (name === "" || name.length > 255) throw new RangeError("an attribute's name is empty or too long");
    return [name, base64(value)];
  });
}

function formatEntry<Extent>(entry: Entry<Extent>, tupleOf: TupleOf<Extent>): string {
  const path = toJsonPath(entry.path);
  if (entry.type === "link") return JSON.stringify({ type: "link", path, target: toJsonPath(entry.target) });
  return JSON.stringify({
    type: entry.type,
    path,
    mode: entry.mode,
    uid: entry.uid,
    gid: entry.gid,
    mtime: [entry.mtimeSec, entry.mtimeNs],
    ...(entry.xattrs.length > 0 && {
      xattrs: Object.fromEntries(entry.xattrs.map(([n, v]) => [n, Buffer.from(v).toString("base64")])),
    }),
    ...(entry.inode && inodeMembers(entry.inode)),
    ...(entry.type === "file" && { size: entry.sizeBytes, extents: entry.extents.map(tupleOf) }),
    ...(entry.type === "symlink" && { target: toJsonPath(entry.target) }),
    ...((entry.type === "char" || entry.type === "block") && { device: [entry.major, entry.minor] }),
  });
}

function inodeMembers({ flags, xflags, project, extentSize, cowExtentSize }: InodeSettings) {
  return {
    ...(flags && { flags: lettersOf(flags, FLAGS) }),
    ...(xflags && { xflags: lettersOf(xflags, XFLAGS) }),
    ...(project && { project }),
    ...(extentSize && { extsize: extentSize }),
    ...(cowExtentSize && { cowextsize: cowExtentSize }),
  };
}

/** A symlink is only data and may point anywhere, but it is never empty and never longer than PATH_MAX. */
function linkTarget(target: BytePath): BytePath {
  if (target === "" || target.length > 4095 || target.includes("\0")) throw new RangeError("bad link target");
  return target;
}
