/** A machine that the lab builds as its distribution's installer would, to be captured and cloned. */
import type { Exception } from "../compare_trees.ts";
import type { Firmware } from "../qemu.ts";
import type { Setting } from "../template_settings.ts";

export interface LabLayout {
  readonly firmware: Firmware;
  /** Sizes of the template's disks. */
  readonly disksMiB: readonly number[];
  /** Sizes of a node's disks. */
  readonly nodeDisksMiB: readonly number[];
  /** Added to the lab's Debian. */
  readonly packages: readonly string[];
  /** Files of its tree; they replace those that all templates have. */
  readonly files: readonly Setting[];
  readonly fileSystems: readonly TreeFileSystem[];
  /** Shell, on the host, in the tree: what needs no volumes of the template's, such as the initramfs. */
  readonly setUp: string;
  /** Shell, in the small VM with udev: makes the volumes on the disks /dev/vdb, /dev/vdc … */
  readonly create: string;
  /** Shell, in the small VM, in the tree with everything mounted: what needs the volumes, such as the boot loader. */
  readonly boot: string;
  /** Shell, in the small VM: makes the volumes usable by their devices in `fileSystems`. */
  readonly assemble: string;
  /** What is typed at the console before a machine starts. */
  readonly unlock?: { readonly after: RegExp; readonly template: string; readonly clone?: string };
  /** Differences to the template that a clone may have besides those of any layout. */
  readonly mayDiffer?: readonly Exception[];
  /** Subvolumes that `setUp` makes within others: they are compared, too. */
  readonly nested?: readonly string[];
  /** Shell, in the small VM, with everything mounted on $0: what it prints must be the same for a clone. */
  readonly alike?: string;
  /** What a clone swaps to. */
  readonly swaps: number;
  /** Arguments of `node deploy`; `folder` is one for files that they name. */
  readonly deploy?: (folder: string) => Promise<readonly string[]>;
  /** Any of its disks can be pulled. */
  readonly isMirrored?: boolean;
  readonly tpm?: boolean;
}

/** It is written on the host, whose processor is fast, and copied to its volume in the small VM. */
export interface TreeFileSystem {
  /** Where it is mounted; "/" is the first. */
  readonly at: string;
  readonly type: "ext4" | "xfs" | "btrfs" | "vfat";
  readonly sizeMiB: number;
  /** Further arguments of mkfs. */
  readonly mkfs: readonly string[];
  /** Its volume, once it is assembled. */
  readonly device: string;
  /** A clone has its own, which must stay as it is. */
  readonly isOwn?: boolean;
  /** A btrfs: its subvolumes, and where they are mounted. */
  readonly subvolumes?: readonly { readonly name: string; readonly at: string }[];
}
