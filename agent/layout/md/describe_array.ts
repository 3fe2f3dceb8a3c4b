/** Describes an MD array for the layout, or says why it cannot be rebuilt. Pure. */
import type { MdArray, Volume } from "#contract/format/volumes.ts";
import type { ArrayFacts, MemberFacts } from "./array_facts.ts";

interface DescribedArray {
  readonly array: MdArray;
  readonly notes: readonly string[];
}

const LEVELS = new Set(["raid0", "raid1", "raid10", "raid4", "raid5", "raid6"]);
/** drivers/md/raid5.h, ALGORITHM_… */
const RAID5_LAYOUTS: Readonly<Record<string, string>> = {
  "0": "left-asymmetric",
  "1": "right-asymmetric",
  "2": "left-symmetric",
  "3": "right-symmetric",
};
const NO_UUID = "00000000:00000000:00000000:00000000";

/** `volumeOf`: what a member, by its kernel name, is in the layout. */
export function describeArray(
  facts: ArrayFacts,
  { name, sizeBytes, volumeOf }: {
    name: string;
    sizeBytes: number;
    volumeOf: (kernelName: string) => Volume;
  },
): DescribedArray {
  const { files, detail } = facts;
  const level = files.get("level") ?? "";
  const active = facts.members.filter(({ slot, states }) => slot !== undefined && !states.includes("faulty"))
    .sort((a, b) => (a.slot ?? 0) - (b.slot ?? 0));
  const spares = facts.members.filter(({ slot, states }) => slot === undefined && states.includes("spare"));
  const volumes = (members: readonly MemberFacts[]) => members.map((m) => volumeOf(m.kernelName));
  const writeMostly = volumes(active.filter(({ states }) => states.includes("write_mostly")));
  const superblockName = detail.get("MD_NAME");
  const layout = layoutOf(level, files.get("layout"));
  const obstacle = obstacleOf(facts, { level, layout, active });
  const isNumber = (file: string) => /^\d+$/.test(files.get(file) ?? "");
  const array: MdArray = {
    name,
    uuid: detail.get("MD_UUID") ?? NO_UUID,
    ...(superblockName !== undefined && { superblockName: superblockName.slice(0, 32) }),
    metadata: /^[0-9a-z.]{1,16}$/.exec(files.get("metadata_version") ?? "")?.[0] ?? "other",
    level: /^[a-z0-9]{1,16}$/.exec(level)?.[0] ?? "other",
    slots: Math.max(1, isNumber("raid_disks") ? Number(files.get("raid_disks")) : active.length),
    members: volumes(active.length > 0 ? active : facts.members),
    spares: volumes(spares),
    memberBytes: isNumber("component_size") && Number(files.get("component_size")) > 0
      ? Number(files.get("component_size")) * 1024
      : Math.min(...active.map((m) => m.sizeBytes)),
    chunkBytes: isNumber("chunk_size") ? Number(files.get("chunk_size")) : 0,
    ...(layout !== undefined && { layout }),
    bitmap: /^[+-]\d+$/.test(files.get("bitmap/location") ?? "") ? "internal" : "none",
    ...(writeMostly.length > 0 && { writeMostly }),
    sizeBytes,
    ...(obstacle !== undefined && { obstacle }),
  };
  return { array, notes: notesOf(name, facts, { active: active.length, slots: array.slots }) };
}

/** The layout in mdadm's words; undefined if the level has none or mdadm has no word for it. */
function layoutOf(level: string, number: string | undefined): string | undefined {
  if (number === undefined || !/^\d+$/.test(number)) return undefined;
  if (level === "raid5" || level === "raid6") return RAID5_LAYOUTS[number];
  if (level !== "raid10") return undefined;
  // drivers/md/raid10.c: near copies, far copies, whether they are offset; the bits above are never set by default
  const bits = Number(number),
    near = bits & 0xff,
    far = (bits >>> 8) & 0xff,
    isOffset = bits === (0x10000 | bits & 0xffff);
  if (bits >>> 17 !== 0 || (near > 1 && far > 1)) return undefined;
  if (far <= 1) return `near=${near}`;
  return isOffset && bits >>> 16 === 1 ? `offset=${far}` : `far=${far}`;
}

function obstacleOf(
  { files, members, detail }: ArrayFacts,
  { level, layout, active }: { level: string; layout: string | undefined; active: readonly MemberFacts[] },
): string | undefined {
  const metadata = files.get("metadata_version") ?? "none", policy = files.get("consistency_policy");
  const bitmap = files.get("bitmap/location") ?? "none";
  if (metadata.startsWith("external:")) {
    return "a RAID of the firmware (IMSM, DDF) is not rebuilt: move the system to an MD array of version 1.2";
  }
  if (!/^1\.[0-2]$/.test(metadata)) {
    return `its metadata has the version ${metadata}: change it with mdadm --assemble --update=metadata`;
  }
  if (!LEVELS.has(level)) {
    return `arrays of the level ${level || "unknown"} are not rebuilt: use raid0 or raid1`;
  }
  if ((files.get("reshape_position") ?? "none") !== "none") {
    return "it is being reshaped: capture the machine once that has ended (/proc/mdstat)";
  }
  if (policy === "journal" || members.some(({ states }) => states.includes("journal"))) {
    return "it has a journal device: remove the journal with mdadm --fail and --remove, add a bitmap";
  }
  if (policy === "ppl") return "it has a partial parity log: mdadm --grow --consistency-policy=resync";
  if (files.get("bitmap/metadata") === "clustered") {
    return "it has a bitmap of a cluster: mdadm --grow --bitmap=none";
  }
  if (bitmap !== "none" && !/^[+-]\d+$/.test(bitmap)) {
    return "its bitmap is a file: mdadm --grow --bitmap=internal";
  }
  if (level !== "raid0" && level !== "raid1" && level !== "raid4" && layout === undefined) {
    return `its layout (${files.get("layout")}) is not rebuilt: mdadm --grow --layout=normalise`;
  }
  if (level === "raid0" && new Set(active.map((m) => m.sizeBytes)).size > 1) {
    return "its members have different sizes: a raid0 of such is not rebuilt; use LVM for it";
  }
  if (!/^[0-9a-f]{8}(:[0-9a-f]{8}){3}$/.test(detail.get("MD_UUID") ?? "")) {
    return "mdadm does not tell its UUID";
  }
  return undefined;
}

function notesOf(
  name: string,
  { files, members }: ArrayFacts,
  { active, slots }: { active: number; slots: number },
): string[] {
  const missing = Number(files.get("degraded") ?? 0) || slots - active;
  const action = files.get("sync_action") ?? "idle";
  const faulty = members.filter(({ states }) => states.includes("faulty")).map((m) => m.kernelName);
  return [
    ...missing > 0
      ? [
        `the MD array ${name} is degraded, ${missing} of its ${slots} devices are missing: clones get all of them`,
      ]
      : [],
    ...faulty.length > 0 ? [`the MD array ${name} has devices marked as faulty: ${faulty.join(", ")}`] : [],
    ...action === "idle" || action === "frozen"
      ? []
      : [`the MD array ${name} is busy (${action}); that delays the capture`],
  ];
}
