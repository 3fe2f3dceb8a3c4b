/** Which disk to install to: the one the operator named, or the only one that fits. Never a guess. Pure. */
import type { ChosenDisk } from "#contract/api.ts";
import { RackseedError } from "#contract/errors.ts";
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

interface DiskChoice {
  readonly disk: DiskFacts;
  /** Why this one, as text for the plan. */
  readonly because: string;
}

/** What identifies the disk later; the server keeps it. */
export function tokensOf({ model, serial, byPath }: DiskFacts): ChosenDisk {
  return { ...(model && { model }), ...(serial && { serial }), ...(byPath && { byPath }) };
}

function isSameDisk(disk: DiskFacts, installed: ChosenDisk): boolean {
  return disk.serial !== undefined && installed.serial !== undefined
    ? disk.serial === installed.serial && disk.model === installed.model
    : disk.byPath !== undefined && disk.byPath === installed.byPath;
}

/**
 * @param named the operator's choice: a name below /dev/disk/by-path or by-id.
 * @param shortfall why the layout does not fit a disk; undefined if it does.
 * Throws RackseedError if no disk qualifies, or more than one; the message lists all disks.
 */
export function chooseDisk(
  disks: readonly DiskFacts[],
  { node, named, installed, shortfall }: {
    node: string;
    named?: string | undefined;
    /** The disk of the last installation. If it is gone, a disk that holds something may be one to leave alone. */
    installed?: ChosenDisk | undefined;
    shortfall: (disk: DiskFacts) => string | undefined;
  },
): DiskChoice {
  const against = (disk: DiskFacts) => {
    const short = shortfall(disk);
    return [...objections(disk), ...short === undefined ? [] : [short]];
  };
  const machine: Candidates = {
    node,
    disks,
    against,
    list: (some) =>
      some.map((disk) => `${describeDisk(disk)}: ${against(disk).join("; ") || "fits"}`).join(". "),
    command: (name = "…") => `\`rackseed node set ${node} --disk ${name}\``,
  };
  return named === undefined ? onlyDisk(installed, machine) : namedDisk(named, machine);
}

/** A machine's disks, and how messages speak of them. */
interface Candidates {
  readonly node: string;
  readonly disks: readonly DiskFacts[];
  /** Why a disk cannot take the image; empty if it can. */
  readonly against: (disk: DiskFacts) => readonly string[];
  readonly list: (some: readonly DiskFacts[]) => string;
  readonly command: (name?: string) => string;
}

function namedDisk(named: string, { node, disks, against, list, command }: Candidates): DiskChoice {
  const [disk, ...twins] = disks.filter((d) => d.names.includes(named));
  if (disk === undefined) {
    throw new RackseedError(`cannot find the disk ${named} that was named for ${node}`, {
      reason: disks.length > 0 ? `this machine has ${list(disks)}.` : "this machine has no disk.",
      remedy: `name one of these (${command(disks[0]?.names[0] ?? "/dev/disk/by-path/…")}) and deploy again.`,
      status: 409,
    });
  }
  if (twins.length > 0) {
    throw new RackseedError(`cannot tell which disk of ${node} is ${named}`, {
      reason: `${twins.length + 1} disks have that name: ${list([disk, ...twins])}.`,
      remedy: "use a name that only one disk has, and deploy again.",
      status: 409,
    });
  }
  const reasons = against(disk);
  if (reasons.length === 0) return { disk, because: "named by the operator" };
  throw new RackseedError(`cannot install to ${describeDisk(disk)}, which was named for ${node}`, {
    reason: `${reasons.join("; ")}.`,
    remedy: "name another disk, or remove the obstacle, and deploy again.",
    status: 409,
  });
}

function onlyDisk(installed: ChosenDisk | undefined, machine: Candidates): DiskChoice {
  const { node, disks, against, list, command } = machine;
  const candidates = disks.filter((disk) => against(disk).length === 0);
  const [only, ...others] = candidates;
  if (only === undefined) throw noDisk(machine);
  if (others.length > 0) {
    throw new RackseedError(`cannot choose between ${candidates.length} disks of ${node}`, {
      reason: `all of these could take the image: ${list(candidates)}.`,
      remedy: `choose one: ${candidates.map((d) => command(d.names[0])).join(" or ")}; then deploy again.`,
      status: 409,
    });
  }
  if (only.content) proveExpendable(only, installed, machine);
  return { disk: only, because: disks.length > 1 ? "the only disk that fits" : "the only disk" };
}

/** A disk that holds something is taken only if no other disk can be the one that was meant. */
function proveExpendable(
  only: DiskFacts,
  installed: ChosenDisk | undefined,
  { node, disks, list, command }: Candidates,
): void {
  const isOwn = installed !== undefined && isSameDisk(only, installed);
  const rest = disks.filter((disk) => disk !== only && objections(disk).length === 0);
  if (!isOwn && rest.length > 0) {
    throw new RackseedError(`cannot take ${describeDisk(only)} as the system disk of ${node}`, {
      reason: `it holds data (${only.content}), and the machine has another disk: ${list(rest)}.`,
      remedy: `to overwrite it: ${command(only.names[0])}, and deploy again.`,
      status: 409,
    });
  }
  if (installed && !disks.some((disk) => isSameDisk(disk, installed))) {
    throw new RackseedError(`cannot find the disk that ${node} was installed on`, {
      reason: `that was ${describeInstalled(installed)}; this machine has ${list(disks)}. What is on ` +
        `${describeDisk(only)} (${only.content}) would be lost.`,
      remedy: `attach that disk again; or, to overwrite this one: ${
        command(only.names[0])
      }, and deploy again.`,
      status: 409,
    });
  }
}

function noDisk({ node, disks, list }: Candidates): RackseedError {
  return new RackseedError(`cannot find a disk of ${node} to install to`, {
    reason: disks.length > 0
      ? `${list(disks)}.`
      : "the kernel shows no disk: none is attached, or the image's kernel has no driver for its controller.",
    remedy: disks.length > 0
      ? "attach a disk that fits, and deploy again."
      : "check the controller's mode in the firmware's setup, and that the template's kernel has its driver.",
    status: 409,
  });
}

/** "/dev/disk/by-path/pci-0000:00:04.0 (vda, 21.5 GB, QEMU HARDDISK)" */
export function describeDisk(disk: DiskFacts): string {
  const facts = [disk.name, gigabytes(disk.sizeBytes), disk.transport, disk.model].filter(Boolean).join(", ");
  return `${disk.names[0] ?? `/dev/${disk.name}`} (${facts})`;
}

function describeInstalled({ model, serial, byPath }: ChosenDisk): string {
  return [byPath, [model, serial].filter(Boolean).join(" ")].filter(Boolean).join(", ") ||
    "a disk without a name";
}

export function gigabytes(bytes: number): string {
  return bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
