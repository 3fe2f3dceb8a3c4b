/** `linux/posix_acl_xattr.h`: version, u32 little-endian, then entries of tag u16, permissions u16, id u32. */
const VERSION = 2;
const TAGS = new Map([
  [0x01, "user"],
  [0x02, "user"],
  [0x04, "group"],
  [0x08, "group"],
  [0x10, "mask"],
  [0x20, "other"],
]);
/** The tags whose entries name somebody: ACL_USER and ACL_GROUP. */
const NAMED = 0x02 | 0x08;

/**
 * A POSIX ACL as acl_from_text(3) reads it, with numeric ids: "user::rw-,user:1000:rwx,…". `value`: that of
 * system.posix_acl_access or system.posix_acl_default. Undefined where it is none.
 */
export function aclText(value: Uint8Array): string | undefined {
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
  if (value.length < 4 || (value.length - 4) % 8 !== 0 || view.getUint32(0, true) !== VERSION) {
    return undefined;
  }
  const entries: string[] = [];
  for (let at = 4; at < value.length; at += 8) {
    const tag = view.getUint16(at, true), bits = view.getUint16(at + 2, true);
    const name = TAGS.get(tag);
    if (name === undefined || bits > 7) return undefined;
    const id = (tag & NAMED) !== 0 ? view.getUint32(at + 4, true) : "";
    entries.push(`${name}:${id}:${bits & 4 ? "r" : "-"}${bits & 2 ? "w" : "-"}${bits & 1 ? "x" : "-"}`);
  }
  return entries.join(",");
}
