/**
 * The metadata of a volume group as text, written from its plan alone: vgcfgrestore(8) writes all of the group's volumes
 * to the disks at once, where lvcreate(8) has to run for each. The format is that of vgcfgbackup(8). Pure.
 */
import type { PlannedGroup, PlannedLogical } from "#plan/actions.ts";
import { METADATA_AT } from "./lvm_metadata.ts";

const SECTOR_BYTES = 512;
/** lvm(8), "VALID NAMES" */
const TAG = /^[A-Za-z0-9_+.\/=!:&#-]{1,1024}$/;
const ID = /^[A-Za-z0-9]{6}(-[A-Za-z0-9]{4}){5}-[A-Za-z0-9]{6}$/;

interface Circumstances {
  /** Of the physical volumes, in order. */
  readonly devices: readonly { readonly path: string; readonly sizeBytes: number }[];
  /** Of the machine that makes the group. */
  readonly hostName: string;
  readonly seconds: number;
}

/** Undefined if the plan leaves LVM anything to decide: of volumes with hidden parts only LVM knows the geometry. */
export function groupMetadata(group: PlannedGroup, made: Circumstances): string | undefined {
  const { name, uuid, extentBytes, tags = [], physical, logical } = group;
  const counts = physical.map(({ dataAtBytes }, i) =>
    Math.floor(((made.devices[i]?.sizeBytes ?? 0) - dataAtBytes) / extentBytes)
  );
  const isPlain = [uuid, ...physical.map((one) => one.uuid)].every((id) => ID.test(id)) &&
    tags.every((tag) => TAG.test(tag)) && extentBytes % SECTOR_BYTES === 0 &&
    physical.every(({ dataAtBytes, extents }, i) =>
      dataAtBytes > METADATA_AT && dataAtBytes % SECTOR_BYTES === 0 && extents <= (counts[i] ?? 0)
    );
  if (!isPlain || !logical.every((one) => isDecided(one, { extentBytes, counts }))) return undefined;
  return lines([
    'contents = "Text Format Volume Group"',
    "version = 1",
    ...section(name, [
      text("id", uuid),
      "seqno = 1",
      'format = "lvm2"',
      ...state("RESIZEABLE", "READ", "WRITE"),
      ...tagged(tags),
      `extent_size = ${extentBytes / SECTOR_BYTES}`,
      "max_lv = 0",
      "max_pv = 0",
      "metadata_copies = 0",
      ...section(
        "physical_volumes",
        physical.flatMap((one, i) =>
          section(`pv${i}`, [
            text("id", one.uuid),
            text("device", made.devices[i]?.path ?? ""),
            ...state("ALLOCATABLE"),
            `dev_size = ${Math.floor((made.devices[i]?.sizeBytes ?? 0) / SECTOR_BYTES)}`,
            `pe_start = ${one.dataAtBytes / SECTOR_BYTES}`,
            `pe_count = ${counts[i]}`,
          ])
        ),
      ),
      ...section("logical_volumes", logical.flatMap((one) => logicalVolume(one, { extentBytes, made }))),
    ]),
  ]);
}

/** Linear or striped, with exactly the extents that it takes, all of which exist. */
function isDecided(
  { uuid, type, sizeBytes, tags = [], extents, stripes = 1, stripeBytes }: PlannedLogical,
  { extentBytes, counts }: { extentBytes: number; counts: readonly number[] },
): boolean {
  const taken = extents.reduce((sum, { count }) => sum + count, 0);
  const exists = extents.every(({ on, first, count }) => count > 0 && first + count <= (counts[on] ?? 0));
  const even = extents.length === stripes && extents.every(({ count }) => count === extents[0]?.count) &&
    stripeBytes !== undefined && stripeBytes % SECTOR_BYTES === 0;
  return ID.test(uuid) && tags.every((tag) => TAG.test(tag)) && taken > 0 &&
    taken * extentBytes === sizeBytes && exists && (type === "linear" || type === "striped" && even);
}

function logicalVolume(
  logical: PlannedLogical,
  { extentBytes, made: { hostName, seconds } }: { extentBytes: number; made: Circumstances },
): string[] {
  const { name, uuid, tags = [] } = logical, segments = segmentsOf(logical, extentBytes);
  return section(name, [
    text("id", uuid),
    ...state("READ", "WRITE", "VISIBLE"),
    ...tagged(tags),
    `creation_time = ${seconds}`,
    text("creation_host", hostName),
    `segment_count = ${segments.length}`,
    ...segments.flatMap((segment, i) => section(`segment${i + 1}`, segment)),
  ]);
}

/** LVM calls a linear segment one with a single stripe. */
function segmentsOf(
  { type, sizeBytes, extents, stripeBytes = 0 }: PlannedLogical,
  extentBytes: number,
): string[][] {
  const stripesOf = (ranges: PlannedLogical["extents"]) =>
    `stripes = [${ranges.map(({ on, first }) => `"pv${on}", ${first}`).join(", ")}]`;
  const segment = (start: number, count: number, ...areas: string[]) => [
    `start_extent = ${start}`,
    `extent_count = ${count}`,
    'type = "striped"',
    ...areas,
  ];
  if (type === "striped") {
    const areas = [`stripe_count = ${extents.length}`, `stripe_size = ${stripeBytes / SECTOR_BYTES}`];
    return [segment(0, sizeBytes / extentBytes, ...areas, stripesOf(extents))];
  }
  let start = 0;
  return extents.map((range) => {
    const made = segment(start, range.count, "stripe_count = 1", stripesOf([range]));
    start += range.count;
    return made;
  });
}

function section(name: string, inner: readonly string[]): string[] {
  return [`${name} {`, ...inner, "}"];
}

function text(key: string, value: string): string {
  return `${key} = "${value.replace(/["\\]/g, "\\$&")}"`;
}

function state(...status: readonly string[]): string[] {
  return [`status = [${status.map((word) => `"${word}"`).join(", ")}]`, "flags = []"];
}

function tagged(tags: readonly string[]): string[] {
  return tags.length > 0 ? [`tags = [${tags.map((tag) => `"${tag}"`).join(", ")}]`] : [];
}

function lines(all: readonly string[]): string {
  return all.map((line) => `${line}\n`).join("");
}
