/**
 * Whether a plan can be carried out and touches nothing else: recomputed from the plan's actions and the machine's
 * disks alone, by other means than the planner's.
 */
import assert from "node:assert/strict";
import type { DiskFacts } from "#contract/disk_facts.ts";
import { describeVolume, type DiskLayout, type Volume } from "#contract/format/layout.ts";
import type { Action, Plan, PlannedArray, PlannedGroup, PlannedLogical } from "../actions.ts";

const KIB = 1024, MIB = 1 << 20;

interface Machine {
  readonly disks: readonly DiskFacts[];
  /** Of the image. */
  readonly layout: DiskLayout;
}

/** Throws AssertionError. */
export function provePlan(plan: Plan, machine: Machine): void {
  new PlanProof(plan, machine).prove();
}

interface Made {
  readonly bytes: number;
  readonly sectorBytes: number;
  usedBy?: string;
}

class PlanProof {
  /** What exists so far, by its text. */
  readonly #volumes = new Map<string, Made>();
  readonly #wiped = new Set<number>();
  readonly #facts: ReadonlyMap<number, DiskFacts>;
  readonly #identifiers = new Set<string>();
  readonly #mounted: string[] = [];
  readonly #layoutText: string;

  constructor(readonly plan: Plan, readonly machine: Machine) {
    this.#layoutText = JSON.stringify(machine.layout);
    this.#facts = new Map(plan.disks.map(({ number, facts }) => [number, facts]));
  }

  prove(): void {
    this.#proveDisks();
    const { actions } = this.plan;
    for (const action of actions) this.#proveAction(action);
    assert.equal(actions.at(-1)?.do, "boot-loader");
    assert.equal(actions.filter((a) => a.do === "boot-loader").length, 1);
    this.#proveComplete();
  }

  #proveDisks(): void {
    const { disks } = this.plan;
    assert(disks.length > 0);
    assert.equal(new Set(disks.map(({ facts }) => facts.name)).size, disks.length, "a disk is used twice");
    assert.equal(new Set(disks.map(({ number }) => number)).size, disks.length);
    for (const { facts } of disks) {
      assert(this.machine.disks.includes(facts), "a disk that the machine does not have");
      assert(facts.kind === "disk" && !facts.removable && !facts.readOnly && facts.transport !== "usb");
      assert.equal(facts.uses.length, 0);
    }
  }

  #proveAction(action: Action): void {
    switch (action.do) {
      case "wipe":
        return this.#proveWipe(action);
      case "erase": {
        const facts = this.#disk(action.disk);
        return this.#make({ kind: "disk", disk: action.disk }, facts.sizeBytes, facts.sectorBytes);
      }
      case "partition":
        return this.#proveTable(action);
      case "md":
        return this.#proveArray(action.array);
      case "luks": {
        const { name, on, dataAtBytes, sizeBytes, sectorBytes, uuid } = action.encrypted;
        const below = this.#use(on, `LUKS ${name}`);
        assert(dataAtBytes >= 16 * MIB && sizeBytes > 0 && dataAtBytes + sizeBytes <= below.bytes);
        assert.equal(sizeBytes % sectorBytes, 0);
        assert(sectorBytes >= below.sectorBytes);
        assert(this.machine.layout.encrypted?.some((e) => e.uuid === uuid));
        return this.#make({ kind: "luks", name }, sizeBytes, sectorBytes);
      }
      case "lvm":
        return this.#proveGroup(action.group);
      case "format": {
        const { volume, more = [], sizeBytes, type, argv } = action.formatting;
        const made = [volume, ...more].map((one) => this.#use(one, `${type} ${describeVolume(volume)}`));
        assert.equal(sizeBytes, made.reduce((sum, { bytes }) => sum + bytes, 0));
        assert(sizeBytes >= MIB && argv.length > 0);
        return;
      }
      case "mount": {
        const made = this.#volumes.get(describeVolume(action.volume));
        assert(made?.usedBy?.startsWith(action.type), `${action.mountPoint} is mounted before it is made`);
        assert(
          !this.#mounted.some((before) => before.startsWith(`${action.mountPoint}/`)),
          "child before parent",
        );
        this.#mounted.push(action.mountPoint);
        return;
      }
      case "swap-file":
        return;
      case "boot-loader": {
        const { bootLoader } = action;
        const numbers = bootLoader.firmware === "bios"
          ? bootLoader.disks
          : [...bootLoader.partitions, ...bootLoader.copies].map(({ disk }) => disk);
        assert(numbers.length > 0);
        for (const number of numbers) this.#disk(number);
      }
    }
  }

  #disk(number: number): DiskFacts {
    const facts = this.#facts.get(number);
    assert(facts, `disk ${number} is touched and was not chosen`);
    return facts;
  }

  #make(volume: Volume, bytes: number, sectorBytes: number): void {
    const key = describeVolume(volume);
    assert(!this.#volumes.has(key), `${key} is made twice`);
    assert(Number.isSafeInteger(bytes) && bytes > 0, `${key} has ${bytes} bytes`);
    this.#volumes.set(key, { bytes, sectorBytes });
  }

  #use(volume: Volume, by: string): Made {
    const key = describeVolume(volume);
    const made = this.#volumes.get(key);
    assert(made, `${key} is used before it is made`);
    assert.equal(made.usedBy, undefined, `${key} is used twice`);
    made.usedBy = by;
    return made;
  }

  #unique(identifier: string | undefined): void {
    if (identifier === undefined) return;
    // a template whose disks were copied by dd has some twice, too
    if (this.#layoutText.split(JSON.stringify(identifier)).length > 2) return;
    assert(!this.#identifiers.has(identifier), `${identifier} is given twice`);
    this.#identifiers.add(identifier);
  }

  #proveWipe({ disk, ranges }: Extract<Action, { do: "wipe" }>): void {
    const { sizeBytes, sectorBytes } = this.#disk(disk);
    assert.equal(this.#volumes.size, 0, "wiped after something was made");
    assert(!this.#wiped.has(disk));
    this.#wiped.add(disk);
    let end = -1;
    for (const { at, bytes } of ranges) {
      assert(at > end && bytes > 0 && at % sectorBytes === 0 && bytes % sectorBytes === 0);
      end = at + bytes;
    }
    assert(end <= sizeBytes);
    const isWiped = (at: number) => ranges.some((range) => range.at <= at && at < range.at + range.bytes);
    const last = Math.floor(sizeBytes / sectorBytes) * sectorBytes;
    // GPT, LVM, MD 1.1 and 1.2, LUKS, ZFS's second label, btrfs; GPT's backup, MD 0.90 and 1.0, ZFS's last two, DDF
    const places = [0, 512, 4096, 16 * KIB, 64 * KIB, 256 * KIB, 512 * KIB - 1];
    for (
      const at of [
        ...places,
        ...[1, 8 * KIB, 64 * KIB, 128 * KIB, 512 * KIB].map((back) => last - back),
      ]
    ) {
      assert(isWiped(at), `byte ${at} is not wiped`);
    }
  }

  #proveTable({ disk, partitions, sectorBytes, gpt, id }: Extract<Action, { do: "partition" }>): void {
    const facts = this.#disk(disk);
    assert(this.#wiped.has(disk));
    assert.equal(sectorBytes, facts.sectorBytes);
    const sectors = Math.floor(facts.sizeBytes / sectorBytes);
    const overhead = gpt ? Math.ceil(gpt.entries * 128 / sectorBytes) + 1 : 0;
    const most = gpt ? sectors - overhead : Math.min(sectors, 2 ** 32);
    this.#unique(id);
    const isExtended = (type: string) => !gpt && /^0?(5|f|85)$/i.test(type);
    const sorted = partitions.toSorted((a, b) => a.startSector - b.startSector);
    let end = gpt ? gpt.firstUsableSector : 1;
    for (const { number, startSector, sectors, type, uuid } of sorted) {
      assert(Number.isInteger(startSector) && Number.isInteger(sectors) && sectors > 0);
      assert(startSector >= end && startSector + sectors <= most, `partition ${number} is out of its place`);
      end = isExtended(type) ? startSector : startSector + sectors;
      this.#unique(uuid);
      if (!isExtended(type)) {
        this.#make({ kind: "partition", disk, number }, sectors * sectorBytes, sectorBytes);
      }
    }
  }

  #proveArray(array: PlannedArray): void {
    const { name, level, members, spares, chunkBytes, memberBytes, dataAtBytes, sizeBytes, metadata } = array;
    const present = members.filter((member) => member !== "missing");
    const rooms = [...present, ...spares].map((member) => {
      const made = this.#use(member, `MD ${name}`);
      return { room: made.bytes - (metadata === "1.0" ? 12 * KIB : dataAtBytes ?? 0), made };
    });
    if (metadata !== "1.0") assert(dataAtBytes !== undefined && dataAtBytes >= MIB);
    for (const { room } of rooms) assert(memberBytes > 0 && memberBytes <= room, `${name} exceeds a member`);
    if (chunkBytes > 0) assert.equal(memberBytes % chunkBytes, 0);
    const count = members.length;
    const sum = rooms.slice(0, present.length).reduce((all, { room }) => all + room, 0);
    const copies = Number(/\d+$/.exec(array.layout ?? "near=2")?.[0]);
    const [most, missable] = level === "raid0"
      ? [sum, 0]
      : level === "raid1"
      ? [memberBytes, count - 1]
      : level === "raid10"
      ? [memberBytes * count / copies, copies - 1]
      : level === "raid6"
      ? [memberBytes * (count - 2), 2]
      : [memberBytes * (count - 1), 1];
    assert(sizeBytes <= most, `${name} is larger than its members`);
    assert(count - present.length <= missable, `${name} has too few members`);
    assert(this.machine.layout.arrays?.some((a) => a.uuid === array.uuid));
    this.#make({ kind: "md", name }, sizeBytes, Math.max(...rooms.map(({ made }) => made.sectorBytes)));
  }

  #proveGroup(group: PlannedGroup): void {
    const { name, extentBytes, physical, logical } = group;
    const below = physical.map(({ volume, dataAtBytes, extents, uuid }) => {
      const made = this.#use(volume, `LVM ${name}`);
      assert(extents >= 0 && dataAtBytes >= 4096);
      assert(
        extents === 0 || dataAtBytes + extents * extentBytes <= made.bytes,
        `${name} exceeds its volume`,
      );
      this.#unique(uuid);
      return made;
    });
    assert.equal(new Set(below.map(({ sectorBytes }) => sectorBytes)).size, 1);
    const taken = new Map<number, [number, number][]>();
    for (const lv of logical) {
      this.#proveLogical(lv, group);
      for (const { on, first, count } of lv.extents) {
        const own = taken.get(on) ?? [];
        assert(count > 0 && first >= 0 && first + count <= (physical[on]?.extents ?? 0));
        assert(own.every(([from, to]) => first >= to || first + count <= from), `${lv.name} overlaps`);
        taken.set(on, [...own, [first, first + count]]);
      }
      if (lv.type !== "thin-pool") {
        this.#make({ kind: "lv", group: name, name: lv.name }, lv.sizeBytes, below[0]?.sectorBytes ?? 512);
      }
    }
    assert(this.machine.layout.groups?.some((g) => g.uuid === group.uuid));
  }

  #proveLogical(lv: PlannedLogical, { extentBytes, logical }: PlannedGroup): void {
    const { type, extents, stripes = 1, copies = 2 } = lv;
    const given = extents.reduce((sum, { count }) => sum + count, 0);
    if (type === "thin") {
      assert.equal(given, 0);
      const pool = logical.findIndex(({ name }) => name === lv.pool);
      assert(pool >= 0 && pool < logical.indexOf(lv), "a pool after its volumes");
      return;
    }
    assert.equal(lv.sizeBytes % extentBytes, 0);
    const data = lv.sizeBytes / extentBytes;
    const isMirror = type === "raid1" || type === "mirror";
    const parity = type === "raid6" ? 2 : type === "raid5" || type === "raid4" ? 1 : 0;
    const images = isMirror ? copies : type === "raid10" ? stripes * copies : type === "linear" ||
        type === "thin-pool"
      ? 1
      : stripes + parity;
    const each = isMirror || images === 1 ? data : data / stripes;
    assert(Number.isInteger(each));
    if (images === 1) {
      assert(given >= data + (type === "thin-pool" ? 1 : 0), `${lv.name} has too few extents`);
      return;
    }
    const metadata = type === "striped" ? 0 : 1;
    assert.equal(extents.length, images);
    assert.equal(new Set(extents.map(({ on }) => on)).size, images, "copies on one physical volume");
    for (const { count } of extents) assert(count >= each + metadata, `${lv.name} has too few extents`);
  }

  /** Everything of the layout is made once or left out as a whole, and has room for what belongs on it. */
  #proveComplete(): void {
    const { left, actions } = this.plan;
    const formats = actions.flatMap((a) => a.do === "format" ? [a.formatting] : []);
    for (const fileSystem of this.machine.layout.fileSystems) {
      const { mountPoint, uuid, usedBytes, mkfs } = fileSystem;
      const isLeft = left.mountPoints.includes(mountPoint);
      assert.equal(this.#mounted.includes(mountPoint), !isLeft, `${mountPoint} is not accounted for`);
      if (isLeft) {
        assert(!/^\/($|usr|boot|etc)/.test(mountPoint), `${mountPoint} is left out`);
        continue;
      }
      const made = formats.filter((f) => f.mountPoint === mountPoint && f.uuid === uuid);
      assert(made.length >= 1, `${mountPoint} is not made`);
      for (const { sizeBytes, volume } of made) {
        const before = sizeIn(this.machine.layout, volume);
        assert(
          sizeBytes >= usedBytes || before === undefined || sizeBytes >= before,
          `${mountPoint} has no room`,
        );
        const sectorBytes = this.#volumes.get(describeVolume(volume))?.sectorBytes ?? 512;
        assert((mkfs.blockBytes ?? sectorBytes) >= sectorBytes);
      }
    }
    for (const { uuid } of this.plan.layout.swap) {
      assert(formats.some((f) => f.type === "swap" && f.uuid === uuid));
    }
  }
}

/** Of a partition or a logical volume; others follow from these. */
function sizeIn(layout: DiskLayout, volume: Volume): number | undefined {
  if (volume.kind === "partition") {
    const disk = layout.disks[volume.disk];
    const partition = disk?.partitions.find((p) => p.number === volume.number);
    return disk && partition ? disk.sectorBytes * partition.sectors : undefined;
  }
  if (volume.kind !== "lv") return undefined;
  return layout.groups?.find((g) => g.name === volume.group)?.logical.find((l) => l.name === volume.name)
    ?.sizeBytes;
}
