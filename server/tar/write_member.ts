/**
 * Writes members in the pax interchange format (POSIX.1-2017, pax(1)), with GNU tar's and star's keywords. Our own
 * writer, because tar-stream knows names, targets and pax values as text only: no name that is not UTF-8, no binary
 * attribute, no sparse file, no large device number.
 */
import { type BytePath, bytePathOf, bytePathOfText, bytesOf, textOf } from "#contract/format/byte_path.ts";
import type { Attributes, Xattr } from "#contract/format/entry.ts";
import { FLAGS, type InodeSettings, lettersOf, XFLAGS } from "#contract/format/inode_flags.ts";
import { escapeXattrName } from "./pax_fields.ts";
import { ACL_XATTR, formatPax, PAX } from "./pax_records.ts";
import { formatAcl } from "./posix_acl.ts";
import { formatHeader, MAX_NAME_BYTES, MAX_OCTAL_OWNER, MAX_OCTAL_SIZE, padding } from "./ustar.ts";

/** A member to be written. */
export interface NewMember extends Attributes {
  readonly type: "0" | "1" | "2" | "3" | "4" | "5" | "6";
  /** Bytes of data that follow the header, before padding. */
  readonly sizeBytes: number;
  readonly target?: BytePath;
  readonly device?: readonly [major: number, minor: number];
  /** Size of the file that the sparse map describes; `path` is then the file's own. */
  readonly sparseSizeBytes?: number;
}

/**
 * The member's ustar header, preceded by an extended header if ustar cannot express everything.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { bytePathOfText } from "#contract/format/byte_path.ts";
 * import { encodeHeader } from "#tar/write_member.ts";
 *
 * const file = { type: "0", mode: 0o644, uid: 0, gid: 0, mtimeSec: 1, mtimeNs: 0, xattrs: [], sizeBytes: 0 } as const;
 * assert.equal(encodeHeader({ ...file, path: bytePathOfText("etc/motd") }).length, 512);
 * // a name beyond ASCII needs an extended header: its own block, one of records, the member's
 * assert.equal(encodeHeader({ ...file, path: bytePathOfText("étc/motd") }).length, 3 * 512);
 * ```
 */
export function encodeHeader(member: NewMember): Uint8Array {
  const records = recordsOf(member);
  const [major, minor] = member.device ?? [0, 0];
  const path = member.sparseSizeBytes === undefined ? member.path : sparsePath(member.path);
  const header = formatHeader({ ...member, name: path, linkName: member.target ?? "", major, minor });
  if (records.length === 0) return header;
  const body = bytesOf(records.join("") as BytePath);
  const extended = formatHeader({
    type: "x",
    name: `PaxHeaders/${member.path.slice(member.path.lastIndexOf("/") + 1)}`,
    linkName: "",
    mode: 0o644,
    uid: 0,
    gid: 0,
    mtimeSec: 0,
    sizeBytes: body.length,
    major: 0,
    minor: 0,
  });
  return Buffer.concat([extended, body, padding(body.length), header]);
}

function recordsOf(member: NewMember): string[] {
  const { path, target, sparseSizeBytes } = member;
  const records: string[] = [];
  const add = (key: string, value: string | number) => records.push(formatPax(key, String(value)));
  const isText = (name: BytePath | undefined) => name === undefined || textOf(name) !== undefined;
  if (!isText(path) || !isText(target)) add("hdrcharset", "BINARY");
  if (sparseSizeBytes !== undefined) {
    add(PAX.sparseMajor, 1);
    add("GNU.sparse.minor", 0);
    add(PAX.sparseName, path);
    add(PAX.sparseRealSize, sparseSizeBytes);
  }
  const shownPath = sparseSizeBytes === undefined ? path : sparsePath(path);
  if (!fits(shownPath)) add(PAX.path, shownPath);
  if (target !== undefined && !fits(target)) add(PAX.linkPath, target);
  if (member.uid > MAX_OCTAL_OWNER) add(PAX.uid, member.uid);
  if (member.gid > MAX_OCTAL_OWNER) add(PAX.gid, member.gid);
  if (member.sizeBytes > MAX_OCTAL_SIZE) add(PAX.size, member.sizeBytes);
  if (member.mtimeNs !== 0 || member.mtimeSec < 0 || member.mtimeSec > MAX_OCTAL_SIZE) {
    add(PAX.mtime, decimalTime(member.mtimeSec, member.mtimeNs));
  }
  for (const xattr of member.xattrs) add(...xattrRecord(xattr));
  for (const record of inodeRecords(member.inode ?? {})) add(...record);
  return records;
}

/** Tars restore ACLs from their text only, and all other attributes from their bytes. */
function xattrRecord([name, value]: Xattr): [key: string, value: string] {
  const acl = name.startsWith(ACL_XATTR) ? formatAcl(value) : undefined;
  if (acl !== undefined) return [`${PAX.acl}${name.slice(ACL_XATTR.length)}`, acl];
  return [`${PAX.xattr}${bytePathOfText(escapeXattrName(name))}`, bytePathOf(value)];
}

/** SCHILY.fflags in libarchive's words, which bsdtar restores; what it cannot express has keywords of our own. */
function inodeRecords(
  { flags = 0, xflags = 0, project, extentSize, cowExtentSize }: InodeSettings,
): [key: string, value: string | number][] {
  const named = FLAGS.filter(({ bit, name }) => name !== undefined && flags & bit);
  const unnamed = named.reduce((rest, { bit }) => rest & ~bit, flags);
  const records: [string, string | number | undefined][] = [
    [PAX.fileFlags, named.map(({ name }) => name).join(",")],
    [PAX.flags, lettersOf(unnamed)],
    [PAX.xflags, lettersOf(xflags, XFLAGS)],
    [PAX.project, project],
    [PAX.extentSize, extentSize],
    [PAX.cowExtentSize, cowExtentSize],
  ];
  return records.flatMap(([key, value]): [string, string | number][] => value ? [[key, value]] : []);
}

/** Plain ASCII of up to 100 bytes needs no record. */
function fits(path: BytePath): boolean {
  return path.length <= MAX_NAME_BYTES && /^[\x20-\x7e]*$/.test(path);
}

/** The name that a tar without sparse files shows. */
function sparsePath(path: BytePath): BytePath {
  const slash = path.lastIndexOf("/") + 1;
  return `${path.slice(0, slash)}GNUSparseFile.0/${path.slice(slash)}` as BytePath;
}

/** Seconds since 1970 as a decimal fraction; [-1, 500000000] is "-0.500000000". */
function decimalTime(sec: number, ns: number): string {
  const [sign, whole, part] = sec < 0 && ns > 0 ? ["-", -sec - 1, 1e9 - ns] : ["", sec, ns];
  return `${sign}${whole}.${String(part).padStart(9, "0")}`;
}
