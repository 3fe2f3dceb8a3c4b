/**
 * Extended headers: records `LENGTH KEY=VALUE\n` (POSIX.1-2017, "pax Extended Header"). LENGTH counts the whole
 * record, itself included. Values are bytes, since names and attributes are; here they have one character a byte.
 */

/** The keys that are both written and read; GNU tar, star and libarchive know those outside RACKSEED. */
export const PAX = {
  path: "path",
  linkPath: "linkpath",
  size: "size",
  uid: "uid",
  gid: "gid",
  mtime: "mtime",
  /** Followed by the attribute's name; raw bytes. */
  xattr: "SCHILY.xattr.",
  /** Followed by "access" or "default"; the text form of acl(5). */
  acl: "SCHILY.acl.",
  /** Names as libarchive writes them, separated by commas. */
  fileFlags: "SCHILY.fflags",
  /** Inode settings that no other tar can express. */
  flags: "RACKSEED.flags",
  xflags: "RACKSEED.xflags",
  project: "RACKSEED.project",
  extentSize: "RACKSEED.extsize",
  cowExtentSize: "RACKSEED.cowextsize",
  sparseMajor: "GNU.sparse.major",
  sparseName: "GNU.sparse.name",
  sparseRealSize: "GNU.sparse.realsize",
} as const;

/** The attributes that PAX.acl carries as text: this prefix, then "access" or "default". */
export const ACL_XATTR = "system.posix_acl_";

/** In order: sparse format 0.0 repeats its keys. */
export type PaxRecords = readonly (readonly [key: string, value: string])[];

/** The records of an extended header. Throws RangeError. */
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

/** One record; key and value have one character a byte. */
export function formatPax(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  let length = rest.length + String(rest.length).length;
  if (String(length).length + rest.length > length) length++;
  return `${length}${rest}`;
}
