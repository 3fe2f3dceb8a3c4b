/** Random templates and machines, from a seed: mostly plausible ones, and some that cannot be. */
import type { DiskChoices, InstalledDisk } from "#contract/api.ts";
import type { DiskFacts } from "#contract/disk_facts.ts";
import { DiskLayout, type Volume } from "#contract/format/layout.ts";
import type { LogicalVolume } from "#contract/format/volumes.ts";
import { mirrorOf } from "../mirrors.ts";
import type { PlanRequest } from "../plan.ts";
import { rolesOf } from "../roles.ts";
import { BTRFS } from "./btrfs.ts";
import type { Dice } from "./dice.ts";
import { KIB, machineDisk, MIB, nameAt, Template } from "./template.ts";

const MOUNTS = ["/var", "/home", "/srv", "/srv/data", "/opt", "/var/lib/mysql", "/usr", "/data", "/boot"];

/** A template whose volumes lie on each other at random. */
export function randomTemplate(dice: Dice): Template {
  const t = new Template(dice.pick(["bios", "uefi"]));
  const mounts = new Set<string>();
  const free: Volume[] = [];
  const disks = dice.pick([1, 1, 1, 2, 2, 3, 4]);
  const isMirror = disks > 1 && dice.chance(0.6);
  const table = t.firmware === "bios" && dice.chance(0.3) ? "dos" : "gpt";
  const sectorBytes = dice.chance(0.15) ? 4096 : 512;
  const first = t.disk({ gib: dice.between(4, 200), table, sectorBytes });
  if (t.firmware === "bios" && table === "gpt") t.partition(first, { mib: 1, kind: "bios" });
  const esp = t.firmware === "uefi"
    ? t.partition(first, { mib: dice.between(64, 1024), kind: "esp" })
    : undefined;
  const parts = dice.between(1, table === "dos" ? 3 : 4);
  for (let i = 1; i < parts; i++) free.push(t.partition(first, { mib: dice.between(200, 2000) }));
  free.push(t.partition(first));
  const sets: Volume[][] = free.map((volume) => [volume]);
  for (let i = 1; i < disks; i++) {
    if (isMirror) {
      const copy = t.copyOf(first);
      for (const set of sets) {
        const [one] = set;
        if (one?.kind === "partition") set.push({ kind: "partition", disk: copy, number: one.number });
      }
    } else if (dice.chance(0.2)) {
      sets.push([{ kind: "disk", disk: t.disk({ gib: dice.between(2, 300), table: "none" }) }]);
    } else {
      const other = t.disk({ gib: dice.between(2, 300), sectorBytes });
      sets.push([t.partition(other)]);
    }
  }
  const ready = sets.flatMap((set, i) => layered(t, { dice, set, name: `v${i}` }));
  const put = (volume: Volume, mountPoint: string) => {
    mounts.add(mountPoint);
    const sizeBytes = t.sizeOf(volume), type = dice.pick(["ext4", "ext4", "ext3", "xfs", "btrfs", "f2fs"]);
    t.fileSystem(volume, mountPoint, {
      type,
      usedBytes: Math.floor(sizeBytes * dice.next() * 0.7),
      ...type === "btrfs" && { mkfs: { features: [], btrfs: BTRFS } },
      ...type === "ext4" && dice.chance(0.1) && { mkfs: { features: [], blockBytes: 1024 } },
    });
  };
  const roots = ready.toSorted((a, b) => t.sizeOf(b) - t.sizeOf(a));
  const root = dice.chance(0.8) ? roots[0] : dice.pick(ready);
  if (root) put(root, "/");
  for (const volume of ready) {
    if (volume === root || dice.chance(0.1)) continue;
    const mountPoint = dice.pick(MOUNTS);
    if (dice.chance(0.2)) t.swap(volume);
    else if (!mounts.has(mountPoint)) put(volume, mountPoint);
  }
  if (esp) t.fileSystem(esp, "/boot/efi", { type: "vfat", usedBytes: 6 * MIB });
  return t;
}

/** Arrays, LUKS and LVM on a set of alike volumes; returns what file systems can be put on. */
function layered(t: Template, { dice, set, name }: { dice: Dice; set: Volume[]; name: string }): Volume[] {
  let tops = set;
  if (set.length > 1 && dice.chance(0.7)) {
    const least: Record<string, number> = { raid0: 2, raid1: 2, raid5: 3, raid6: 4, raid10: 2 };
    const levels = Object.keys(least).filter((level) => (least[level] ?? 0) <= set.length);
    const spares = dice.chance(0.1) && set.length > 2 ? set.slice(-1) : [];
    const members = set.slice(0, set.length - spares.length);
    const level = dice.chance(0.5) || spares.length > 0 ? "raid1" : dice.pick(levels);
    tops = [t.md(`md${name}`, members, {
      level,
      metadata: dice.pick(["1.0", "1.1", "1.2", "1.2"]),
      spares,
      chunkBytes: level === "raid1" ? 0 : dice.pick([4 * KIB, 64 * KIB, 512 * KIB]),
      ...level === "raid10" && { layout: dice.pick(["near=2", "far=2", "offset=2"]) },
    })];
  }
  if (dice.chance(0.15)) {
    tops = tops.map((top, i) =>
      t.luks(`luks${name}-${i}`, top, {
        version: dice.pick([1, 2, 2]),
        sectorBytes: dice.pick([512, 512, 4096]),
      })
    );
  }
  if (dice.chance(0.45)) return grouped(t, { dice, set: tops, name: `vg${name}` });
  return tops;
}

function grouped(t: Template, { dice, set, name }: { dice: Dice; set: Volume[]; name: string }): Volume[] {
  const extentBytes = dice.pick([MIB, 4 * MIB, 4 * MIB, 32 * MIB]);
  t.group(name, set, { extentBytes });
  const room = t.extents(name);
  let left = Math.min(...room) - 8;
  const made: Volume[] = [];
  const count = dice.between(1, 4);
  for (let i = 0; i < count && left > 64; i++) {
    const types: LogicalVolume["type"][] = ["linear", "linear", "linear", "thin-pool"];
    if (set.length > 1) types.push("striped", "raid1", "raid1", "mirror");
    if (set.length > 2) types.push("raid5");
    if (set.length > 3) types.push("raid10");
    const type = dice.pick(types);
    const stripes = type === "striped" ? 2 : type === "raid5" || type === "raid10" ? 2 : 1;
    const each = dice.between(16, Math.max(16, Math.floor(left * 0.6 / 2)));
    const lvName = `lv${i}`;
    const extents = each * stripes;
    left -= each + 4;
    const volume = t.lv(name, lvName, {
      type,
      sizeBytes: extents * extentBytes,
      ...stripes > 1 && { stripes, stripeBytes: 64 * KIB },
      ...["raid1", "mirror", "raid10"].includes(type) && { copies: 2 },
      ...type === "thin-pool" && {
        metadataBytes: Math.max(extentBytes, 4 * MIB),
        chunkBytes: 64 * KIB,
        zeroes: true,
      },
    });
    if (type === "thin-pool") {
      left -= 8;
      const thins = dice.between(1, 3);
      for (let k = 0; k < thins; k++) {
        made.push(t.lv(name, `${lvName}-thin${k}`, {
          type: "thin",
          pool: lvName,
          sizeBytes: dice.between(8, extents) * extentBytes,
        }));
      }
    } else {
      made.push(volume);
    }
  }
  return made;
}

/** Something that cannot be, or that is not rebuilt; but still a layout as a manifest may hold it. */
export function spoil(layout: DiskLayout, dice: Dice): DiskLayout {
  for (let tries = 0; tries < 50; tries++) {
    const { success, data } = DiskLayout.safeParse(spoilOnce(layout, dice));
    if (success) return data;
  }
  return layout;
}

function spoilOnce(layout: DiskLayout, dice: Dice): unknown {
  const spoiled = structuredClone(layout);
  const objects: Record<string, unknown>[] = [];
  const collect = (value: unknown) => {
    if (typeof value !== "object" || value === null) return;
    if (!Array.isArray(value)) objects.push(value as Record<string, unknown>);
    for (const inner of Object.values(value)) collect(inner);
  };
  collect(spoiled);
  const target = dice.pick(objects);
  const key = dice.pick([...Object.keys(target), "obstacle"]);
  const value = target[key];
  if (typeof value === "number") {
    target[key] = dice.pick([0, 1, value + 1, value * 2, Math.floor(value / 2), 2 ** 40, 512]);
  } else if (typeof value === "string") {
    target[key] = dice.pick([
      "",
      "x",
      "linear",
      "zfs",
      "/",
      "/boot",
      "md0",
      "0.90",
      "partition",
      "thin",
      "dos",
    ]);
  } else if (Array.isArray(value)) {
    if (dice.chance(0.5) && value.length > 0) value.splice(dice.between(0, value.length - 1), 1);
    else if (value.length > 0) value.push(structuredClone(dice.pick(value)));
  } else {
    target[key] = key === "obstacle" ? "it is odd" : undefined;
  }
  return spoiled;
}

/** A disk of the machine for each of the layout's, as large or not, among others. */
export function randomMachine(
  layout: DiskLayout,
  dice: Dice,
): Pick<PlanRequest, "disks" | "choices" | "installed" | "unlock"> {
  const disks: DiskFacts[] = [];
  const count = Math.max(1, layout.disks.length + dice.pick([0, 0, 0, 0, 1, 2, -1]));
  for (let at = 0; at < count; at++) {
    const { sizeBytes, sectorBytes } = layout.disks[at] ?? { sizeBytes: 50 * 2 ** 30, sectorBytes: 512 };
    const scale = dice.pick([1, 1, 1, 0.5, 0.9, 1.1, 2, 7.3]);
    const bytes = Math.max(512, Math.floor(sizeBytes * scale / 4096) * 4096 + 4096 * dice.between(0, 3));
    disks.push(machineDisk(at, {
      gib: bytes / 2 ** 30,
      sectorBytes: dice.chance(0.1) ? dice.pick([512, 4096]) : sectorBytes,
      removable: dice.chance(0.02),
      readOnly: dice.chance(0.02),
      uses: dice.chance(0.02) ? ["sda1 is mounted on /mnt"] : [],
      content: dice.chance(0.15) ? "gpt: ext4 'data'" : "",
      ...dice.chance(0.03) && { transport: "usb" },
      ...dice.chance(0.3) && { serial: `S${dice.between(1, 6)}`, model: "Disk" },
    }));
  }
  const choices = randomChoices({ layout, dice, disks });
  const installed: InstalledDisk[] = dice.chance(0.2) ? [{ layoutDisk: 0, serial: "S1", model: "Disk" }] : [];
  return { disks, choices, installed, ...dice.chance(0.9) && { unlock: "passphrase" as const } };
}

/** Mostly such as an operator would make, and sometimes wrong ones. */
function randomChoices(
  { layout, dice, disks }: { layout: DiskLayout; dice: Dice; disks: readonly DiskFacts[] },
): DiskChoices {
  const isWrong = dice.chance(0.1);
  const roles = rolesOf(layout);
  const names = disks.map(({ names }) => names[0] ?? "");
  const system = isWrong ? dice.between(1, 4) : roles.filter((role) => role === "system").length;
  const data = layout.disks.findIndex((_, number) => isWrong || roles[number] === "data");
  const mirror = isWrong || mirrorOf(layout, layout.disks.map((_, i) => i)).length > 0;
  const dataName = names[system];
  return {
    ...dice.chance(0.6) && system > 0 && { disks: names.slice(0, system) },
    ...data >= 0 && dataName !== undefined && dice.chance(0.5) &&
      { dataDisks: [{ of: data, disk: dataName }] },
    ...mirror && dice.chance(0.3) && { mirror: dice.between(1, 4) },
    ...dice.chance(0.1) && {
      leaveDisks: [dice.pick([nameAt(dice.between(0, 3)), ">100GB", "<20GB", "label=x"])],
    },
  };
}
