/** What the mounts of a btrfs show of its subvolumes: some twice, some not at all. Pure. */
import { bytePathOfText } from "#contract/format/byte_path.ts";
import type { FileSystem } from "#contract/format/layout.ts";
import { mountPointsOf, subvolumePlaces } from "#contract/format/subvolume_places.ts";
import { shown } from "../properties/btrfs_subvolumes.ts";
import type { OwnMount } from "./own_mounts.ts";

/** The mounts with the paths at which a subvolume shows once more, and notes about those that show nowhere. */
export function withSubvolumes(
  mountPoints: readonly OwnMount[],
  fileSystems: readonly FileSystem[],
): { mountPoints: OwnMount[]; notes: string[] } {
  const all = fileSystems.flatMap(mountPointsOf), notes: string[] = [];
  const again = new Map<string, readonly string[]>();
  for (const fileSystem of fileSystems) {
    const places = subvolumePlaces(fileSystem, all), { mountPoint, mkfs } = fileSystem;
    again.set(mountPoint, places.again);
    const hidden = (mkfs.btrfs?.subvolumes ?? []).filter(({ path }) => !places.captured.has(path));
    if (hidden.length > 0) {
      notes.push(
        `${mountPoint} (btrfs): not mounted: ${
          shown(hidden.map(({ path }) => path))
        }; clones get these subvolumes ` +
          "empty: mount them to capture their content",
      );
    }
  }
  return {
    notes,
    mountPoints: mountPoints.map((own) => {
      const places = again.get(`/${own.path}`) ?? [];
      if (places.length === 0) return own;
      return { ...own, shownAgain: places.map((place) => bytePathOfText(place.slice(1))) };
    }),
  };
}
