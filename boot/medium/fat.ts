/**
 * A FAT16 file system with a few files of short names, as UEFI needs it for the boot programs of a medium (UEFI 2.10
 * §13.3; Microsoft FAT specification 1.03). One sector a cluster, since the count of clusters makes it FAT16 (§3.5).
 *
 *     sector 0      boot sector
 *     1…            two tables, then 512 entries of the root folder, then the clusters, from number 2 on
 */

const SECTOR = 512, TABLES = 2, ROOT_ENTRIES = 512, ENTRY = 32;
const MIN_CLUSTERS = 4085, MAX_CLUSTERS = 65_524;
const END = 0xffff, FOLDER = 0x10, FILE = 0x20;
/** 1980-01-01, the first day that FAT knows: the image is the same whenever it is made. */
const DAY_ONE = 0x21;

interface FatFile {
  /** "EFI/BOOT/GRUB.CFG": each name in the form 8.3, in capitals. */
  readonly path: string;
  readonly bytes: Uint8Array;
}

interface Node {
  readonly name: string;
  readonly bytes?: Uint8Array;
  readonly children?: Map<string, Node>;
}

/** Throws TypeError for a name that is not short, RangeError if the files are too large. */
export function fatImage(files: readonly FatFile[], { label }: { label: string }): Uint8Array {
  const root = treeOf(files);
  const needed = clustersBelow(root);
  // whole MiB, with room for a few files more
  const clusters = Math.ceil((Math.max(needed, MIN_CLUSTERS) + 1500) / 2048) * 2048;
  if (clusters > MAX_CLUSTERS) throw new RangeError("the files are too large for FAT16");
  const tableSectors = Math.ceil((clusters + 2) * 2 / SECTOR);
  const firstCluster = 1 + TABLES * tableSectors + ROOT_ENTRIES * ENTRY / SECTOR;
  // to a whole sector of a disc
  const sectors = Math.ceil((firstCluster + clusters) / 4) * 4;
  const image = new Uint8Array(sectors * SECTOR);
  image.set(bootSector({ sectors, tableSectors, label }));
  const table = new DataView(image.buffer, SECTOR, tableSectors * SECTOR);
  table.setUint16(0, 0xfff8, true);
  table.setUint16(2, END, true);
  let free = 2;
  const take = (bytes: Uint8Array): number => {
    const first = free, count = Math.ceil(bytes.length / SECTOR);
    if (count === 0) return 0;
    image.set(bytes, (firstCluster + first - 2) * SECTOR);
    for (let i = 0; i < count; i++) {
      table.setUint16((first + i) * 2, i === count - 1 ? END : first + i + 1, true);
    }
    free += count;
    return first;
  };
  const write = (folder: Node, { number, parent }: { number: number; parent: number }): Uint8Array => {
    const entries = number === 0 ? [entryOf(label.padEnd(11), { attributes: 8, first: 0, sizeBytes: 0 })] : [
      entryOf(".".padEnd(11), { attributes: FOLDER, first: number, sizeBytes: 0 }),
      entryOf("..".padEnd(11), { attributes: FOLDER, first: parent, sizeBytes: 0 }),
    ];
    for (const child of folder.children!.values()) {
      if (child.bytes) {
        const first = take(child.bytes), sizeBytes = child.bytes.length;
        entries.push(entryOf(child.name, { attributes: FILE, first, sizeBytes }));
        continue;
      }
      // its clusters are taken first, since its own entries name the first of them
      const room = new Uint8Array(folderBytes(child)), first = take(room);
      image.set(write(child, { number: first, parent: number }), (firstCluster + first - 2) * SECTOR);
      entries.push(entryOf(child.name, { attributes: FOLDER, first, sizeBytes: 0 }));
    }
    return Buffer.concat(entries);
  };
  const rootAt = (1 + TABLES * tableSectors) * SECTOR;
  image.set(write(root, { number: 0, parent: 0 }), rootAt);
  image.copyWithin(SECTOR * (1 + tableSectors), SECTOR, SECTOR * (1 + tableSectors));
  return image;
}

function treeOf(files: readonly FatFile[]): Node {
  const root: Node = { name: "", children: new Map() };
  for (const { path, bytes } of files) {
    let at = root;
    const words = path.split("/"), last = words.pop() ?? "";
    for (const word of words) {
      const next = at.children!.get(word) ?? { name: shortName(word), children: new Map() };
      at.children!.set(word, next);
      at = next;
    }
    at.children!.set(last, { name: shortName(last), bytes });
  }
  return root;
}

/** "GRUB.CFG" as "GRUB    CFG" (§6.1). */
function shortName(name: string): string {
  const [, base = "", extension = ""] = /^([A-Z0-9_]{1,8})(?:\.([A-Z0-9_]{1,3}))?$/.exec(name) ?? [];
  if (base === "") throw new TypeError(`${name} is not a short name of FAT`);
  return base.padEnd(8) + extension.padEnd(3);
}

function folderBytes({ children }: Node): number {
  return Math.ceil((children!.size + 2) * ENTRY / SECTOR) * SECTOR;
}

function clustersBelow(node: Node): number {
  if (node.bytes) return Math.ceil(node.bytes.length / SECTOR);
  const own = folderBytes(node) / SECTOR;
  return [...node.children!.values()].reduce((sum, child) => sum + clustersBelow(child), own);
}

/** §6 */
function entryOf(
  name: string,
  { attributes, first, sizeBytes }: { attributes: number; first: number; sizeBytes: number },
): Uint8Array {
  const entry = new Uint8Array(ENTRY), view = new DataView(entry.buffer);
  for (let i = 0; i < 11; i++) entry[i] = name.charCodeAt(i);
  entry[11] = attributes;
  for (const at of [16, 18, 24]) view.setUint16(at, DAY_ONE, true);
  view.setUint16(26, first, true);
  view.setUint32(28, sizeBytes, true);
  return entry;
}

/** §3.1, §3.2 */
function bootSector(
  { sectors, tableSectors, label }: { sectors: number; tableSectors: number; label: string },
): Uint8Array {
  const bytes = new Uint8Array(SECTOR), view = new DataView(bytes.buffer);
  const ascii = (at: number, text: string) => bytes.set(new TextEncoder().encode(text), at);
  bytes.set([0xeb, 0x3c, 0x90]);
  ascii(3, "RACKSEED");
  view.setUint16(11, SECTOR, true);
  bytes[13] = 1;
  view.setUint16(14, 1, true);
  bytes[16] = TABLES;
  view.setUint16(17, ROOT_ENTRIES, true);
  view.setUint16(19, sectors < 65_536 ? sectors : 0, true);
  bytes[21] = 0xf8;
  view.setUint16(22, tableSectors, true);
  view.setUint16(24, 32, true);
  view.setUint16(26, 64, true);
  view.setUint32(32, sectors < 65_536 ? 0 : sectors, true);
  bytes.set([0x80, 0, 0x29], 36);
  ascii(39, "RSED");
  ascii(43, label.padEnd(11).slice(0, 11));
  ascii(54, "FAT16   ");
  bytes.set([0x55, 0xaa], 510);
  return bytes;
}
