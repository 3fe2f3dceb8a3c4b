/** What a plan says about a machine's disks: why one must not be written to, and what it is called. Pure. */
import type { ChosenDisk } from "#contract/api.ts";
import type { DiskFacts } from "#contract/disk_facts.ts";

/** Why nothing may ever be written to this disk; empty if it may. */
export function objections(disk: DiskFacts, { allowLoop = false }: { allowLoop?: boolean } = {}): string[] {
  const reasons: string[] = [];
  if (disk.kind !== "disk" && !(allowLoop && disk.kind === "loop")) reasons.push("it is not a whole disk");
  if (disk.removable) reasons.push("it is removable");
  if (disk.transport === "usb") reasons.push("it is attached by USB");
  if (disk.readOnly) reasons.push("it is read-only");
  return [...reasons, ...disk.uses];
}

/** What identifies the disk later; the server keeps it. */
export function tokensOf({ model, serial, byPath }: DiskFacts): ChosenDisk {
  return { ...(model && { model }), ...(serial && { serial }), ...(byPath && { byPath }) };
}

export function isSameDisk(disk: DiskFacts, installed: ChosenDisk): boolean {
  return disk.serial !== undefined && installed.serial !== undefined
    ? disk.serial === installed.serial && disk.model === installed.model
    : disk.byPath !== undefined && disk.byPath === installed.byPath;
}

/** "/dev/disk/by-path/pci-0000:00:04.0 (vda, 21.5 GB, QEMU HARDDISK)", "… (sda, also seen as sdb, 1.0 TB)" */
export function describeDisk(disk: DiskFacts): string {
  const others = disk.paths?.filter((path) => path !== disk.name) ?? [];
  const name = others.length > 0 ? `${disk.name}, also seen as ${others.join(" and ")}` : disk.name;
  const facts = [name, gigabytes(disk.sizeBytes), disk.transport, disk.model].filter(Boolean).join(", ");
  return `${disk.names[0] ?? `/dev/${disk.name}`} (${facts})`;
}

export function describeInstalled({ model, serial, byPath }: ChosenDisk): string {
  return [byPath, [model, serial].filter(Boolean).join(" ")].filter(Boolean).join(", ") ||
    "a disk without a name";
}

export function gigabytes(bytes: number): string {
  return bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
