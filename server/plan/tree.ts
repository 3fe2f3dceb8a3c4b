/** The layout as a tree: what lies on a volume, what a volume lies on, and how large it is on the template. Pure. */
import {
  describeVolume,
  type DiskLayout,
  type FileSystem,
  type SwapArea,
  type Volume,
} from "#contract/format/layout.ts";
import type { Encrypted, LogicalVolume, MdArray, VolumeGroup } from "#contract/format/volumes.ts";

/** What a volume is used for. */
export type Use =
  | { readonly kind: "file system"; readonly fileSystem: FileSystem }
  | { readonly kind: "swap"; readonly swap: SwapArea }
  | { readonly kind: "member"; readonly array: MdArray }
  | { readonly kind: "encrypted"; readonly encrypted: Encrypted }
  | { readonly kind: "physical"; readonly group: VolumeGroup; readonly index: number };

export class VolumeTree {
  readonly #uses = new Map<string, Use[]>();

  constructor(readonly layout: DiskLayout) {
    for (const { volumes, use } of usesIn(layout)) {
      for (const volume of volumes) {
        const key = describeVolume(volume), known = this.#uses.get(key);
        if (known) known.push(use);
        else this.#uses.set(key, [use]);
      }
    }
  }

  /** More than one contradict each other. */
  usesOf(volume: Volume): readonly Use[] {
    return this.#uses.get(describeVolume(volume)) ?? [];
  }

  array(name: string): MdArray | undefined {
    return this.layout.arrays?.find((array) => array.name === name);
  }

  group(name: string): VolumeGroup | undefined {
    return this.layout.groups?.find((group) => group.name === name);
  }

  logical(group: string, name: string): LogicalVolume | undefined {
    return this.group(group)?.logical.find((lv) => lv.name === name);
  }

  encrypted(name: string): Encrypted | undefined {
    return this.layout.encrypted?.find((encrypted) => encrypted.name === name);
  }

  /** Bytes on the template; undefined if there is no such volume. */
  sizeOf(volume: Volume): number | undefined {
    switch (volume.kind) {
      case "disk": {
        const disk = this.layout.disks[volume.disk];
        return disk?.table === "none" ? disk.sizeBytes : undefined;
      }
      case "partition": {
        const disk = this.layout.disks[volume.disk];
        const partition = disk?.partitions.find((p) => p.number === volume.number);
        return disk && partition && disk.table !== "none" ? partition.sectors * disk.sectorBytes : undefined;
      }
      case "md":
        return this.array(volume.name)?.sizeBytes;
      case "luks":
        return this.encrypted(volume.name)?.sizeBytes;
      case "lv":
        return this.logical(volume.group, volume.name)?.sizeBytes;
    }
  }

  /** What it is made of, directly. */
  partsOf(volume: Volume): readonly Volume[] {
    switch (volume.kind) {
      case "disk":
      case "partition":
        return [];
      case "md": {
        const array = this.array(volume.name);
        return array ? [...array.members, ...array.spares] : [];
      }
      case "luks": {
        const encrypted = this.encrypted(volume.name);
        return encrypted ? [encrypted.on] : [];
      }
      case "lv":
        return this.group(volume.group)?.physical.map((physical) => physical.volume) ?? [];
    }
  }

  /** What lies on it, directly. */
  onTopOf(volume: Volume): readonly Volume[] {
    return this.usesOf(volume).flatMap((use): Volume[] => {
      switch (use.kind) {
        case "member":
          return [{ kind: "md", name: use.array.name }];
        case "encrypted":
          return [{ kind: "luks", name: use.encrypted.name }];
        case "physical":
          return use.group.logical.map(({ name }) => ({ kind: "lv", group: use.group.name, name }));
        default:
          return [];
      }
    });
  }

  /** It and everything below it; each volume once, so a layout that lies on itself does no harm. */
  below(volumes: readonly Volume[]): Volume[] {
    return this.#reach(volumes, (volume) => this.partsOf(volume));
  }

  /** It and everything that needs it. */
  above(volumes: readonly Volume[]): Volume[] {
    return this.#reach(volumes, (volume) => this.onTopOf(volume));
  }

  #reach(volumes: readonly Volume[], next: (volume: Volume) => readonly Volume[]): Volume[] {
    const found = new Map<string, Volume>();
    const open = [...volumes];
    for (let volume = open.pop(); volume !== undefined; volume = open.pop()) {
      const key = describeVolume(volume);
      if (found.has(key)) continue;
      found.set(key, volume);
      open.push(...next(volume));
    }
    return [...found.values()];
  }

  /** Numbers of the disks that it lies on, in order. */
  disksBelow(volumes: readonly Volume[]): number[] {
    const numbers = this.below(volumes).flatMap((v) =>
      v.kind === "disk" || v.kind === "partition" ? [v.disk] : []
    );
    return [...new Set(numbers)].sort((a, b) => a - b);
  }

  /** Its partitions, or itself if it has no table. */
  volumesOfDisk(number: number): Volume[] {
    const disk = this.layout.disks[number];
    return disk === undefined || disk.table === "none"
      ? [{ kind: "disk", disk: number }]
      : disk.partitions.map((p) => ({ kind: "partition", disk: number, number: p.number }));
  }

  /** Everything that is used by something else than itself, with that use. */
  *uses(): Generator<{ volume: Volume; use: Use }> {
    for (const { volumes, use } of usesIn(this.layout)) {
      for (const volume of volumes) yield { volume, use };
    }
  }
}

/** All devices of a file system. */
export function volumesOf({ volume, more = [] }: Pick<FileSystem, "volume" | "more">): readonly Volume[] {
  return [volume, ...more];
}

/** Size of a volume's sectors: the largest of those that it lies on. */
export function sectorBytesOf(
  volume: Volume,
  { tree, ofDisk }: { tree: VolumeTree; ofDisk: (number: number) => number },
): number {
  const sizes = tree.below([volume]).map((below) => {
    if (below.kind === "partition" || below.kind === "disk") return ofDisk(below.disk);
    return below.kind === "luks" ? tree.encrypted(below.name)?.sectorBytes ?? 0 : 0;
  });
  return Math.max(512, ...sizes);
}

function* usesIn(layout: DiskLayout): Generator<{ volumes: readonly Volume[]; use: Use }> {
  for (const array of layout.arrays ?? []) {
    yield { volumes: [...array.members, ...array.spares], use: { kind: "member", array } };
  }
  for (const encrypted of layout.encrypted ?? []) {
    yield { volumes: [encrypted.on], use: { kind: "encrypted", encrypted } };
  }
  for (const group of layout.groups ?? []) {
    for (const [index, { volume }] of group.physical.entries()) {
      yield { volumes: [volume], use: { kind: "physical", group, index } };
    }
  }
  for (const fileSystem of layout.fileSystems) {
    yield { volumes: volumesOf(fileSystem), use: { kind: "file system", fileSystem } };
  }
  for (const swap of layout.swap) yield { volumes: [swap.volume], use: { kind: "swap", swap } };
}
