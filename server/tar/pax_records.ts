/**
 * Extended headers: records `LENGTH KEY=VALUE\n` (POSIX.1-2017, "pax Extended Header"). Values are bytes, since
 * names and attributes are. Attributes: SCHILY.xattr.NAME raw, LIBARCHIVE.xattr.NAME as base64 of a percent-coded
 * name, SCHILY.acl.* as text.
 */
import type { BytePath } from "#contract/format/byte_path.ts";
import type { Xattr } from "#contract/format/entry.ts";
import { bitsOf, FLAGS, type InodeSettings, XFLAGS } from "#contract/format/inode_flags.ts";
import { posixAcl } from "./posix_acl.ts";

/** In order; the sparse map 0.0 repeats its keys. Values have one character per byte. */
export type PaxRecords = readonly (readonly [key: string, value: string])[];

/** Throws RangeError. */
export function parsePax(data: Uint8Array): PaxRecords {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.length);
  const records: [string, string][] = [];
  for (let at = 0; at < bytes.length;) {
    const blank = bytes.indexOf(0x20, at);
    const length = blank < 0 ? NaN : Number(bytes.toString("latin1", at, blank));
    const equals = blank < 0 ? -1 : bytes.indexOf(0x3d, blank);
    const end = at + length;
    if (
      !Number.isInteger(length) || end > bytes.length || equals < 0 || equals >= end || bytes[end - 1] !== 10
    ) {
      throw new RangeError("an extended header is malformed");
    }
    records.push([bytes.toString("utf8", blank + 1, equals), bytes.toString("latin1", equals + 1, end - 1)]);
    at = end;
  }
  return records;
}

/** What extended headers say of a member beside its sparse map. */
interface PaxFields {
  path?: BytePath;
  linkPath?: BytePath;
  sizeBytes?: number;
  uid?: number;
  gid?: number;
  mtime?: { mtimeSec: number; mtimeNs: number };
  readonly xattrs: Map<string, Uint8Array>;
  inode: InodeSettings;
}

/** Later records win. `note` is told what cannot be kept. */
export function paxFields(records: PaxRecords, note: (text: string) => void): PaxFields {
  const fields: PaxFields = { xattrs: new Map(), inode: {} };
  for (const [key, value] of records) {
    if (key === "path") fields.path = value as BytePath;
    else if (key === "linkpath") fields.linkPath = value as BytePath;
    else if (key === "size") fields.sizeBytes = count(value);
    else if (key === "uid") fields.uid = u32(value);
    else if (key === "gid") fields.gid = u32(value);
    else if (key === "mtime") fields.mtime = time(value);
    else if (key === "SCHILY.fflags" || key.startsWith("RACKSEED.")) {
      fields.inode = { ...fields.inode, ...inodeMember(key, { value, known: fields.inode, note }) };
    } else {
      const xattr = xattrOf(key, { value, note });
      if (xattr) fields.xattrs.set(...xattr as [string, Uint8Array]);
    }
  }
  return fields;
}

function xattrOf(
  key: string,
  { value, note }: { value: string; note: (text: string) => void },
): Xattr | undefined {
  const [, kind, name = ""] = /^(SCHILY\.xattr|LIBARCHIVE\.xattr|SCHILY\.acl)\.(.+)$/s.exec(key) ?? [];
  switch (kind) {
    case "SCHILY.xattr":
      return [name, new Uint8Array(Buffer.from(value, "latin1"))];
    case "LIBARCHIVE.xattr":
      return [decoded(name), new Uint8Array(Buffer.from(value, "base64"))];
    case "SCHILY.acl": {
      const acl = posixAcl(value);
      if (acl) return [`system.posix_acl_${name}`, acl];
      note(`an ACL names users that this machine cannot know: ${value}`);
    }
  }
  return undefined;
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch (error) {
    throw new RangeError("an extended header names an attribute in a wrong way", { cause: error });
  }
}

/** What libarchive and our own export say; `known`: what other records of the member have said. */
function inodeMember(
  key: string,
  { value, known: { flags = 0 }, note }: {
    value: string;
    known: InodeSettings;
    note: (text: string) => void;
  },
): InodeSettings {
  switch (key) {
    case "SCHILY.fflags":
      return { flags: flags | namedFlags(value, note) };
    case "RACKSEED.flags":
      return { flags: flags | bitsOf(value) };
    case "RACKSEED.xflags":
      return { xflags: bitsOf(value, XFLAGS) };
    case "RACKSEED.project":
      return { project: u32(value) };
    case "RACKSEED.extsize":
      return { extentSize: u32(value) };
    case "RACKSEED.cowextsize":
      return { cowExtentSize: u32(value) };
    default:
      return {};
  }
}

/** Those that an archive of another system has, and Linux does not, are noted. */
function namedFlags(value: string, note: (text: string) => void): number {
  let flags = 0;
  for (const name of value.split(",").map((part) => part.trim()).filter(Boolean)) {
    const flag = FLAGS.find((f) => f.name === name || OTHER_NAMES.get(name) === f.name);
    if (flag?.name !== undefined) flags |= flag.bit;
    else note(`a file flag that Linux has not: ${name}`);
  }
  return flags;
}

/** By those that libarchive reads and star writes. */
const OTHER_NAMES: ReadonlyMap<string, string> = new Map([
  ["schange", "schg"],
  ["simmutable", "schg"],
  ["immutable", "schg"],
  ["sappend", "sappnd"],
  ["securedeletion", "secdel"],
  ["journal", "journal-data"],
]);

function u32(value: string): number {
  const number = count(value);
  if (number > 0xffffffff) throw new RangeError("an extended header holds a bad number");
  return number;
}

export function count(value: string): number {
  const number = Number(value);
  if (!/^\d+$/.test(value) || !Number.isSafeInteger(number)) {
    throw new RangeError("an extended header holds a bad number");
  }
  return number;
}

/** Decimal seconds, perhaps negative, with a fraction: -1.25 is 0.75 s after -2. */
function time(value: string): { mtimeSec: number; mtimeNs: number } {
  const match = /^(-?)(\d{1,15})(?:\.(\d+))?$/.exec(value);
  if (!match) throw new RangeError("an extended header holds a bad time");
  const [, sign, whole = "", fraction = ""] = match;
  const seconds = Number(whole), ns = Number(fraction.slice(0, 9).padEnd(9, "0"));
  if (!sign) return { mtimeSec: seconds, mtimeNs: ns };
  return ns === 0 ? { mtimeSec: -seconds, mtimeNs: 0 } : { mtimeSec: -seconds - 1, mtimeNs: 1e9 - ns };
}
