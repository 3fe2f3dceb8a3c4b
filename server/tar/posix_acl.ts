/** POSIX ACLs: from the text form of acl(5) to the attribute of linux/posix_acl_xattr.h. */

const VERSION = 2;
const NO_ID = 0xffffffff;
/** Tag of an entry without and with a qualifier. */
const TAGS: Readonly<Record<string, readonly [own: number, named: number]>> = {
  user: [0x01, 0x02],
  group: [0x04, 0x08],
  mask: [0x10, 0x10],
  other: [0x20, 0x20],
};

/**
 * Entries `user:1000:rwx`, separated by commas or lines; a fourth field is the number behind a name, as star
 * writes it. Undefined where an entry has a name without a number, or is no ACL entry.
 */
export function posixAcl(text: string): Uint8Array | undefined {
  const entries: { tag: number; perm: number; id: number }[] = [];
  for (const line of text.split(/[,\n]/)) {
    const entry = line.replace(/#.*/, "").trim();
    if (entry === "") continue;
    const [kind = "", qualifier = "", rights = "", numeric] = entry.split(":");
    const tags = TAGS[kind];
    const id = qualifier === "" ? NO_ID : Number(numeric ?? qualifier);
    if (!tags || !/^[r-][w-][x-]$/.test(rights) || !Number.isInteger(id)) return undefined;
    const perm = (rights[0] === "r" ? 4 : 0) | (rights[1] === "w" ? 2 : 0) | (rights[2] === "x" ? 1 : 0);
    entries.push({ tag: tags[qualifier === "" ? 0 : 1], perm, id });
  }
  if (entries.length === 0) return undefined;
  entries.sort((a, b) => a.tag - b.tag || a.id - b.id);
  const out = new Uint8Array(4 + 8 * entries.length);
  const view = new DataView(out.buffer);
  view.setUint32(0, VERSION, true);
  entries.forEach(({ tag, perm, id }, i) => {
    view.setUint16(4 + 8 * i, tag, true);
    view.setUint16(6 + 8 * i, perm, true);
    view.setUint32(8 + 8 * i, id, true);
  });
  return out;
}
