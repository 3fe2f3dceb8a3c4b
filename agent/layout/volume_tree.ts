/** Places the devices of a machine in its layout: what each is, and what it lies on. Pure. */
import type { DiskTable, Volume } from "#contract/format/layout.ts";
import type { Encrypted, MdArray, VolumeGroup } from "#contract/format/volumes.ts";
import { type Device, isWholeDisk, partitionNumber } from "./block_devices.ts";
import { type CrypttabEntry, nameInCrypttab } from "./luks/crypttab.ts";
import { describeEncrypted } from "./luks/describe_encrypted.ts";
import { describeGroup } from "./lvm/describe_group.ts";
import type { LvmGroup } from "./lvm/report.ts";
import { describeArray } from "./md/describe_array.ts";
import type { MachineVolumes } from "./read_volumes.ts";

interface TreeParts {
  readonly devices: readonly Device[];
  readonly volumes: MachineVolumes;
  readonly diskTypes: readonly string[];
  readonly crypttab: readonly CrypttabEntry[];
}

/** What the layout says of the volumes between disks and file systems. */
interface PlacedVolumes {
  readonly arrays: MdArray[];
  readonly encrypted: Encrypted[];
  readonly groups: VolumeGroup[];
  /** What a clone will lack of them, as text. */
  readonly notes: string[];
}

export class VolumeTree {
  readonly #parts: TreeParts;
  #disks: readonly Device[] = [];
  #tables: readonly DiskTable[] = [];

  constructor(parts: TreeParts) {
    this.#parts = parts;
  }

  /** The layout's disks, in its order. Until it is called, nothing has a place. */
  setDisks(disks: readonly Device[], tables: readonly DiskTable[]): void {
    this.#disks = disks;
    this.#tables = tables;
  }

  /** The disks that these lie on, in order. A group needs all its physical volumes. */
  disksBelow(devices: readonly Device[]): Device[] {
    const found = new Set<Device>();
    const visit = (device: Device) => {
      if (found.has(device)) return;
      found.add(device);
      for (const name of device.below) {
        const lower = this.#parts.devices.find((d) => d.name === name);
        if (lower) visit(lower);
      }
      const group = this.#groupOf(device);
      for (const { pv_name } of group?.physical ?? []) {
        const physical = this.device(pv_name);
        if (physical) visit(physical);
      }
    };
    devices.forEach(visit);
    return [...found].filter((device) => isWholeDisk(device, this.#parts.diskTypes));
  }

  /** Whether it lies on the layout's disks, and on no others. */
  isOnDisks(device: Device): boolean {
    const below = this.disksBelow([device]);
    return below.length > 0 && below.every((disk) => this.#disks.includes(disk));
  }

  device(path: string): Device | undefined {
    const { devices, volumes: { aliases } } = this.#parts;
    const real = aliases.get(path) ?? path;
    return devices.find((d) => d.path === real || `/dev/${d.kernelName}` === real);
  }

  /** The device's place in the layout; undefined if the layout has no such volumes. */
  place(device: Device): Volume | undefined {
    const { volumes: { arrays, encrypted } } = this.#parts;
    const disk = this.#disks.indexOf(device);
    if (disk >= 0) return { kind: "disk", disk };
    if (arrays.has(device.kernelName)) return { kind: "md", name: this.#arrayName(device) };
    if (encrypted.has(device.kernelName)) return { kind: "luks", name: this.#encryptedName(device) };
    if (device.type === "part") return this.#partition(device);
    const group = this.#groupOf(device);
    const logical = group?.logical.find(({ lv_dm_path }) => lv_dm_path === device.path);
    if (group === undefined || logical === undefined || logical.lv_name.startsWith("[")) return undefined;
    return { kind: "lv", group: group.group.vg_name, name: logical.lv_name };
  }

  /** For what must have a place: a volume that no layout can rebuild has the name of its device, and an obstacle. */
  placeOr(device: Device | undefined, missing: string): Volume {
    const place = device && this.place(device);
    return place ?? { kind: "lv", group: device?.type || "unknown", name: device?.name || missing };
  }

  /** Why this device has no place, with a remedy; undefined if it has one. */
  obstacleOf(device: Device): string | undefined {
    if (this.place(device)) return undefined;
    const uuid = this.#parts.volumes.mapperUuids.get(device.kernelName) ?? "";
    const [lowest = device] = device.below.flatMap((name) =>
      this.#parts.devices.find((d) => d.name === name) ?? []
    );
    if (/^md/.test(lowest.kernelName)) {
      return "partitions on an MD array are not rebuilt: use LVM on the array";
    }
    if (/^bcache/.test(device.kernelName)) return "bcache is not rebuilt: move its content to a plain volume";
    if (/^drbd/.test(device.kernelName)) return "DRBD is not rebuilt: move its content to a plain volume";
    if (uuid.startsWith("CRYPT-PLAIN")) return "plain dm-crypt is not rebuilt: use LUKS2";
    if (uuid.startsWith("CRYPT-")) return "this kind of encryption is not rebuilt: use LUKS2";
    if (device.type === "part") return `sfdisk does not find the partition ${device.name} in its table`;
    return `volumes of the kind ${device.type} are not rebuilt: move its content to a plain volume`;
  }

  /** Call after `setDisks`. */
  placed({ isMounted }: { isMounted: (device: string) => boolean }): PlacedVolumes {
    const { devices, volumes, crypttab } = this.#parts;
    const placed: PlacedVolumes = { arrays: [], encrypted: [], groups: [], notes: [] };
    const volumeOf = (path: string) => this.placeOr(this.device(path), path);
    for (const device of devices.filter((d) => this.isOnDisks(d))) {
      const { kernelName, sizeBytes } = device;
      const array = volumes.arrays.get(kernelName), facts = volumes.encrypted.get(kernelName);
      if (array) {
        const member = (name: string) => volumeOf(`/dev/${name}`);
        const described = describeArray(array, {
          name: this.#arrayName(device),
          sizeBytes,
          volumeOf: member,
        });
        placed.arrays.push(described.array);
        placed.notes.push(...described.notes);
      }
      if (facts) {
        const lower = devices.find(({ name }) => name === device.below[0]);
        const name = this.#encryptedName(device), on = this.placeOr(lower, device.name);
        const { mapperUuid } = facts;
        placed.encrypted.push(describeEncrypted(facts.header, { name, on, sizeBytes, crypttab, mapperUuid }));
      }
    }
    for (const group of volumes.groups.filter((g) => this.#isGroupOnDisks(g))) {
      const described = describeGroup(group, { volumeOf, isMounted });
      placed.groups.push(described.group);
      placed.notes.push(...described.notes);
    }
    return placed;
  }

  #isGroupOnDisks({ physical }: LvmGroup): boolean {
    const devices = physical.flatMap(({ pv_name }) => this.device(pv_name) ?? []);
    return devices.length > 0 && devices.every((device) => this.isOnDisks(device));
  }

  #groupOf({ path, type, below }: Device): LvmGroup | undefined {
    if (type !== "lvm") return undefined;
    const { groups } = this.#parts.volumes;
    return groups.find(({ logical }) => logical.some(({ lv_dm_path }) => lv_dm_path === path)) ??
      // hidden layers of pools have other names
      groups.find(({ physical }) =>
        physical.some(({ pv_name }) => below.some((n) => this.device(pv_name)?.name === n))
      );
  }

  /** As mdadm names it; two arrays with one name keep the kernel's. */
  #arrayName({ kernelName }: Device): string {
    const { arrays } = this.#parts.volumes;
    const nameOf = (one: string) => {
      const detail = arrays.get(one)?.detail;
      // without udev mdadm does not know the device's name, but that in the superblock, with its host
      const name = detail?.get("MD_DEVNAME") ?? detail?.get("MD_NAME")?.replace(/^.*:/, "") ?? one;
      return /^\d+$/.test(name) ? `md${name}` : name;
    };
    const name = nameOf(kernelName);
    const same = [...arrays.keys()].filter((other) => nameOf(other) === name);
    return same.length === 1 && /^[A-Za-z0-9_+][A-Za-z0-9_+.-]{0,63}$/.test(name) ? name : kernelName;
  }

  /** As the system names it: a backup at boot opens it under another name. */
  #encryptedName({ kernelName, name }: Device): string {
    const uuid = this.#parts.volumes.encrypted.get(kernelName)?.header?.uuid;
    return uuid === undefined ? name : nameInCrypttab(uuid, this.#parts.crypttab) ?? name;
  }

  #partition({ path, below }: Device): Volume | undefined {
    const disk = this.#disks.findIndex((d) => d.name === below[0]);
    const parent = this.#disks[disk], number = parent && partitionNumber(path, parent.path);
    if (number === undefined) return undefined;
    const isListed = this.#tables[disk]?.partitions.some((p) => p.number === number);
    return isListed ? { kind: "partition", disk, number } : undefined;
  }
}
