/** Why a layout cannot be rebuilt on any machine. Pure. */
import { describeVolume, type DiskLayout, type FileSystem, type SwapArea } from "#contract/format/layout.ts";
import { contradictions } from "./contradictions.ts";
import type { Obstacle } from "./obstacle.ts";
import { canResize } from "./plan_format.ts";
import { sectorBytesOf, volumesOf, VolumeTree } from "./tree.ts";
import { arrayObstacles, encryptionObstacles, groupObstacles } from "./volume_obstacles.ts";

/** Empty if it can be rebuilt on machines with disks that fit. */
export function findObstacles(layout: DiskLayout): Obstacle[] {
  const tree = new VolumeTree(layout);
  const contradicting = contradictions(tree).map((where): Obstacle => ({
    reason: `its layout contradicts itself at ${where}.`,
    remedy: "capture it again.",
  }));
  return [
    ...(layout.obstacles ?? []).map((text): Obstacle => ({
      reason: `no clone of its template could be made to boot: ${text}.`,
      remedy: "do that on the template, and capture it again.",
    })),
    ...layout.disks.flatMap(({ name, obstacle }): Obstacle[] =>
      obstacle === undefined ? [] : [{
        reason: `its template's disk ${name} cannot be reproduced: ${obstacle}.`,
        remedy: "capture a template whose disk has a GPT or an MBR.",
      }]
    ),
    ...contradicting,
    // the others would follow references that lead nowhere
    ...contradicting.length > 0 ? [] : [
      ...(layout.arrays ?? []).flatMap((array) => arrayObstacles(array, tree)),
      ...(layout.encrypted ?? []).flatMap((encrypted) => encryptionObstacles(encrypted, tree)),
      ...(layout.groups ?? []).flatMap((group) => groupObstacles(group, tree)),
      ...layout.fileSystems.flatMap((fileSystem) => fileSystemObstacles(fileSystem, tree)),
      ...layout.swap.flatMap((area) => swapObstacles(area, tree)),
      ...rootObstacles(layout),
      ...encryptedBootObstacles(tree),
    ],
  ];
}

/** Nothing smaller can be made by every program. */
export const LEAST_BYTES = 1 << 20;
const REMEDY = "capture a template that uses ext4, XFS, btrfs, f2fs, vfat and swap only.";

function fileSystemObstacles(fileSystem: FileSystem, tree: VolumeTree): Obstacle[] {
  const { volume, type, more = [], obstacle } = fileSystem;
  const words = describeVolume(volume);
  if (type !== "vfat" && !canResize({ type })) {
    return [{
      reason: `its ${words} has the file system ${type}, which this version does not rebuild.`,
      remedy: REMEDY,
    }];
  }
  if (more.length > 0 && type !== "btrfs") {
    return [{ reason: `its ${words} (${type}) spans several devices.`, remedy: "capture it again." }];
  }
  const small = volumesOf(fileSystem).find((one) => (tree.sizeOf(one) ?? 0) < LEAST_BYTES);
  if (small) {
    return [{
      reason: `its ${describeVolume(small)} is too small for a file system.`,
      remedy: "capture it again.",
    }];
  }
  const ofDisk = (number: number) => tree.layout.disks[number]?.sectorBytes ?? 512;
  const sectorBytes = Math.max(...volumesOf(fileSystem).map((one) => sectorBytesOf(one, { tree, ofDisk })));
  if ((fileSystem.mkfs.blockBytes ?? sectorBytes) < sectorBytes) {
    return [{
      reason: `the blocks of its ${words} (${type}) are smaller than the sectors below them.`,
      remedy: "capture it again.",
    }];
  }
  return obstacle === undefined ? [] : [{
    reason: `its ${words} (${type}) cannot be reproduced: ${obstacle}.`,
    remedy: "change that on the template, and capture it again.",
  }];
}

function swapObstacles({ volume }: SwapArea, tree: VolumeTree): Obstacle[] {
  if ((tree.sizeOf(volume) ?? 0) >= LEAST_BYTES) return [];
  return [{ reason: `its ${describeVolume(volume)} is too small for swap.`, remedy: "capture it again." }];
}

function rootObstacles({ fileSystems }: DiskLayout): Obstacle[] {
  if (fileSystems.some((f) => f.mountPoint === "/" && f.uuid !== undefined)) return [];
  return [{ reason: "its layout has no root file system with a UUID.", remedy: REMEDY }];
}

/** grub(8): it opens LUKS2 only with keys that are weaker than the clone's, and not with a TPM. */
function encryptedBootObstacles(tree: VolumeTree): Obstacle[] {
  const { fileSystems, boot } = tree.layout;
  if (boot !== undefined && boot.loader !== "grub") return [];
  const at = (wanted: string) => fileSystems.find(({ mountPoint }) => mountPoint === wanted);
  const kernels = at("/boot") ?? at("/");
  if (kernels === undefined || tree.below(volumesOf(kernels)).every(({ kind }) => kind !== "luks")) return [];
  return [{
    reason: `its /boot is encrypted (${
      describeVolume(kernels.volume)
    }), and GRUB could not open the clone's.`,
    remedy: "move /boot to a partition of its own that is not encrypted, and capture it again.",
  }];
}
