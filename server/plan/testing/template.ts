/** Builds templates of any shape, with sizes as the real programs would have made them. */
import type { DiskFacts } from "#contract/disk_facts.ts";
import type { DiskLayout, DiskTable, FileSystem, Partition, Volume } from "#contract/format/layout.ts";
import type { Header } from "#contract/format/manifest.ts";
import { luksVolume } from "#contract/format/testing/samples.ts";
import type { Encrypted, LogicalVolume, MdArray, VolumeGroup } from "#contract/format/volumes.ts";
import { arrayBytes, sizeArray } from "../md_geometry.ts";
import { VolumeTree } from "../tree.ts";
import { ESP, header } from "./templates.ts";

export const KIB = 1024, MIB = 1 << 20, GIB = 1024 * MIB;
const TYPES = {
  linux: "0FC63DAF-8483-4772-8E79-3D69D8477DE4",
  bios: "21686148-6449-6E6F-744E-656564454649",
  esp: ESP,
  swap: "0657FD6D-A4AB-43C4-84E5-0933C84B4F4F",
  raid: "A19D880F-05FC-4D3B-A006-743F0F84911E",
  lvm: "E6D6D379-F507-44C2-A23C-238F2A3DF928",
} as const;
const DOS_TYPES = { linux: "83", bios: "83", esp: "ef", swap: "82", raid: "fd", lvm: "8e" } as const;

type Kind = keyof typeof TYPES;
/** Room at the end of a GPT, rounded up. */
const TAIL = MIB;

/** Made step by step; every volume can be used as soon as it has been made. */
export class Template {
  readonly layout: DiskLayout = {
    disks: [],
    arrays: [],
    encrypted: [],
    groups: [],
    fileSystems: [],
    swap: [],
  };
  #ends: number[] = [];
  #ids = 0;

  constructor(readonly firmware: "bios" | "uefi" = "bios") {}

  #id(): string {
    return (++this.#ids).toString(16).padStart(12, "0");
  }

  #lvmId(kind: string): string {
    return `${kind}0000-0000-0000-0000-0000-0000-${this.#id().slice(-6)}`;
  }

  disk(
    { gib, table = "gpt", sectorBytes = 512 }: {
      gib: number;
      table?: DiskTable["table"];
      sectorBytes?: 512 | 4096;
    },
  ): number {
    this.#ends.push(MIB);
    return this.layout.disks.push({
      name: `vd${String.fromCharCode(97 + this.layout.disks.length)}`,
      sizeBytes: Math.round(gib * GIB),
      sectorBytes,
      table,
      ...table !== "none" &&
        { id: table === "gpt" ? `00000000-0000-4000-8000-${this.#id()}` : `0x1a2b${this.#id().slice(-4)}` },
      partitions: [],
    }) - 1;
  }

  /** `mib`: absent: all that is left. */
  partition(
    disk: number,
    { mib, kind = "linux", gapMib = 0, ...more }:
      & { mib?: number; kind?: Kind; gapMib?: number }
      & Partial<
        Partition
      > = {},
  ): Volume {
    const { partitions, sectorBytes, sizeBytes, table } = this.#disk(disk);
    const start = (this.#ends[disk] ?? 0) + gapMib * MIB;
    const room = Math.floor((sizeBytes - TAIL - start) / MIB) * MIB;
    const bytes = mib === undefined ? room : mib * MIB;
    this.#ends[disk] = start + bytes;
    const number = partitions.length + 1;
    partitions.push({
      number,
      startSector: start / sectorBytes,
      sectors: bytes / sectorBytes,
      type: table === "gpt" ? TYPES[kind] : DOS_TYPES[kind],
      ...table === "gpt" && { uuid: `00000000-0000-4000-9000-${this.#id()}` },
      ...more,
    });
    return { kind: "partition", disk, number };
  }

  /** The same partitions as on another disk, with identifiers of their own. */
  copyOf(disk: number): number {
    const source = this.#disk(disk);
    const number = this.disk({
      gib: source.sizeBytes / GIB,
      table: source.table,
      sectorBytes: source.sectorBytes,
    });
    this.#disk(number).partitions.push(
      ...source.partitions.map((p) => ({
        ...p,
        ...p.uuid !== undefined && { uuid: `00000000-0000-4000-9000-${this.#id()}` },
      })),
    );
    return number;
  }

  #disk(number: number): DiskTable {
    const disk = this.layout.disks[number];
    if (disk === undefined) throw new RangeError(`no disk ${number}`);
    return disk;
  }

  sizeOf(volume: Volume): number {
    return new VolumeTree(this.layout).sizeOf(volume) ?? 0;
  }

  md(name: string, members: readonly Volume[], more: Partial<MdArray> = {}): Volume {
    const level = more.level ?? "raid1", metadata = more.metadata ?? "1.2";
    const chunkBytes = level === "raid1" ? 0 : more.chunkBytes ?? 512 * KIB;
    const shape = { level, metadata, slots: more.slots ?? members.length, chunkBytes, layout: more.layout };
    const all = [...members, ...more.spares ?? []].map((member) => this.sizeOf(member));
    const size = sizeArray(
      { ...shape, memberBytes: Math.min(...all) },
      all.map((bytes) => ({ bytes, before: Infinity })),
    );
    this.layout.arrays?.push({
      name,
      uuid: `00000000:00000000:00000000:${this.#id().slice(-8)}`,
      metadata,
      level,
      slots: shape.slots,
      members: [...members],
      spares: [],
      memberBytes: size.memberBytes,
      chunkBytes,
      bitmap: level === "raid0" ? "none" : "internal",
      sizeBytes: level === "raid0" ? size.sizeBytes : arrayBytes(shape, size.memberBytes),
      ...more,
    });
    return { kind: "md", name };
  }

  luks(name: string, on: Volume, more: Partial<Encrypted> = {}): Volume {
    const uuid = `00000000-0000-4000-a000-${this.#id()}`;
    const sizeBytes = this.sizeOf(on) - (more.version === 1 ? 2 : 16) * MIB;
    this.layout.encrypted?.push(luksVolume(name, { on, uuid, sizeBytes, ...more }));
    return { kind: "luks", name };
  }

  group(name: string, on: readonly Volume[], more: Partial<VolumeGroup> = {}): void {
    this.layout.groups?.push({
      name,
      uuid: this.#lvmId("VG"),
      extentBytes: 4 * MIB,
      physical: on.map((volume) => ({
        volume,
        uuid: this.#lvmId("PV"),
        sizeBytes: this.sizeOf(volume),
        dataAtBytes: MIB,
      })),
      logical: [],
      ...more,
    });
  }

  /** Extents of all physical volumes of a group. */
  extents(name: string): number[] {
    const group = this.layout.groups?.find((one) => one.name === name);
    return (group?.physical ?? []).map(({ sizeBytes }) =>
      Math.floor((sizeBytes - MIB) / (group?.extentBytes ?? 1))
    );
  }

  lv(group: string, name: string, more: Partial<LogicalVolume> & { gib?: number } = {}): Volume {
    const { gib = 1, ...rest } = more;
    this.layout.groups?.find((one) => one.name === group)?.logical.push({
      name,
      uuid: this.#lvmId("LV"),
      type: "linear",
      sizeBytes: Math.round(gib * GIB),
      ...rest,
    });
    return { kind: "lv", group, name };
  }

  fileSystem(volume: Volume, mountPoint: string, more: Partial<FileSystem> = {}): FileSystem {
    const sizeBytes = this.sizeOf(volume);
    const type = more.type ?? "ext4";
    const made: FileSystem = {
      volume,
      type,
      uuid: type === "vfat" ? "D914-3B5F" : `00000000-0000-4000-b000-${this.#id()}`,
      mountPoint,
      mountOptions: "rw",
      sizeBytes,
      usedBytes: Math.floor(sizeBytes / 8),
      mkfs: type === "ext4"
        ? {
          features: ["has_journal", "extent"],
          blockBytes: 4096,
          inodeBytes: 256,
          inodes: Math.ceil(sizeBytes / 16_384),
        }
        : { features: [], ...type === "vfat" && { fatBits: 32 as const } },
      ...more,
    };
    this.layout.fileSystems.push(made);
    return made;
  }

  swap(volume: Volume): void {
    this.layout.swap.push({ volume, uuid: `00000000-0000-4000-c000-${this.#id()}` });
  }

  get header(): Header {
    return { ...header({ firmware: this.firmware }), layout: this.layout };
  }
}

/** A disk of the machine; `at`: the last part of its lasting name. */
export function machineDisk(
  at: number,
  { gib, ...more }: Partial<DiskFacts> & { gib: number },
): DiskFacts {
  return {
    name: `sd${String.fromCharCode(97 + at)}`,
    number: `8:${16 * at}`,
    kind: "disk",
    sizeBytes: Math.round(gib * GIB),
    sectorBytes: 512,
    names: [nameAt(at)],
    byPath: nameAt(at),
    removable: false,
    readOnly: false,
    uses: [],
    partitions: [],
    content: "",
    labels: [],
    signatures: [],
    ...more,
  };
}

export function nameAt(at: number): string {
  return `/dev/disk/by-path/pci-0000:00:1f.2-ata-${at + 1}`;
}
