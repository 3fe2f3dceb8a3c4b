/** What changed between two inventories of one machine, in words. Pure. What only one of them tells is no change. */
import type { Inventory } from "#contract/api.ts";
import type { Dimm, HardwareWarning } from "#contract/api/hardware.ts";

type Disk = Inventory["disks"][number];
type Nic = Inventory["nics"][number];

const MAX_WARNINGS = 64;
/** What the kernel takes of the memory differs from one kernel to the next. */
const MEMORY_TOLERANCE = 0.05;

/**
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import type { Inventory } from "#contract/api.ts";
 *
 * const before: Inventory = { kind: "machine", firmware: "uefi", memoryBytes: 64e9, cpus: 8, nics: [], disks: [] };
 * assert.deepEqual(hardwareChanges(before, { ...before, memoryBytes: 32e9 }), [
 *   { kind: "memory", what: "memory is 32.0 GB instead of 64.0 GB" },
 * ]);
 * ```
 */
export function hardwareChanges(before: Inventory, now: Inventory): HardwareWarning[] {
  return [
    ...memoryChanges(before, now),
    ...diskChanges(before, now),
    ...nicChanges(before, now),
    ...processorChanges(before, now),
    ...boardChanges(before, now),
    ...deviceChanges(before, now),
  ].slice(0, MAX_WARNINGS).map(({ kind, what }) => ({ kind, what: what.slice(0, 400) }));
}

/** The disks that expect to fail, whenever they began to. */
export function failingDisks({ disks }: Pick<Inventory, "disks">): HardwareWarning[] {
  return disks.filter(({ health }) => health?.verdict === "failing").slice(0, MAX_WARNINGS)
    .map((disk) => ({ kind: "disk-failing", what: describeFailing(disk).slice(0, 400) }));
}

export function describeFailing(disk: Disk): string {
  return `${nameDisk(disk)} is failing: ${disk.health?.reasons.join(", ") || "it says so"}`;
}

function memoryChanges(before: Inventory, now: Inventory): HardwareWarning[] {
  const warn = (what: string): HardwareWarning => ({ kind: "memory", what });
  if (!before.memory || !now.memory) {
    const isSame = Math.abs(now.memoryBytes - before.memoryBytes) <= before.memoryBytes * MEMORY_TOLERANCE;
    return isSame
      ? []
      : [warn(`memory is ${gigabytes(now.memoryBytes)} instead of ${gigabytes(before.memoryBytes)}`)];
  }
  const old = bySlot(before.memory.dimms), present = bySlot(now.memory.dimms);
  return [
    ...missing(old, present).map((dimm) => warn(`the memory module ${nameDimm(dimm)} is gone`)),
    ...missing(present, old).map((dimm) => warn(`the memory module ${nameDimm(dimm)} is new`)),
    ...pairs(old, present).flatMap(([was, is]) => {
      if (was.sizeBytes !== is.sizeBytes || differ(was.serial, is.serial)) {
        return [warn(`the memory module ${nameDimm(was)} was replaced by ${nameDimm(is)}`)];
      }
      return differ(was.speedMts, is.speedMts)
        ? [warn(`the memory module ${nameDimm(is)} runs at ${is.speedMts} instead of ${was.speedMts} MT/s`)]
        : [];
    }),
  ];
}

/** Some boards give several slots one name. */
function bySlot(dimms: readonly Dimm[]): Map<string, Dimm> {
  const found = new Map<string, Dimm>();
  for (const dimm of dimms) {
    let key = dimm.slot;
    for (let n = 2; found.has(key); n++) key = `${dimm.slot} ${n}`;
    found.set(key, dimm);
  }
  return found;
}

function nameDimm({ slot, sizeBytes, serial }: Dimm): string {
  return `${slot} (${gibibytes(sizeBytes)}${serial === undefined ? "" : `, serial ${serial}`})`;
}

function diskChanges(before: Inventory, now: Inventory): HardwareWarning[] {
  const warn = (what: string): HardwareWarning => ({ kind: "disk", what });
  const old = byNumber(before.disks), present = byNumber(now.disks);
  return [
    ...missing(old, present).map((disk) => warn(`${nameDisk(disk)} is gone`)),
    ...missing(present, old).map((disk) => warn(`${nameDisk(disk)} is new`)),
    ...pairs(old, present).flatMap(([was, is]) => [
      ...was.sizeBytes === is.sizeBytes
        ? []
        : [warn(`${nameDisk(is)} has ${gigabytes(is.sizeBytes)} instead of ${gigabytes(was.sizeBytes)}`)],
      ...was.health?.verdict === "good" && is.health?.verdict === "warning"
        ? [{ kind: "disk-health" as const, what: `${nameDisk(is)} reports: ${is.health.reasons.join(", ")}` }]
        : [],
    ]),
  ];
}

/** Disks by their serial number, or by their place if they have none; what is plugged in from outside does not count. */
function byNumber(disks: readonly Disk[]): Map<string, Disk> {
  return new Map(
    disks.filter(({ removable }) => !removable).map((
      disk,
    ) => [disk.serial ?? disk.byPath ?? disk.name, disk]),
  );
}

function nameDisk({ name, model, serial, sizeBytes }: Disk): string {
  const facts = [model, serial && `serial ${serial}`, gigabytes(sizeBytes)].filter(Boolean).join(", ");
  return `the disk ${name} (${facts})`;
}

function nicChanges(before: Inventory, now: Inventory): HardwareWarning[] {
  const warn = (what: string): HardwareWarning => ({ kind: "nic", what });
  const byMac = (nics: readonly Nic[]) =>
    new Map(nics.filter(({ randomMac }) => !randomMac).map((nic) => [nic.mac.toLowerCase(), nic]));
  const old = byMac(before.nics), present = byMac(now.nics);
  const name = ({ name, mac }: Nic) => `the NIC ${name} (${mac})`;
  return [
    ...missing(old, present).map((nic) => warn(`${name(nic)} is gone`)),
    ...missing(present, old).map((nic) => warn(`${name(nic)} is new`)),
    ...pairs(old, present).flatMap(([was, is]) => [
      ...was.link && is.link === false ? [warn(`${name(is)} has no link`)] : [],
      ...differ(was.speedMbps, is.speedMbps) && is.link
        ? [warn(`${name(is)} runs at ${is.speedMbps} instead of ${was.speedMbps} Mbit/s`)]
        : [],
      ...was.neighbour && is.neighbour && portOf(was) !== portOf(is)
        ? [warn(`${name(is)} is plugged into ${portOf(is)} instead of ${portOf(was)}`)]
        : [],
    ]),
  ];
}

function portOf({ neighbour }: Nic): string | undefined {
  return neighbour && `${neighbour.system ?? neighbour.chassis} ${neighbour.port}`;
}

function processorChanges(before: Inventory, now: Inventory): HardwareWarning[] {
  const warn = (what: string): HardwareWarning => ({ kind: "processor", what });
  const was = before.processors, is = now.processors;
  return [
    ...before.cpus === now.cpus ? [] : [warn(`it has ${now.cpus} processors instead of ${before.cpus}`)],
    ...was && is && was.sockets !== is.sockets
      ? [warn(`it has ${is.sockets} processor sockets in use instead of ${was.sockets}`)]
      : [],
    ...was && is && was.model !== is.model
      ? [warn(`its processors are ${is.model} instead of ${was.model}`)]
      : [],
  ];
}

function boardChanges(before: Inventory, now: Inventory): HardwareWarning[] {
  const was = before.board, is = now.board;
  const versions = [was?.firmwareVersion, is?.firmwareVersion];
  return [
    ...before.firmware === now.firmware ? [] : [{
      kind: "firmware" as const,
      what: `it starts by ${now.firmware.toUpperCase()} instead of ${before.firmware.toUpperCase()}`,
    }],
    ...differ(...versions as [string | undefined, string | undefined])
      ? [{ kind: "firmware" as const, what: `its firmware is ${versions[1]} instead of ${versions[0]}` }]
      : [],
    ...differ(was?.serial, is?.serial)
      ? [{ kind: "firmware" as const, what: `its board is serial ${is?.serial} instead of ${was?.serial}` }]
      : [],
    ...differ(before.management?.address, now.management?.address)
      ? [{
        kind: "management" as const,
        what:
          `its management controller has ${now.management?.address} instead of ${before.management?.address}`,
      }]
      : [],
  ];
}

/** NVMe disks, NICs and USB: the first two are compared by themselves, and USB hubs come and go. */
const COMPARED_ELSEWHERE = /^(0108|02|0c03)/;

function deviceChanges(before: Inventory, now: Inventory): HardwareWarning[] {
  if (!before.devices || !now.devices) return [];
  const counts = ({ devices = [] }: Inventory) => {
    const found = new Map<string, number>();
    for (const device of devices) {
      if (!COMPARED_ELSEWHERE.test(device.class)) found.set(device.id, (found.get(device.id) ?? 0) + 1);
    }
    return found;
  };
  const old = counts(before), present = counts(now);
  return [...new Set([...old.keys(), ...present.keys()])].flatMap((id): HardwareWarning[] => {
    const was = old.get(id) ?? 0, is = present.get(id) ?? 0;
    if (was === is) return [];
    return [{ kind: "device", what: `it has ${is} PCI devices ${id} instead of ${was}` }];
  });
}

/** The values of `a` whose keys `b` lacks. */
function missing<T>(a: ReadonlyMap<string, T>, b: ReadonlyMap<string, T>): T[] {
  return [...a].filter(([key]) => !b.has(key)).map(([, value]) => value);
}

function pairs<T>(a: ReadonlyMap<string, T>, b: ReadonlyMap<string, T>): [T, T][] {
  return [...a].flatMap(([key, was]): [T, T][] => {
    const is = b.get(key);
    return is === undefined ? [] : [[was, is]];
  });
}

/** Both are known, and not the same. */
function differ<T>(a: T | undefined, b: T | undefined): boolean {
  return a !== undefined && b !== undefined && a !== b;
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}

function gibibytes(bytes: number): string {
  return `${Math.round(bytes / 2 ** 30 * 10) / 10} GiB`;
}
