/** Interprets disk names in files of the image, and finds the names for the same things on a clone. Pure. */
import type { DiskLayout, DiskTable, Partition } from "#contract/format/layout.ts";

/** The clone's disk: its kernel name and its links below /dev/disk. */
export interface CloneDisk {
  readonly name: string;
  readonly names: readonly string[];
  /** Decides whether GRUB is in the disk's first sectors (BIOS) or in the EFI system partition. */
  readonly firmware: "bios" | "uefi";
}

export type Meaning =
  /** The whole captured disk. */
  | { readonly is: "disk" }
  | { readonly is: "partition"; readonly number: number }
  /** A UUID or label of the image, which the clone has too. */
  | { readonly is: "lasting" }
  /** Another disk. */
  | { readonly is: "foreign" }
  /** A device mapper volume, /dev/null, a directory … */
  | { readonly is: "no disk" };

/** Kernel names of disks. A partition number follows a "p" if the disk's name ends in a digit. */
const KERNEL_NAME = new RegExp(
  "^/dev/((?:[hsv]d|xvd)[a-z]+|(?:nvme\\d+n|mmcblk|pmem|nbd|rbd|cciss/c\\d+d|ida/c\\d+d)\\d+)" +
    "(?:(?<=\\d)p(\\d+)|(?<=[a-z])(\\d+))?$",
);
const LINK = /^(\/dev\/disk\/by-(?:id|path)\/.+?)(?:-part(\d+))?$/;
const TAG_LINK = /^\/dev\/disk\/by-(uuid|label|partuuid|partlabel)\/(.+)$/;
const TAG = /^(UUID|LABEL|PARTUUID|PARTLABEL)=(.*)$/i;
/** udev's links to volumes on a disk, not to the disk. */
const VIRTUAL_LINK = /^\/dev\/disk\/by-id\/(dm|md|lvm-pv)-/;
/**
 * Interprets names of the template's disk, for a clone with a disk of its own.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const partition = { number: 1, startSector: 2048, sectors: 4096, type: "83" };
 * const sda = { name: "sda", sizeBytes: 1e9, sectorBytes: 512 as const, table: "dos" as const, id: "0x1a2b3c4d" };
 * const layout = { disks: [{ ...sda, partitions: [partition] }], fileSystems: [], swap: [] };
 * const disk = new TemplateDisk(layout, { name: "nvme0n1", names: [], firmware: "bios" });
 * assert.deepEqual(disk.meaning("/dev/sda1"), { is: "partition", number: 1 });
 * assert.deepEqual(disk.meaning("/dev/sdb"), { is: "foreign" });
 * assert.equal(disk.own({ is: "partition", number: 1 }), "/dev/nvme0n1p1");
 * ```
 */
export class TemplateDisk {
  readonly #layout: DiskLayout;
  readonly #table: DiskTable | undefined;
  readonly #clone: CloneDisk;

  constructor(layout: DiskLayout, clone: CloneDisk) {
    this.#layout = layout;
    this.#table = layout.disks[0];
    this.#clone = clone;
  }

  /** `name`: "/dev/sda1", "/dev/disk/by-id/…", "UUID=…". */
  meaning(name: string): Meaning {
    const [, tag, value] = TAG.exec(name) ?? TAG_LINK.exec(name) ?? [];
    if (tag !== undefined && value !== undefined) {
      return { is: this.#has(tag.toUpperCase(), value.replace(/^"(.*)"$/, "$1")) ? "lasting" : "foreign" };
    }
    const [, kernel, afterP, afterLetter] = KERNEL_NAME.exec(name) ?? [];
    if (kernel !== undefined) {
      return this.#part(kernel === this.#table?.name.replaceAll("!", "/"), afterP ?? afterLetter);
    }
    const [, link, number] = LINK.exec(name) ?? [];
    if (link === undefined || VIRTUAL_LINK.test(link)) return { is: "no disk" };
    return this.#part(this.#table?.names?.includes(link) ?? false, number);
  }

  #part(isOwn: boolean, digits: string | undefined): Meaning {
    if (!isOwn) return { is: "foreign" };
    if (digits === undefined) return { is: "disk" };
    const number = Number(digits);
    return this.#partition(number) ? { is: "partition", number } : { is: "foreign" };
  }

  /** The partition that the template mounts at this path. */
  mountedAt(mountPoint: string): Meaning | undefined {
    const found = this.#layout.fileSystems.find((f) => f.mountPoint === mountPoint)?.volume;
    if (found?.kind === "disk") return { is: "disk" };
    return found?.kind === "partition" ? { is: "partition", number: found.number } : undefined;
  }

  /** "UUID=…" of the file system or swap area, else "PARTUUID=…"; undefined if it has neither. */
  spec(meaning: Meaning): string | undefined {
    const uuid = this.#uuid(meaning);
    return uuid ? `UUID=${uuid}` : this.partSpec(meaning);
  }

  /** For cases without a usable UUID: swap with a new key at each boot, a kernel without an initramfs. */
  partSpec(meaning: Meaning): string | undefined {
    const partUuid = meaning.is === "partition" ? this.#partUuid(meaning.number) : undefined;
    return partUuid && `PARTUUID=${partUuid}`;
  }

  /** The same as a path, for programs that accept no tags. */
  path(meaning: Meaning): string | undefined {
    const uuid = this.#uuid(meaning);
    if (uuid) return `/dev/disk/by-uuid/${uuid}`;
    if (meaning.is === "disk") return this.own(meaning);
    const partUuid = meaning.is === "partition" ? this.#partUuid(meaning.number) : undefined;
    return partUuid && `/dev/disk/by-partuuid/${partUuid}`;
  }

  /** The clone's own name for it, the most persistent one available. */
  own(meaning: Meaning): string | undefined {
    if (meaning.is !== "disk" && meaning.is !== "partition") return undefined;
    const { name, names } = this.#clone;
    const link = names.find((n) => n.startsWith("/dev/disk/by-id/")) ?? names[0];
    if (meaning.is === "disk") return link ?? `/dev/${name}`;
    if (link) return `${link}-part${meaning.number}`;
    return `/dev/${name}${/\d$/.test(name) ? "p" : ""}${meaning.number}`;
  }

  /** Whether the clone's disk happens to have the same link. */
  isClones(name: string): boolean {
    return this.#clone.names.includes(name.replace(/-part\d+$/, ""));
  }

  /** Where package updates install GRUB: the disk's first sectors, or the EFI system partition. */
  get grubPlace(): string | undefined {
    return this.#clone.firmware === "bios" ? this.own({ is: "disk" }) : this.#esp && this.own(this.#esp);
  }

  /** Marks by which udev rules and the like identify the disk: serial number, WWN, ID_PATH. */
  get marks(): readonly string[] {
    const marks = (this.#table?.names ?? []).filter((n) => !VIRTUAL_LINK.test(n)).map((link) => {
      const name = link.slice(link.lastIndexOf("/") + 1);
      if (link.includes("/by-path/")) return name;
      return /^(?:wwn-0x|scsi-3|nvme-eui\.)(\w+)$/.exec(name)?.[1] ?? name.slice(name.lastIndexOf("_") + 1);
    });
    return [...new Set(marks)].filter((mark) => mark.length >= 6 && /\d/.test(mark));
  }

  get hasSwapFile(): boolean {
    return (this.#layout.swapFiles?.length ?? 0) > 0;
  }

  get #esp(): Meaning | undefined {
    const esp = this.#layout.fileSystems.find((f) =>
      f.type === "vfat" && ["/boot/efi", "/efi", "/boot"].includes(f.mountPoint)
    );
    return esp && this.mountedAt(esp.mountPoint);
  }

  #uuid(meaning: Meaning): string | undefined {
    const { fileSystems, swap } = this.#layout;
    return [...fileSystems, ...swap].find(({ volume }) =>
      meaning.is === "disk"
        ? volume.kind === "disk" && volume.disk === 0
        : meaning.is === "partition" && volume.kind === "partition" && volume.disk === 0 &&
          volume.number === meaning.number
    )?.uuid;
  }

  #has(tag: string, value: string): boolean {
    // files are read as one character per byte, labels are text
    const { fileSystems, swap } = this.#layout,
      wanted = Buffer.from(value, "latin1").toString().toLowerCase();
    const partitions = this.#table?.partitions ?? [];
    const values = tag === "UUID"
      ? [...fileSystems, ...swap].map((f) => f.uuid)
      : tag === "LABEL"
      ? [...fileSystems, ...swap].map((f) => f.label)
      : tag === "PARTUUID"
      ? partitions.map((p) => this.#partUuid(p.number))
      : partitions.map((p) => p.name);
    return values.some((v) => v !== undefined && [v.toLowerCase(), encoded(v)].includes(wanted));
  }

  #partition(number: number): Partition | undefined {
    return this.#table?.partitions.find((p) => p.number === number);
  }

  /** In the kernel's form (Documentation/admin-guide/kernel-parameters, root=PARTUUID). */
  #partUuid(number: number): string | undefined {
    const { table, id } = this.#table ?? {}, partition = this.#partition(number);
    if (partition === undefined) return undefined;
    if (table === "gpt") return partition.uuid?.toLowerCase();
    const signature = id?.toLowerCase().replace(/^0x/, "").padStart(8, "0");
    if (signature === undefined || /^0*$/.test(signature)) return undefined;
    return `${signature}-${number.toString(16).padStart(2, "0")}`;
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
