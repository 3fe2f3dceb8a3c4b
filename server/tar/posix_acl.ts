/**
 * POSIX ACLs in both their forms: the text of acl(5), which tars carry, and the value of system.posix_acl_access
 * and system.posix_acl_default (linux/posix_acl_xattr.h), all little-endian:
 *
 *     0   version 2, u32
 *     4   n × (tag, u16; permissions, u16; id, u32)
 */
const VERSION = 2;
const HEAD_BYTES = 4, ENTRY_BYTES = 8;
/** ACL_UNDEFINED_ID: of an entry whose tag names nobody. */
const NO_ID = 0xffffffff;

/** ACL_USER_OBJ, ACL_USER and so on. The text of an entry has an id if its tag is `named`. */
const TAGS = [
  { tag: 0x01, kind: "user", named: false },
  { tag: 0x02, kind: "user", named: true },
  { tag: 0x04, kind: "group", named: false },
  { tag: 0x08, kind: "group", named: true },
  { tag: 0x10, kind: "mask", named: false },
  { tag: 0x20, kind: "other", named: false },
] as const;

/**
 * Entries `user:1000:rwx`, separated by commas or lines; a fourth field is the number behind a name, as star
 * writes it. Undefined if an entry has a name without a number, or is no ACL entry.
 */
export function parseAcl(text: string): Uint8Array | undefined {
  const entries: { tag: number; permissions: number; id: number }[] = [];
  for (const line of text.split(/[,\n]/)) {
    const entry = line.replace(/#.*/, "").trim();
    if (entry === "") continue;
    const [kind = "", qualifier = "", rights = "", numeric] = entry.split(":");
    const tag = tagOf(kind, qualifier !== "");
    const id = qualifier === "" ? NO_ID : Number(numeric ?? qualifier);
    if (tag === undefined || !/^[r-][w-][x-]$/.test(rights) || !Number.isInteger(id)) return undefined;
    const bit = (letter: string, value: number) => rights.includes(letter) ? value : 0;
    entries.push({ tag, permissions: bit("r", 4) | bit("w", 2) | bit("x", 1), id });
  }
  if (entries.length === 0) return undefined;
  entries.sort((a, b) => a.tag - b.tag || a.id - b.id);
  const out = new Uint8Array(HEAD_BYTES + ENTRY_BYTES * entries.length);
  const view = new DataView(out.buffer);
  view.setUint32(0, VERSION, true);
  entries.forEach(({ tag, permissions, id }, i) => {
    const at = HEAD_BYTES + ENTRY_BYTES * i;
    view.setUint16(at, tag, true);
    view.setUint16(at + 2, permissions, true);
    view.setUint32(at + 4, id, true);
  });
  return out;
}

/** Mask and other ignore a qualifier. */
function tagOf(kind: string, named: boolean): number | undefined {
  const tags = TAGS.filter((t) => t.kind === kind);
  return (tags.find((t) => t.named === named) ?? tags[0])?.tag;
}

/**
 * The text as acl_from_text(3) reads it, with numeric ids: "user::rw-,user:1000:rwx,…". Undefined if the value is
 * not an ACL.
 */
export function formatAcl(value: Uint8Array): string | undefined {
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
  const entryBytes = value.length - HEAD_BYTES;
  if (entryBytes <= 0 || entryBytes % ENTRY_BYTES !== 0 || view.getUint32(0, true) !== VERSION) {
    return undefined;
  }
  const entries: string[] = [];
  for (let at = HEAD_BYTES; at < value.length; at += ENTRY_BYTES) {
    const tag = view.getUint16(at, true), permissions = view.getUint16(at + 2, true);
    const known = TAGS.find((t) => t.tag === tag);
    if (known === undefined || permissions > 7) return undefined;
    const id = known.named ? view.getUint32(at + 4, true) : "";
    const letter = (name: string, bit: number) => permissions & bit ? name : "-";
    entries.push(`${known.kind}:${id}:${letter("r", 4)}${letter("w", 2)}${letter("x", 1)}`);
  }
  return entries.join(",");
}
