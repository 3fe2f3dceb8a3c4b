/** What is known about a disk of a machine: read from sysfs by the agent, judged by the plan. */

export interface DiskFacts {
  /** The kernel's present name ("sda", "nvme0n1"); never used to choose a disk. */
  readonly name: string;
  /** "254:0" */
  readonly number: string;
  readonly kind: "disk" | "loop" | "other";
  readonly sizeBytes: number;
  readonly sectorBytes: number;
  readonly model?: string;
  readonly serial?: string;
  readonly transport?: string;
  readonly byPath?: string;
  /** All persistent names, `byPath` first. */
  readonly names: readonly string[];
  readonly removable: boolean;
  readonly readOnly: boolean;
  /** What uses the disk or a part of it now, as text; empty if nothing does. */
  readonly uses: readonly string[];
  readonly partitions: readonly PartitionFacts[];
  /** What is on it, as text, if that was probed; empty if nothing known is. */
  readonly content?: string;
}

export interface PartitionFacts {
  readonly name: string;
  readonly number: number;
  /** In units of 512 bytes, as in sysfs, whatever the disk's sector size. */
  readonly start512: number;
  readonly size512: number;
}
