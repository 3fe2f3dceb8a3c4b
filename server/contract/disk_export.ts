/** The export of a version as disks of a virtual machine: what the command asks for, and the server's room does. */
import type { ApiClient } from "./client.ts";

export interface DiskExport {
  readonly client: ApiClient;
  /** "web@3" */
  readonly image: string;
  /** "web.qcow2"; further system disks get a number: "web.1.qcow2". Data disks are left out. */
  readonly output: string;
  readonly format: "raw" | "qcow2";
  /** Size of the first disk; absent: as the template's. */
  readonly sizeBytes?: number | undefined;
  readonly hostname?: string | undefined;
  /**
   * MAC of the NIC that the disk's machine will have, which asks for its address by DHCP. No node may have it. Absent: a
   * new one.
   */
  readonly mac?: string | undefined;
  readonly memoryMiB: number;
  readonly emulate: boolean;
  readonly onProgress: (text: string) => void;
  readonly signal: AbortSignal;
}

export interface ExportedDisks {
  readonly files: readonly string[];
  /** Of the NIC that the network configuration is for. */
  readonly mac: string;
}

/** Installs a virtual machine and keeps its disks. */
export type ExportDisk = (options: DiskExport) => Promise<ExportedDisks>;
