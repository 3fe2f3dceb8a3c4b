/** Arguments of lvcreate(8) for a planned volume: lvmraid(7), lvmthin(7). Pure. */
import type { PlannedGroup, PlannedLogical } from "#plan/actions.ts";

/** `devices`: of the group's physical volumes, in order. */
export function lvcreateArgs(
  logical: PlannedLogical,
  { group: { name: group, extentBytes }, devices }: {
    group: Pick<PlannedGroup, "name" | "extentBytes">;
    devices: readonly string[];
  },
): string[] {
  const { name, type, sizeBytes, pool } = logical;
  if (type === "thin") {
    return [
      "--type",
      "thin",
      "--name",
      name,
      "--virtualsize",
      `${sizeBytes}b`,
      "--thinpool",
      pool ?? "",
      group,
    ];
  }
  return [
    ...["--type", type, "--name", name, "--extents", String(sizeBytes / extentBytes)],
    // what was there before is erased by our own hand, once the volume has its name
    ...type === "thin-pool" ? poolOptions(logical, extentBytes) : ["--wipesignatures", "n"],
    ...kindOptions(logical),
    group,
    ...logical.extents.map(({ on, first, count }) => `${devices[on] ?? ""}:${first}-${first + count - 1}`),
  ];
}

function kindOptions({ type, stripes = 1, stripeBytes, copies = 2 }: PlannedLogical): string[] {
  const striped = stripeBytes === undefined
    ? ["--stripes", String(stripes)]
    : ["--stripes", String(stripes), "--stripesize", `${stripeBytes}b`];
  switch (type) {
    case "striped":
    case "raid4":
    case "raid5":
    case "raid6":
      return striped;
    case "raid1":
      return ["--mirrors", String(copies - 1)];
    case "raid10":
      return [...striped, "--mirrors", String(copies - 1)];
    case "mirror":
      // its log has no place of its own in the plan; nothing ever compares the copies of a mirror
      return ["--mirrors", String(copies - 1), "--mirrorlog", "core", "--nosync"];
    case "thin-pool":
      return stripes > 1 ? striped : [];
    case "linear":
    case "thin":
      return [];
  }
}

function poolOptions(logical: PlannedLogical, extentBytes: number): string[] {
  const { sizeBytes, metadataBytes, chunkBytes, zeroes, extents } = logical;
  const metadata = Math.ceil((metadataBytes ?? 0) / extentBytes);
  const given = extents.reduce((sum, { count }) => sum + count, 0);
  // a spare of the metadata, for repairs
  const hasSpare = given === 0 || given >= sizeBytes / extentBytes + 2 * metadata;
  return [
    ...metadataBytes === undefined ? [] : ["--poolmetadatasize", `${metadataBytes}b`],
    ...chunkBytes === undefined ? [] : ["--chunksize", `${chunkBytes}b`],
    ...zeroes === undefined ? [] : ["--zero", zeroes ? "y" : "n"],
    ...["--poolmetadataspare", hasSpare ? "y" : "n"],
  ];
}

/** The module of the kernel's device mapper for a kind of volume; undefined if it has it built in. */
export function moduleOfVolume(type: PlannedLogical["type"]): string | undefined {
  if (type.startsWith("raid")) return "dm-raid";
  if (type.startsWith("thin")) return "dm-thin-pool";
  return type === "mirror" ? "dm-mirror" : undefined;
}
