/**
 * Headers of the pax interchange format (POSIX.1-2017, pax(1)), with GNU tar's and star's keywords. Our own
 * writer, since tar-stream knows names, targets and pax values as text only: no name that is not UTF-8, no
 * binary attribute, no sparse file, no large device number. Names are BytePaths here, one character a byte, and
 * so is all text until `bytesOf`.
 */
import { type BytePath, bytePathOf, bytePathOfText, bytesOf, textOf } from "#contract/format/byte_path.ts";
import type { Attributes, Xattr } from "#contract/format/entry.ts";
import { FLAGS, type InodeSettings, lettersOf, XFLAGS } from "#contract/format/inode_flags.ts";
import { aclText } from "./acl_text.ts";

export const BLOCK_BYTES = 512;
/** GNU tar's record: the archive's length is a multiple of it. */
export const RECORD_BYTES = 20 * BLOCK_BYTES;

type TypeFlag = "0" | "1" | "2" | "3" | "4" | "5" | "6" | "x";

export interface Member extends Attributes {
  readonly type: TypeFlag;
  /** Of what follows the header, before it is padded. */
  readonly sizeBytes: number;
  readonly target?: BytePath;
  readonly device?: readonly [major: number, minor: number];
  /** Size of the file that the sparse map describes; `path` is then the file's own. */
  readonly sparseSizeBytes?: number;
}

/** The member's ustar header, after an extended header where ustar cannot say everything. */
export function encodeHeader(member: Member): Uint8Array {
  const records = recordsOf(member);
  const path = member.sparseSizeBytes === undefined ? member.path : sparsePath(member.path);
  const header = ustar({ ...member, path });
  if (records.length === 0) return header;
  const body = bytesOf(records.join("") as BytePath);
  const extended = ustar({
    type: "x",
    path: `PaxHeaders/${member.path.slice(member.path.lastIndexOf("/") + 1)}` as BytePath,
    mode: 0o644,
    uid: 0,
    gid: 0,
    mtimeSec: 0,
    sizeBytes: body.length,
  });
  return Buffer.concat([extended, body, padding(body.length), header]);
}

/** Zeros up to the next block. */
export function padding(length: number): Uint8Array {
  return new Uint8Array((BLOCK_BYTES - length % BLOCK_BYTES) % BLOCK_BYTES);
}

/** GNU tar manual, "Sparse Formats", version 1.0: numbers in decimal lines, filled up to a block. */
export function encodeSparseMap(
  regions: readonly (readonly [offset: number, sizeBytes: number])[],
): Uint8Array {
  const text = Buffer.from([regions.length, ...regions.flat()].map((n) => `${n}\n`).join(""));
  return Buffer.concat([text, padding(text.length)]);
}

function recordsOf(member: Member): string[] {
  const { path, target, sparseSizeBytes } = member;
  const records: string[] = [];
  const binary = textOf(path) === undefined || (target !== undefined && textOf(target) === undefined);
  if (binary) records.push(record("hdrcharset", "BINARY"));
  if (sparseSizeBytes !== undefined) {
    records.push(
      record("GNU.sparse.major", "1"),
      record("GNU.sparse.minor", "0"),
      record("GNU.sparse.name", path),
      record("GNU.sparse.realsize", String(sparseSizeBytes)),
    );
    if (!fits(sparsePath(path))) records.push(record("path", sparsePath(path)));
  } else if (!fits(path)) records.push(record("path", path));
  if (target !== undefined && !fits(target)) records.push(record("linkpath", target));
  for (const [key, value] of [["uid", member.uid], ["gid", member.gid]] as const) {
    if (value > 0o7777777) records.push(record(key, String(value)));
  }
  if (member.sizeBytes > 0o77777777777) records.push(record("size", String(member.sizeBytes)));
  if (member.mtimeNs !== 0 || member.mtimeSec < 0 || member.mtimeSec > 0o77777777777) {
    records.push(record("mtime", decimalTime(member.mtimeSec, member.mtimeNs)));
  }
  for (const xattr of member.xattrs) records.push(xattrRecord(xattr));
  if (member.inode) records.push(...inodeRecords(member.inode));
  return records;
}

const ACL_KEYS = new Map([
  ["system.posix_acl_access", "SCHILY.acl.access"],
  ["system.posix_acl_default", "SCHILY.acl.default"],
]);

/** Tars restore ACLs from their text only, and all other attributes from their bytes. */
function xattrRecord([name, value]: Xattr): string {
  const aclKey = ACL_KEYS.get(name);
  const acl = aclKey && aclText(value);
  if (aclKey !== undefined && acl !== undefined) return record(aclKey, acl);
  // as GNU tar writes and reads it: '=' ends a keyword
  const key = bytePathOfText(name.replaceAll("%", "%25").replaceAll("=", "%3D"));
  return record(`SCHILY.xattr.${key}`, bytePathOf(value));
}

/** SCHILY.fflags as libarchive has it, which bsdtar restores; what that cannot say has keywords of ours. */
function inodeRecords({ flags = 0, xflags, project, extentSize, cowExtentSize }: InodeSettings): string[] {
  const named = FLAGS.filter(({ bit, name }) => name !== undefined && flags & bit);
  const others = named.reduce((rest, { bit }) => rest & ~bit, flags);
  return [
    ...named.length > 0 ? [record("SCHILY.fflags", named.map(({ name }) => name).join(","))] : [],
    ...others !== 0 ? [record("RACKSEED.flags", lettersOf(others))] : [],
    ...xflags ? [record("RACKSEED.xflags", lettersOf(xflags, XFLAGS))] : [],
    ...project ? [record("RACKSEED.project", String(project))] : [],
    ...extentSize ? [record("RACKSEED.extsize", String(extentSize))] : [],
    ...cowExtentSize ? [record("RACKSEED.cowextsize", String(cowExtentSize))] : [],
  ];
}

/** Plain ASCII of up to 100 bytes needs no record. */
function fits(path: BytePath): boolean {
  return path.length <= 100 && /^[\x20-\x7e]*$/.test(path);
}

/** "LENGTH KEY=VALUE\n"; the length counts its own digits. */
function record(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  let length = rest.length + String(rest.length).length;
  if (String(length).length + rest.length > length) length++;
  return `${length}${rest}`;
}

/** What the file is called for a tar that does not know sparse files. */
function sparsePath(path: BytePath): BytePath {
  const slash = path.lastIndexOf("/") + 1;
  return `${path.slice(0, slash)}GNUSparseFile.0/${path.slice(slash)}` as BytePath;
}

/** Seconds since 1970 as a decimal fraction; [-1, 500000000] is "-0.500000000". */
function decimalTime(sec: number, ns: number): string {
  const [sign, whole, part] = sec < 0 && ns > 0 ? ["-", -sec - 1, 1e9 - ns] : ["", sec, ns];
  return `${sign}${whole}.${String(part).padStart(9, "0")}`;
}

function ustar(
  { type, path, mode, uid, gid, mtimeSec, sizeBytes, target = "" as BytePath, device = [0, 0] }: Omit<
    Member,
    "mtimeNs" | "xattrs" | "inode" | "sparseSizeBytes"
  >,
): Uint8Array {
  const block = Buffer.alloc(BLOCK_BYTES);
  block.write(path.slice(0, 100), 0, "latin1");
  number(block, { at: 100, width: 8, value: mode });
  number(block, { at: 108, width: 8, value: uid > 0o7777777 ? 0 : uid });
  number(block, { at: 116, width: 8, value: gid > 0o7777777 ? 0 : gid });
  number(block, { at: 124, width: 12, value: sizeBytes > 0o77777777777 ? 0 : sizeBytes });
  number(block, { at: 136, width: 12, value: Math.min(Math.max(mtimeSec, 0), 0o77777777777) });
  block.write(type, 156, "latin1");
  block.write(target.slice(0, 100), 157, "latin1");
  block.write("ustar\x0000", 257, "latin1");
  number(block, { at: 329, width: 8, value: device[0] });
  number(block, { at: 337, width: 8, value: device[1] });
  block.fill(0x20, 148, 156);
  const sum = block.reduce((a, b) => a + b, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return block;
}

/** Octal digits and NUL; where those do not suffice (device numbers) GNU's base 256, marked by the top bit. */
function number(block: Buffer, { at, width, value }: { at: number; width: number; value: number }): void {
  const octal = value.toString(8).padStart(width - 1, "0");
  if (octal.length < width) {
    block.write(`${octal}\0`, at, "latin1");
    return;
  }
  block[at] = 0x80;
  block.writeUIntBE(value, at + width - 6, 6);
}
