/** A plan as a picture: the machine's disks before and after, with what lies on each part. Pure. */
import type { DiskFacts } from "#contract/disk_facts.ts";
import type { DiskPicture, PartPicture } from "#contract/api/plan_preview.ts";
import { describeVolume, type Volume } from "#contract/format/layout.ts";
import { actionsOf, type Plan } from "./actions.ts";

const SECTOR_512 = 512;
const MAX_PARTS = 256;
/** Nesting that is shown: no machine that works is deeper. */
const MAX_DEPTH = 12;

/** All disks of the machine, in its order; those that the plan does not write have no `after`. */
export function picturePlan(plan: Plan, disks: readonly DiskFacts[]): DiskPicture[] {
  return disks.map((facts) => {
    const planned = plan.disks.find(({ facts: { number } }) => number === facts.number);
    const { name, sizeBytes, model, serial, byPath, content = "", partitions } = facts;
    return {
      name,
      sizeBytes,
      ...(model !== undefined && { model }),
      ...(serial !== undefined && { serial }),
      ...(byPath !== undefined && { byPath }),
      content: content.slice(0, 1000),
      before: partitions.slice(0, MAX_PARTS).map(({ number, start512, size512 }) => ({
        number,
        startBytes: start512 * SECTOR_512,
        sizeBytes: size512 * SECTOR_512,
        holds: [],
      })),
      ...(planned && { after: partsOf(plan, { disk: planned.number, sizeBytes }) }),
    };
  });
}

/** A volume on the whole disk is one part with the number 0. */
function partsOf(plan: Plan, { disk, sizeBytes }: { disk: number; sizeBytes: number }): PartPicture[] {
  const table = actionsOf(plan, "partition").find((action) => action.disk === disk);
  if (!table) {
    return [{ number: 0, startBytes: 0, sizeBytes, holds: holdings(plan, { kind: "disk", disk }) }];
  }
  const { sectorBytes, partitions } = table;
  return partitions.slice(0, MAX_PARTS).map(({ number, startSector, sectors, name }) => ({
    number,
    startBytes: startSector * sectorBytes,
    sizeBytes: sectors * sectorBytes,
    ...(name !== undefined && { name: name.slice(0, 255) }),
    holds: holdings(plan, { kind: "partition", disk, number }),
  }));
}

/** What is made on the volume, and on that, and so on. */
function holdings(plan: Plan, on: Volume, depth = 0): PartPicture["holds"] {
  if (depth >= MAX_DEPTH) return [];
  const isOn = (volume: Volume | "missing") => volume !== "missing" && sameVolume(volume, on);
  const inside = (volume: Volume) => holdings(plan, volume, depth + 1);
  const formats = actionsOf(plan, "format").filter(({ formatting: { volume, more = [] } }) =>
    [volume, ...more].some(isOn)
  ).map(({ formatting: { type, sizeBytes, label, mountPoint, otherMountPoints = [] } }) => ({
    depth,
    what: type,
    sizeBytes,
    ...(label !== undefined && { name: label }),
    mountPoints: [...mountPoint === undefined ? [] : [mountPoint], ...otherMountPoints].slice(0, 64),
  }));
  const arrays = actionsOf(plan, "md").filter(({ array: { members, spares } }) =>
    [...members, ...spares].some(isOn)
  )
    .flatMap(({ array: { name, level, sizeBytes } }) => [
      { depth, what: level, name, sizeBytes, mountPoints: [] },
      ...inside({ kind: "md", name }),
    ]);
  const encrypted = actionsOf(plan, "luks").filter(({ encrypted }) => isOn(encrypted.on))
    .flatMap(({ encrypted: { name, sizeBytes } }) => [
      { depth, what: "luks", name, sizeBytes, mountPoints: [] },
      ...inside({ kind: "luks", name }),
    ]);
  const groups = actionsOf(plan, "lvm").filter(({ group }) =>
    group.physical.some(({ volume }) => isOn(volume))
  )
    .flatMap(({ group }) => {
      const size = group.physical.reduce((sum, { extents }) => sum + extents, 0) * group.extentBytes;
      return [
        { depth, what: "lvm", name: group.name, sizeBytes: size, mountPoints: [] },
        ...group.logical.flatMap(({ name, type, sizeBytes }) => [
          { depth: depth + 1, what: type === "linear" ? "volume" : type, name, sizeBytes, mountPoints: [] },
          ...holdings(plan, { kind: "lv", group: group.name, name }, depth + 2),
        ]),
      ];
    });
  return [...formats, ...arrays, ...encrypted, ...groups].slice(0, 256);
}

function sameVolume(a: Volume, b: Volume): boolean {
  return describeVolume(a) === describeVolume(b);
}
