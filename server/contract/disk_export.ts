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
  readonly memoryMiB: number;
  readonly emulate: boolean;
  readonly onProgress: (text: string) => void;
  readonly signal: AbortSignal;
}

/** Installs a virtual machine and returns the files of its disks. */
export type ExportDisk = (options: DiskExport) => Promise<string[]>;
