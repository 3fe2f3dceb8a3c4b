/**
 * What the extended headers of a member mean. Attributes come as SCHILY.xattr.NAME in raw bytes (GNU tar escapes
 * "=" and "%" in NAME), as LIBARCHIVE.xattr.NAME in base64 under a percent-coded name, and ACLs as text.
 */
import type { BytePath } from "#contract/format/byte_path.ts";
import type { Xattr } from "#contract/format/entry.ts";
import { bitsOf, FLAGS, type InodeSettings, XFLAGS } from "#contract/format/inode_flags.ts";
import { ACL_XATTR, PAX, type PaxRecords } from "./pax_records.ts";
import { parseAcl } from "./posix_acl.ts";

/** What extended headers say about a member, apart from its sparse map. */
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

type Note = (text: string) => void;

/** Later records win. `note` receives what cannot be kept. */
export function paxFields(records: PaxRecords, note: Note): PaxFields {
  const fields: PaxFields = { xattrs: new Map(), inode: {} };
  for (const [key, value] of records) {
    if (key === PAX.path) fields.path = value as BytePath;
    else if (key === PAX.linkPath) fields.linkPath = value as BytePath;
    else if (key === PAX.size) fields.sizeBytes = count(value);
    else if (key === PAX.uid) fields.uid = u32(value);
    else if (key === PAX.gid) fields.gid = u32(value);
    else if (key === PAX.mtime) fields.mtime = time(value);
    else {
      fields.inode = { ...fields.inode, ...inodeMember(key, { value, known: fields.inode, note }) };
      const xattr = xattrOf(key, { value, note });
      if (xattr) fields.xattrs.set(...xattr as [string, Uint8Array]);
    }
  }
  return fields;
}

const LIBARCHIVE_XATTR = "LIBARCHIVE.xattr.";

function xattrOf(key: string, { value, note }: { value: string; note: Note }): Xattr | undefined {
  const after = (prefix: string) => key.startsWith(prefix) ? key.slice(prefix.length) : "";
  const plain = after(PAX.xattr), coded = after(LIBARCHIVE_XATTR), acl = after(PAX.acl);
  if (plain) return [unescapeXattrName(plain), new Uint8Array(Buffer.from(value, "latin1"))];
  if (coded) return [decoded(coded), new Uint8Array(Buffer.from(value, "base64"))];
  if (!acl) return undefined;
  const attribute = parseAcl(value);
  if (attribute) return [`${ACL_XATTR}${acl}`, attribute];
  note(`an ACL names users that this machine cannot know: ${value}`);
  return undefined;
}

/** As GNU tar: "=" would end the key. */
export function escapeXattrName(name: string): string {
  return name.replaceAll("%", "%25").replaceAll("=", "%3D");
}

function unescapeXattrName(name: string): string {
  return name.replaceAll("%3D", "=").replaceAll("%25", "%");
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch (error) {
    throw new RangeError("an extended header holds a malformed attribute name", { cause: error });
  }
}

/** What libarchive and our own export write; `known`: from earlier records of the same member. */
function inodeMember(
  key: string,
  { value, known: { flags = 0 }, note }: { value: string; known: InodeSettings; note: Note },
): InodeSettings {
  switch (key) {
    case PAX.fileFlags:
      return { flags: flags | namedFlags(value, note) };
    case PAX.flags:
      return { flags: flags | bitsOf(value) };
    case PAX.xflags:
      return { xflags: bitsOf(value, XFLAGS) };
    case PAX.project:
      return { project: u32(value) };
    case PAX.extentSize:
      return { extentSize: u32(value) };
    case PAX.cowExtentSize:
      return { cowExtentSize: u32(value) };
    default:
      return {};
  }
}

/** Notes the flags that another system has and Linux does not. */
function namedFlags(value: string, note: Note): number {
  let flags = 0;
  for (const name of value.split(",").map((part) => part.trim()).filter(Boolean)) {
    const flag = FLAGS.find((f) => f.name === (OTHER_NAMES.get(name) ?? name));
    if (flag) flags |= flag.bit;
    else note(`Linux has no such file flag: ${name}`);
  }
  return flags;
}

/** Further names that libarchive reads and star writes. */
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
  if (number > 0xffffffff) throw new RangeError("a number in an extended header is out of range");
  return number;
}

/** A decimal number. Throws RangeError. */
export function count(value: string): number {
  const number = Number(value);
  if (!/^\d+$/.test(value) || !Number.isSafeInteger(number)) {
    throw new RangeError("a number in an extended header is malformed or too large");
  }
  return number;
}

/** Decimal seconds, possibly negative, with a fraction: -1.25 is 0.75 s after -2. */
function time(value: string): { mtimeSec: number; mtimeNs: number } {
  const [, sign, whole, fraction = ""] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(value) ?? [];
  const seconds = Number(whole), ns = Number(fraction.slice(0, 9).padEnd(9, "0"));
  const isFloored = sign === "-" && ns > 0;
  const mtimeSec = sign === "-" ? 0 - seconds - (isFloored ? 1 : 0) : seconds;
  if (!Number.isSafeInteger(mtimeSec)) {
    throw new RangeError("a time in an extended header is malformed or out of range");
  }
  return { mtimeSec, mtimeNs: isFloored ? 1e9 - ns : ns };
}
