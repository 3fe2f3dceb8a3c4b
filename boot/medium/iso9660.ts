/**
 * The layout of a disc: ISO 9660 (ECMA-119) level 1, and two El Torito boot images ("El
 * Torito" Bootable CD-ROM Format Specification 1.0), one for BIOS and one for UEFI. Pure: files are placed by their
 * sizes and never read.
 *
 *     sector 0..15   system area, free for the hybrid boot record
 *     16             primary volume descriptor (§8.4)
 *     17             boot record descriptor, points to the catalog
 *     18             set terminator (§8.3)
 *     19             boot catalog
 *     20, 21         path tables, little- and big-endian (§9.4)
 *     22…            directories (§9.1), then the files
 */
import { RackseedError } from "#contract/errors.ts";

export const SECTOR = 2048;
const PVD = 16, CATALOG = 19, PATHS_L = 20, PATHS_M = 21, FIRST_DIRECTORY = 22;
/** A file's size is a 32-bit number (§9.1.4). */
const MAX_FILE = 0xffff_ffff;
/** §7.5.1, with an extension always: boot programs disagree about the dot of a name without one. */
const NAME = /^[A-Z0-9_]{1,8}\.[A-Z0-9_]{1,3}$/;
const FOLDER = /^[A-Z0-9_]{1,8}$/;
/** Debian's signed GRUB knows a medium by this name, which is not one of level 1. */
const MARK = ".DISK/INFO";

interface DiscFile {
  /** "EFI.IMG", "RACKSEED/VMLINUZ.BIN" */
  readonly path: string;
  readonly sizeBytes: number;
}

interface DiscOptions {
  /** §8.4.5: A-Z, 0-9 and _, at most 32. */
  readonly label: string;
  readonly created: Date;
  readonly files: readonly DiscFile[];
  /** Path of the boot program for BIOS, started without emulation, and of the FAT image for UEFI. */
  readonly boot: { readonly bios: string; readonly efi: string };
}

interface Disc {
  /** Sectors 16 up to the first file. */
  readonly head: Uint8Array;
  /** First sector of each file, by path. */
  readonly places: ReadonlyMap<string, number>;
  readonly sectors: number;
}

interface Folder {
  /** "BOOT/GRUB"; "" for the root. */
  readonly path: string;
  readonly number: number;
  readonly parent: string;
  readonly sector: number;
  readonly sectors: number;
  readonly entries: readonly Entry[];
}

type Entry = { readonly name: string; readonly file: DiscFile } | {
  readonly name: string;
  readonly folder: string;
};

/** Throws RackseedError if a file is too large; TypeError if a name is not one of level 1. */
export function layOutDisc({ label, created, files, boot }: DiscOptions): Disc {
  const folders = placeFolders(files);
  const places = new Map<string, number>();
  let sector = FIRST_DIRECTORY + folders.reduce((sum, { sectors }) => sum + sectors, 0);
  const headSectors = sector - PVD;
  for (const { path, sizeBytes } of files) {
    if (sizeBytes > MAX_FILE) {
      throw new RackseedError(`cannot put ${path} on the medium`, {
        reason: `it has ${sizeBytes} bytes, and a file of ISO 9660 at most ${MAX_FILE}.`,
        remedy: "install over the network instead.",
      });
    }
    places.set(path, sector);
    sector += sectorsOf(sizeBytes);
  }
  const head = new Uint8Array(headSectors * SECTOR);
  const at = (number: number) => head.subarray((number - PVD) * SECTOR);
  const pathTable = { little: pathTableOf(folders, true), big: pathTableOf(folders, false) };
  at(PVD).set(primaryDescriptor({
    label,
    created,
    sectors: sector,
    pathBytes: pathTable.little.length,
    root: folders[0]!,
  }));
  at(PVD + 1).set(bootDescriptor());
  at(PVD + 2).set(descriptorHead(255));
  at(CATALOG).set(bootCatalog({
    bios: places.get(boot.bios)!,
    efi: places.get(boot.efi)!,
    efiBytes: files.find(({ path }) => path === boot.efi)!.sizeBytes,
  }));
  at(PATHS_L).set(pathTable.little);
  at(PATHS_M).set(pathTable.big);
  for (const folder of folders) {
    at(folder.sector).set(directoryOf(folder, { folders, places, created }));
  }
  return { head, places, sectors: sector };
}

function sectorsOf(bytes: number): number {
  return Math.ceil(bytes / SECTOR);
}

/** The root first, then by depth and name: the order that path tables need (§6.9.1). */
function placeFolders(files: readonly DiscFile[]): Folder[] {
  const inside = new Map<string, Entry[]>([["", []]]);
  const add = (path: string): Entry[] => {
    const known = inside.get(path);
    if (known) return known;
    const made: Entry[] = [];
    inside.set(path, made);
    add(parentOf(path)).push({ name: nameOf(path), folder: path });
    return made;
  };
  for (const file of files) {
    const folders = parentOf(file.path).split("/");
    const isFit = NAME.test(nameOf(file.path)) && folders.every((name) => name === "" || FOLDER.test(name));
    if (!isFit && file.path !== MARK) throw new TypeError(`${file.path} is not a name of ISO 9660 level 1`);
    add(parentOf(file.path)).push({ name: `${nameOf(file.path)};1`, file });
  }
  const depth = (path: string) => path === "" ? 0 : path.split("/").length;
  const paths = [...inside.keys()].sort((a, b) => depth(a) - depth(b) || (a < b ? -1 : 1));
  let sector = FIRST_DIRECTORY;
  return paths.map((path, i) => {
    const entries = inside.get(path)!.sort((a, b) => a.name < b.name ? -1 : 1);
    const sectors = recordsInSectors(entries).length;
    const folder = { path, parent: parentOf(path), number: i + 1, sector, sectors, entries };
    sector += sectors;
    return folder;
  });
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf("/")));
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

const recordLength = (nameBytes: number) => 33 + nameBytes + (nameBytes % 2 === 0 ? 1 : 0);

/** A record does not cross a sector's end (§6.8.1.1). The first sector begins with "." and "..". */
function recordsInSectors(entries: readonly Entry[]): Entry[][] {
  const sectors: Entry[][] = [[]];
  let used = 2 * recordLength(1);
  for (const entry of entries) {
    const length = recordLength(entry.name.length);
    if (used + length > SECTOR) {
      sectors.push([]);
      used = 0;
    }
    used += length;
    sectors.at(-1)!.push(entry);
  }
  return sectors;
}

function directoryOf(
  folder: Folder,
  { folders, places, created }: {
    folders: readonly Folder[];
    places: ReadonlyMap<string, number>;
    created: Date;
  },
): Uint8Array {
  const bytes = new Uint8Array(folder.sectors * SECTOR);
  const at = (path: string) => folders.find((one) => one.path === path)!;
  const ofFolder = (name: string, { sector, sectors }: Folder) =>
    directoryRecord({ name, sector, sizeBytes: sectors * SECTOR, isFolder: true, created });
  for (const [i, entries] of recordsInSectors(folder.entries).entries()) {
    let offset = i * SECTOR;
    const add = (record: Uint8Array) => {
      bytes.set(record, offset);
      offset += record.length;
    };
    if (i === 0) {
      add(ofFolder("\0", folder));
      add(ofFolder("\x01", at(folder.parent)));
    }
    for (const entry of entries) {
      if ("folder" in entry) add(ofFolder(entry.name, at(entry.folder)));
      else {
        const { path, sizeBytes } = entry.file;
        const sector = places.get(path)!;
        add(directoryRecord({ name: entry.name, sector, sizeBytes, isFolder: false, created }));
      }
    }
  }
  return bytes;
}

/** §9.1 */
function directoryRecord(
  { name, sector, sizeBytes, isFolder, created }: {
    name: string;
    sector: number;
    sizeBytes: number;
    isFolder: boolean;
    created: Date;
  },
): Uint8Array {
  const record = new Uint8Array(recordLength(name.length)), view = new DataView(record.buffer);
  record[0] = record.length;
  bothEndian32(view, 2, sector);
  bothEndian32(view, 10, sizeBytes);
  record.set([
    created.getUTCFullYear() - 1900,
    created.getUTCMonth() + 1,
    created.getUTCDate(),
    created.getUTCHours(),
    created.getUTCMinutes(),
    created.getUTCSeconds(),
  ], 18);
  record[25] = isFolder ? 2 : 0;
  bothEndian16(view, 28, 1);
  record[32] = name.length;
  ascii(record, 33, name);
  return record;
}

/** §9.4 */
function pathTableOf(folders: readonly Folder[], little: boolean): Uint8Array {
  const parts = folders.map(({ path, parent, sector }) => {
    const text = path === "" ? "\0" : nameOf(path);
    const record = new Uint8Array(8 + text.length + text.length % 2), view = new DataView(record.buffer);
    record[0] = text.length;
    view.setUint32(2, sector, little);
    view.setUint16(6, folders.find((one) => one.path === parent)!.number, little);
    ascii(record, 8, text);
    return record;
  });
  const table = Buffer.concat(parts);
  if (table.length > SECTOR) throw new RangeError("too many folders for a path table of one sector");
  return table;
}

/** §8.1 */
function descriptorHead(type: number): Uint8Array {
  const bytes = new Uint8Array(SECTOR);
  bytes[0] = type;
  ascii(bytes, 1, "CD001");
  bytes[6] = 1;
  return bytes;
}

/** §8.4 */
function primaryDescriptor(
  { label, created, sectors, pathBytes, root }: {
    label: string;
    created: Date;
    sectors: number;
    pathBytes: number;
    root: Folder;
  },
): Uint8Array {
  if (!/^[A-Z0-9_]{1,32}$/.test(label)) throw new TypeError(`${label} is not a volume identifier`);
  const bytes = descriptorHead(1), view = new DataView(bytes.buffer);
  bytes.fill(0x20, 8, 72);
  ascii(bytes, 40, label);
  bothEndian32(view, 80, sectors);
  bothEndian16(view, 120, 1);
  bothEndian16(view, 124, 1);
  bothEndian16(view, 128, SECTOR);
  bothEndian32(view, 132, pathBytes);
  view.setUint32(140, PATHS_L, true);
  view.setUint32(148, PATHS_M, false);
  const { sector, sectors: rootSectors } = root;
  const sizeBytes = rootSectors * SECTOR;
  bytes.set(directoryRecord({ name: "\0", sector, sizeBytes, isFolder: true, created }), 156);
  bytes.fill(0x20, 190, 813);
  const date = created.toISOString().replace(/\D/g, "").slice(0, 16);
  for (const at of [813, 830]) ascii(bytes, at, date);
  for (const at of [847, 864]) ascii(bytes, at, "0000000000000000");
  bytes[881] = 1;
  return bytes;
}

/** El Torito, figure 7. */
function bootDescriptor(): Uint8Array {
  const bytes = descriptorHead(0);
  ascii(bytes, 7, "EL TORITO SPECIFICATION");
  new DataView(bytes.buffer).setUint32(71, CATALOG, true);
  return bytes;
}

/** El Torito, figures 2 to 5; UEFI 2.10 §13.3.2.1 for the platform 0xEF. */
function bootCatalog(
  { bios, efi, efiBytes }: { bios: number; efi: number; efiBytes: number },
): Uint8Array {
  const bytes = new Uint8Array(SECTOR), view = new DataView(bytes.buffer);
  bytes[0] = 1;
  ascii(bytes, 4, "RACKSEED");
  bytes.set([0x55, 0xaa], 30);
  let sum = 0;
  for (let i = 0; i < 32; i += 2) sum += view.getUint16(i, true);
  view.setUint16(28, -sum & 0xffff, true);
  const entry = (at: number, { sector, count }: { sector: number; count: number }) => {
    bytes[at] = 0x88;
    view.setUint16(at + 6, count, true);
    view.setUint32(at + 8, sector, true);
  };
  // ISOLINUX loads the rest of itself
  entry(32, { sector: bios, count: 4 });
  bytes.set([0x91, 0xef, 1, 0], 64);
  entry(96, { sector: efi, count: efiBytes / 512 });
  return bytes;
}

function bothEndian32(view: DataView, at: number, value: number): void {
  view.setUint32(at, value, true);
  view.setUint32(at + 4, value, false);
}

function bothEndian16(view: DataView, at: number, value: number): void {
  view.setUint16(at, value, true);
  view.setUint16(at + 2, value, false);
}

function ascii(bytes: Uint8Array, at: number, text: string): void {
  for (let i = 0; i < text.length; i++) bytes[at + i] = text.charCodeAt(i);
}
