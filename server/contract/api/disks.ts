/** Which disks of a node an image may be written to, as an operator says it and as a node reports it. */
import { z } from "zod";
import { text } from "./fields.ts";

/** A name that stays with the disk: udev's link below /dev/disk/by-path or by-id. */
export const DiskName = z.string().max(255).regex(/^\/dev\/disk\/by-(path|id)\/[^/\s]+$/, {
  error: "a disk is named as below /dev/disk/by-path or /dev/disk/by-id",
});

/**
 * Disks that are never written, and never candidates:
 *
 *     /dev/disk/by-path/pci-0000:00:1f.2-ata-*   one of its names; * and ? as in a shell
 *     >2TB  <64GB                                its size; MB, GB, TB, or MiB, GiB, TiB
 *     label=DATA                                 a file system on it has this label; * and ? too
 */
export const LeaveDisk = z.string().max(255).regex(
  /^(\/dev\/disk\/by-(path|id)\/[^/\s]+|[<>]\d{1,6}(\.\d{1,3})?[MGT]i?B|label=\P{Cc}{1,200})$/u,
  {
    error:
      "disks to leave alone are given as a name below /dev/disk/by-path or by-id, as a size such as >2TB, " +
      "or as label=NAME",
  },
);

/** A data disk of the layout, by its index there or by what the template mounts from it; and the node's disk for it. */
export const DataDisk = z.object({
  of: z.union([
    z.int().min(0).max(63),
    z.string().max(4095).regex(/^(\/(?!\.{1,2}(\/|$))[^/\0]+)+$/, {
      error: "a mount point is an absolute path",
    }),
  ]),
  disk: DiskName,
});
export type DataDisk = z.infer<typeof DataDisk>;

/** The operator's say in a node's disks: in its settings, and in every order for it. */
export const DiskChoices = z.object({
  /** The disks that the layout's system disks go to, in the layout's order; absent: the plan chooses, or refuses. */
  disks: z.array(DiskName).min(1).max(64).optional(),
  leaveDisks: z.array(LeaveDisk).min(1).max(64).optional(),
  /** Data disks that are written; all others keep what they hold. */
  dataDisks: z.array(DataDisk).min(1).max(64).optional(),
  /** Number of disks that a mirror gets on this node; absent: as many as on the template. */
  mirror: z.int().min(1).max(16).optional(),
});
export type DiskChoices = z.infer<typeof DiskChoices>;

/** Identifies the installed disk among others. */
export const ChosenDisk = z.object({
  model: text(255).optional(),
  serial: text(255).optional(),
  byPath: text(255).optional(),
});
export type ChosenDisk = z.infer<typeof ChosenDisk>;

/** The node's disk for one disk of the layout. */
export const InstalledDisk = ChosenDisk.extend({
  /** Index in the layout; a further disk of a mirror has the next free one. */
  layoutDisk: z.int().min(0).max(255),
});
export type InstalledDisk = z.infer<typeof InstalledDisk>;
