/** How small each volume of a layout may become, and whether room helps what is on it. Pure. */
import { describeVolume, type FileSystem, type Volume } from "#contract/format/layout.ts";
import type { LogicalVolume, MdArray, VolumeGroup } from "#contract/format/volumes.ts";
import { memberBytesFor, memberVolumeBytes } from "./md_geometry.ts";
import { btrfsDataCopies } from "./plan_btrfs.ts";
import { canResize, minimumBytes } from "./plan_format.ts";
import { dataAtOf, type Elastic, leastExtents, leastExtentsOfEach } from "./size_group.ts";
import { type Use, volumesOf, type VolumeTree } from "./tree.ts";

const MIB = 1 << 20;
/** cryptsetup(8): two headers of LUKS2, and the area of its key slots. */
export const LUKS_DATA_AT = 16 * MIB;

/** "boot": nothing above it grows but a /boot, which is already as large as it needs to be. */
type Growth = "none" | "boot" | "any";

export class LeastSizes {
  readonly #known = new Map<string, number>();

  constructor(readonly tree: VolumeTree, readonly entries: number) {}

  /** Bytes, at most as many as on the template. */
  of(volume: Volume): number {
    const key = describeVolume(volume);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const before = this.tree.sizeOf(volume) ?? 0;
    const least = Math.min(before, this.#leastFor(volume, this.tree.usesOf(volume)[0]));
    this.#known.set(key, least);
    return least;
  }

  growth(volume: Volume): Growth {
    const onIt = this.tree.above([volume]).flatMap((above) => this.tree.usesOf(above))
      .flatMap((use) => use.kind === "file system" && canResize(use.fileSystem) ? [use.fileSystem] : []);
    if (onIt.length === 0) return "none";
    return onIt.every(({ mountPoint }) => mountPoint === "/boot") ? "boot" : "any";
  }

  /** Volumes of a group that may change their size, the one that grows first. */
  elastic(group: VolumeGroup): Elastic[] {
    const volumeOf = ({ name }: LogicalVolume): Volume => ({ kind: "lv", group: group.name, name });
    const inPool = (pool: LogicalVolume) => group.logical.filter((lv) => lv.pool === pool.name);
    return group.logical.flatMap((lv) => {
      if (lv.type === "thin") return [];
      const held = lv.type === "thin-pool" ? inPool(lv) : [lv];
      const growths = held.map((one) => this.growth(volumeOf(one)));
      if (growths.every((growth) => growth === "none")) return [];
      const least = held.reduce((sum, one) => sum + this.of(volumeOf(one)), 0);
      return [{
        name: lv.name,
        leastBytes: Math.min(lv.sizeBytes, least),
        isBoot: !growths.includes("any"),
        sizeBytes: lv.sizeBytes,
      }];
    }).sort((a, b) => Number(a.isBoot) - Number(b.isBoot) || b.sizeBytes - a.sizeBytes)
      .map(({ name, leastBytes }) => ({ name, leastBytes }));
  }

  #leastFor(volume: Volume, use: Use | undefined): number {
    switch (use?.kind) {
      case "file system":
        return this.#leastDevice(use.fileSystem, volume);
      case "member":
        return this.#leastMember(use.array, volume);
      case "encrypted":
        return this.of({ kind: "luks", name: use.encrypted.name }) + LUKS_DATA_AT;
      case "physical":
        return this.#leastPhysical(use.group, use.index);
      default:
        return Infinity;
    }
  }

  #leastDevice(fileSystem: FileSystem, volume: Volume): number {
    if (!canResize(fileSystem)) return Infinity;
    const all = volumesOf(fileSystem).reduce((sum, one) => sum + (this.tree.sizeOf(one) ?? 0), 0);
    const share = (this.tree.sizeOf(volume) ?? 0) / Math.max(1, all);
    const copies = btrfsDataCopies(fileSystem);
    return Math.ceil(minimumBytes(fileSystem, { entries: this.entries }) * copies * share);
  }

  #leastMember(array: MdArray, volume: Volume): number {
    if (array.spares.some((spare) => describeVolume(spare) === describeVolume(volume))) return Infinity;
    const needed = memberBytesFor(array, this.of({ kind: "md", name: array.name }));
    return memberVolumeBytes(array, needed);
  }

  /** What spans several physical volumes may go to any of them: only all together tell whether that has room. */
  #leastPhysical(group: VolumeGroup, index: number): number {
    const physical = group.physical[index];
    if (physical === undefined) return Infinity;
    const elastic = this.elastic(group);
    const extents = group.physical.length > 1
      ? Math.max(1, leastExtentsOfEach(group, elastic))
      : leastExtents(group, elastic);
    return dataAtOf(physical) + extents * group.extentBytes;
  }
}
