/** Interprets disk names in files of the image, and finds the names for the same things on a clone. Pure. */
import {
  describeVolume,
  type DiskLayout,
  type DiskTable,
  type Partition,
  type Volume,
} from "#contract/format/layout.ts";
import { disksBelow } from "#contract/format/volume_tree.ts";
import { namedVolume, volumeUuids } from "./volume_names.ts";

/** A clone's disk: its kernel name, its links below /dev/disk, and all its paths if there are several. */
export interface CloneDisk {
  readonly name: string;
  readonly names: readonly string[];
  readonly paths?: readonly string[];
}

export interface CloneDisks {
  /** By the index of the layout's disk, further disks of a mirror behind them; undefined: that disk is left alone. */
  readonly disks: readonly (CloneDisk | undefined)[];
  /** Where GRUB is: in the first sectors of disks (BIOS), or on EFI system partitions. */
  readonly loader: readonly Volume[];
  /** How each LUKS volume is opened, by its name. Absent: as on the template. */
  readonly unlock?: ReadonlyMap<string, UnlockWay>;
}

export interface UnlockWay {
  readonly way: "passphrase" | "key-file" | "tpm2";
  /** With "key-file": absolute. */
  readonly keyFile?: string | undefined;
}

/** Which disk, partition or other volume a name means. */
export type Meaning =
  | { readonly is: "disk"; readonly disk: number }
  | { readonly is: "partition"; readonly disk: number; readonly number: number }
  /** An MD array, LUKS or LVM volume. `lasts`: the name is the same on every clone. */
  | { readonly is: "volume"; readonly volume: Volume; readonly lasts: boolean }
  /** A UUID or label of the image, which the clone has too. `of`: the volume that it lies on. */
  | { readonly is: "lasting"; readonly of: Volume }
  /** Another disk. */
  | { readonly is: "foreign" }
  /** A volume that files define (crypttab), /dev/null, a directory … */
  | { readonly is: "no disk" };

/** Kernel names of disks. A partition number follows a "p" if the disk's name ends in a digit. */
const KERNEL_NAME = new RegExp(
  "^/dev/((?:[hsv]d|xvd)[a-z]+|(?:nvme\\d+n|mmcblk|pmem|nbd|rbd|cciss/c\\d+d|ida/c\\d+d)\\d+)" +
    "(?:(?<=\\d)p(\\d+)|(?<=[a-z])(\\d+))?$",
);
const LINK = /^(\/dev\/disk\/by-(?:id|path)\/.+?)(?:-part(\d+))?$/;
const TAG_LINK = /^\/dev\/disk\/by-(uuid|label|partuuid|partlabel)\/(.+)$/;
const TAG = /^(UUID|LABEL|PARTUUID|PARTLABEL)=(.*)$/i;
/** What multipathd, kpartx(8) and udev call a disk that device mapper joins from its paths, and its partitions. */
const JOINED = /^(\/dev\/(?:mapper\/|disk\/by-id\/dm-name-).+?)(?:(?:-part|(?<=\d)p|(?<=\D))(\d+))?$/;
/** udev's links to volumes on a disk, not to the disk. */
const VIRTUAL_LINK = /^\/dev\/(disk\/by-id\/(dm|md|lvm-pv)-|mapper\/)/;

/**
 * Interprets names of the template's disks, for a clone with disks of its own.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const partition = { number: 1, startSector: 2048, sectors: 4096, type: "83" };
 * const sda = { name: "sda", sizeBytes: 1e9, sectorBytes: 512 as const, table: "dos" as const, id: "0x1a2b3c4d" };
 * const layout = { disks: [{ ...sda, partitions: [partition] }], fileSystems: [], swap: [] };
 * const disks = new TemplateDisks(layout, { disks: [{ name: "nvme0n1", names: [] }], loader: [] });
 * assert.deepEqual(disks.meaning("/dev/sda1"), { is: "partition", disk: 0, number: 1 });
 * assert.deepEqual(disks.meaning("/dev/sdb"), { is: "foreign" });
 * assert.equal(disks.own({ is: "partition", disk: 0, number: 1 }), "/dev/nvme0n1p1");
 * ```
 */
export class TemplateDisks {
  readonly layout: DiskLayout;
  readonly clone: CloneDisks;

  constructor(layout: DiskLayout, clone: CloneDisks) {
    this.layout = layout;
    this.clone = clone;
  }

  /** `name`: "/dev/sda1", "/dev/disk/by-id/…", "/dev/mapper/vg-root", "UUID=…". */
  meaning(name: string): Meaning {
    const [, tag, value] = TAG.exec(name) ?? TAG_LINK.exec(name) ?? [];
    if (tag !== undefined && value !== undefined) {
      const of = this.#tagged(tag.toUpperCase(), value.replace(/^"(.*)"$/, "$1"));
      return of ? { is: "lasting", of } : { is: "foreign" };
    }
    const [, kernel, afterP, afterLetter] = KERNEL_NAME.exec(name) ?? [];
    if (kernel !== undefined) {
      const isMeant = (table: DiskTable) => table.name.replaceAll("!", "/") === kernel;
      return this.#part(this.layout.disks.findIndex(isMeant), afterP ?? afterLetter);
    }
    const [disk, digits] = this.#joined(name);
    if (disk >= 0) return this.#part(disk, digits);
    const named = namedVolume(name, this.layout);
    if (named === "unknown") return { is: "foreign" };
    if (named !== undefined) return { is: "volume", ...named };
    const [, link, number] = LINK.exec(name) ?? [];
    if (link === undefined) return { is: "no disk" };
    return this.#part(this.layout.disks.findIndex(({ names }) => names?.includes(link)), number);
  }

  /** The disk that has several paths, and the number of its partition: "/dev/mapper/mpatha-part2", "…/mpatha2". */
  #joined(name: string): [disk: number, digits: string | undefined] {
    const [, whole = "", digits] = JOINED.exec(name) ?? [];
    const named = (wanted: string) => this.layout.disks.findIndex(({ names = [] }) => names.includes(wanted));
    return whole === "" || named(name) >= 0 ? [named(name), undefined] : [named(whole), digits];
  }

  #part(disk: number, digits: string | undefined): Meaning {
    if (disk === -1) return { is: "foreign" };
    if (digits === undefined) return { is: "disk", disk };
    const number = Number(digits);
    return this.#partition(disk, number) ? { is: "partition", disk, number } : { is: "foreign" };
  }

  /** The volume that the template mounts at this path. */
  mountedAt(mountPoint: string): Meaning | undefined {
    const found = this.layout.fileSystems.find((f) =>
      f.mountPoint === mountPoint || f.mkfs.btrfs?.subvolumes.some((s) => s.mountPoint === mountPoint)
    );
    return found && meaningOf(found.volume);
  }

  /** Whether it lies only on disks that are left alone on the clone, so that it may be missing there. */
  isLeft(meaning: Meaning): boolean {
    const volume = volumeOf(meaning);
    if (volume === undefined) return false;
    const below = disksBelow([volume], this.layout);
    return below.length > 0 && below.every((disk) => this.clone.disks[disk] === undefined);
  }

  /** "UUID=…" of the file system or swap area, else "PARTUUID=…"; undefined if it has neither. */
  spec(meaning: Meaning): string | undefined {
    const uuid = this.#uuid(meaning);
    return uuid ? `UUID=${uuid}` : this.partSpec(meaning);
  }

  /** For cases without a usable UUID: swap with a new key at each boot, a kernel without an initramfs. */
  partSpec(meaning: Meaning): string | undefined {
    const partUuid = meaning.is === "partition" ? this.#partUuid(meaning.disk, meaning.number) : undefined;
    return partUuid && `PARTUUID=${partUuid}`;
  }

  /** The same as a path, for programs that accept no tags. */
  path(meaning: Meaning): string | undefined {
    const uuid = this.#uuid(meaning);
    if (uuid) return `/dev/disk/by-uuid/${uuid}`;
    if (meaning.is === "disk") return this.own(meaning);
    const partUuid = meaning.is === "partition" ? this.#partUuid(meaning.disk, meaning.number) : undefined;
    return partUuid && `/dev/disk/by-partuuid/${partUuid}`;
  }

  /** The clone's own name for it, the most persistent one available; undefined if the disk is left alone. */
  own(meaning: Meaning): string | undefined {
    if (meaning.is !== "disk" && meaning.is !== "partition") return undefined;
    const disk = this.clone.disks[meaning.disk];
    if (disk === undefined) return undefined;
    const { name, names } = disk;
    const link = names.find((n) => n.startsWith("/dev/disk/by-id/")) ?? names[0];
    if (meaning.is === "disk") return link ?? `/dev/${name}`;
    return link ? `${link}-part${meaning.number}` : kernelName(name, meaning.number);
  }

  /** Whether a disk of the clone happens to have the same link. */
  isClones(name: string): boolean {
    return this.clone.disks.some((disk) => disk?.names.includes(name.replace(/-part\d+$/, "")));
  }

  /** Where package updates install GRUB: the first sectors of disks, or EFI system partitions. */
  get loaderPlaces(): readonly string[] {
    return this.clone.loader.flatMap((volume) => this.own(meaningOf(volume)) ?? []);
  }

  /** Marks by which udev rules and the like identify the disks: serial number, WWN, ID_PATH. */
  get marks(): readonly string[] {
    const links = this.layout.disks.flatMap(({ names = [] }) => names);
    const marks = links.filter((n) => !VIRTUAL_LINK.test(n)).map((link) => {
      const name = link.slice(link.lastIndexOf("/") + 1);
      if (link.includes("/by-path/")) return name;
      return /^(?:wwn-0x|scsi-3|nvme-eui\.)(\w+)$/.exec(name)?.[1] ?? name.slice(name.lastIndexOf("_") + 1);
    });
    return [...new Set(marks)].filter((mark) => mark.length >= 6 && /\d/.test(mark));
  }

  get hasSwapFile(): boolean {
    return (this.layout.swapFiles?.length ?? 0) > 0;
  }

  #uuid(meaning: Meaning): string | undefined {
    const volume = volumeOf(meaning);
    if (volume === undefined) return undefined;
    const { fileSystems, swap } = this.layout, key = describeVolume(volume);
    return [...fileSystems, ...swap].find((f) => describeVolume(f.volume) === key)?.uuid;
  }

  #tagged(tag: string, value: string): Volume | undefined {
    // files are read as one character per byte, labels are text
    const wanted = Buffer.from(value, "latin1").toString().toLowerCase();
    const { fileSystems, swap, disks } = this.layout;
    const isWanted = (v: string | undefined) =>
      v !== undefined && [v.toLowerCase(), encoded(v)].includes(wanted);
    if (tag === "UUID" || tag === "LABEL") {
      const field = tag === "UUID" ? "uuid" as const : "label" as const;
      const found = [...fileSystems, ...swap].find((f) => isWanted(f[field]))?.volume;
      return found ?? (tag === "UUID" ? volumeUuids(this.layout).get(wanted) : undefined);
    }
    for (const [disk, { partitions }] of disks.entries()) {
      const found = partitions.find(({ number, name }) =>
        isWanted(tag === "PARTUUID" ? this.#partUuid(disk, number) : name)
      );
      if (found) return { kind: "partition", disk, number: found.number };
    }
    return undefined;
  }

  #partition(disk: number, number: number): Partition | undefined {
    return this.layout.disks[disk]?.partitions.find((p) => p.number === number);
  }

  /** In the kernel's form (Documentation/admin-guide/kernel-parameters, root=PARTUUID). */
  #partUuid(disk: number, number: number): string | undefined {
    const { table, id } = this.layout.disks[disk] ?? {}, partition = this.#partition(disk, number);
    if (partition === undefined) return undefined;
    if (table === "gpt") return partition.uuid?.toLowerCase();
    const signature = id?.toLowerCase().replace(/^0x/, "").padStart(8, "0");
    if (signature === undefined || /^0*$/.test(signature)) return undefined;
    return `${signature}-${number.toString(16).padStart(2, "0")}`;
  }
}

/** "/dev/sda2", "/dev/nvme0n1p2" */
export function kernelName(disk: string, number: number): string {
  return `/dev/${disk}${/\d$/.test(disk) ? "p" : ""}${number}`;
}

function meaningOf(volume: Volume): Meaning {
  switch (volume.kind) {
    case "disk":
      return { is: "disk", disk: volume.disk };
    case "partition":
      return { is: "partition", disk: volume.disk, number: volume.number };
    default:
      return { is: "volume", volume, lasts: false };
  }
}

function volumeOf(meaning: Meaning): Volume | undefined {
  switch (meaning.is) {
    case "disk":
      return { kind: "disk", disk: meaning.disk };
    case "partition":
      return { kind: "partition", disk: meaning.disk, number: meaning.number };
    case "volume":
      return meaning.volume;
    case "lasting":
      return meaning.of;
    default:
      return undefined;
  }
}

/** Encodes a label as udev does for file names: "EFI\x20system". */
function encoded(label: string): string {
  return label.toLowerCase().replace(
    /[^\w#+\-.:=@/]/g,
    (c) =>
      [...new TextEncoder().encode(c)].map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join(""),
  );
}
