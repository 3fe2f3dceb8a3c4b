/** A plan as text: what the operator sees on the page and the console before and while it is carried out. */
import { describeVolume, type Volume } from "#contract/format/layout.ts";
import { describeDisk, gigabytes } from "./choose_disk.ts";
import { describeSubvolumes } from "./plan_btrfs.ts";
import type { Action, Plan, PlannedArray, PlannedGroup, PlannedLogical } from "./actions.ts";
import { type BootLoaderPlan, loaderVolumes } from "./plan_boot_loader.ts";

/** One line per action; lines of details are indented. */
export function describePlan({ image, disks, left, notes, actions }: Plan): string[] {
  return [
    ...disks.map(({ number, facts, because }) =>
      `install ${image} on ${describeDisk(facts)}${
        disks.length > 1 ? ` as disk ${number}` : ""
      }, ${because}; everything on it is lost`
    ),
    ...left.notes,
    ...notes,
    ...actions.flatMap(describeAction),
  ];
}

/** The same for a restore. What needs repair shows only once the disk has been looked at. */
export function describeRestore(
  { image, disks }: Plan,
  { keep, dryRun }: { keep: readonly string[]; dryRun: boolean },
): string[] {
  const chosen = disks.map(({ facts, because }) => `${describeDisk(facts)}, ${because},`).join(" ");
  return [
    dryRun ? `compare ${chosen} with ${image}` : `restore ${chosen} to ${image}`,
    ...keep.length > 0 ? [`leave alone ${keep.join(", ")}`] : [],
    ...dryRun ? ["write nothing"] : keep.length > 0 ? ["if the layout does not fit, stop"] : [
      "if the layout does not fit, overwrite everything on it",
    ],
  ];
}

function describeAction(action: Action): string[] {
  switch (action.do) {
    case "wipe":
      return [`erase the signatures of earlier systems on disk ${action.disk}`];
    case "partition":
      return [
        `write a partition table (${action.table === "gpt" ? "GPT" : "MBR"}) to disk ${action.disk}`,
        ...action.partitions.map((p) =>
          `  partition ${p.number}: ${
            gigabytes(p.sectors * action.sectorBytes)
          } from sector ${p.startSector}` +
          `${p.name ? `, ${p.name}` : ""}${p.number === action.grown ? ", fitted to the disk" : ""}`
        ),
      ];
    case "erase":
      return [`erase the content of disk ${action.disk}`];
    case "md":
      return [describeArray(action.array)];
    case "luks": {
      const { name, on, cipher, keyBits, sizeBytes } = action.encrypted;
      return [
        `encrypt ${describeVolume(on)} as LUKS volume ${name} (LUKS2, ${cipher}, ${keyBits} bits), ${
          gigabytes(sizeBytes)
        }, with new keys`,
      ];
    }
    case "lvm":
      return describeGroup(action.group);
    case "format": {
      const { type, volume, sizeBytes, label, mountPoint, uuid, remark, subvolumes } = action.formatting;
      const more = (action.formatting.more ?? []).map((volume) => ` and ${describeVolume(volume)}`).join("");
      return [
        `format ${describeVolume(volume)}${more} as ${type}, ${gigabytes(sizeBytes)}` +
        `${label ? `, '${label}'` : ""}${mountPoint ? ` for ${mountPoint}` : ""}${
          uuid ? `, UUID ${uuid}` : ""
        }${remark ? `; ${remark}` : ""}`,
        ...subvolumes ? [`  ${describeSubvolumes(subvolumes)}`] : [],
      ];
    }
    case "mount":
      return [
        `mount ${describeVolume(action.volume)} as ${action.mountPoint}` +
        (action.options ? ` (${action.options})` : ""),
      ];
    case "swap-file":
      return [`make the swap file ${action.file.path}, ${gigabytes(action.file.sizeBytes)}`];
    case "boot-loader":
      return [
        describeLoader(action.bootLoader),
      ];
  }
}

function listed(volumes: readonly Volume[]): string {
  return volumes.map(describeVolume).join(" and ");
}

/** "make the MD array boot (RAID 1) of disk 0 partition 2 and disk 1 partition 2, 1.1 GB" */
function describeArray({ name, level, members, spares, sizeBytes, metadata }: PlannedArray): string {
  const present = members.filter((member) => member !== "missing");
  const missing = members.length - present.length;
  return [
    `make the MD array ${name} (RAID ${level.replace("raid", "")}) of ${listed(present)}`,
    ...missing > 0 ? [`${missing} of ${members.length} members missing`] : [],
    ...spares.length > 0 ? [`${listed(spares)} as spare`] : [],
    gigabytes(sizeBytes),
    `metadata ${metadata}`,
  ].join(", ");
}

function describeGroup({ name, physical, logical, extentBytes }: PlannedGroup): string[] {
  const total = physical.reduce((sum, { extents }) => sum + extents, 0);
  const taken = logical.flatMap(({ extents }) => extents).reduce((sum, { count }) => sum + count, 0);
  return [
    `make the LVM group ${name} on ${listed(physical.map(({ volume }) => volume))}, ${
      gigabytes(total * extentBytes)
    }${taken < total ? `, ${gigabytes((total - taken) * extentBytes)} of it free` : ""}`,
    ...logical.map((lv) =>
      `  ${lv.name}: ${describeKind(lv)}, ${gigabytes(lv.sizeBytes)}${
        lv.extents.length > 0
          ? ` at ${lv.extents.map(({ on, first, count }) => `${on}:${first}-${first + count - 1}`).join(" ")}`
          : ""
      }`
    ),
  ];
}

function describeKind({ type, stripes, copies, pool }: PlannedLogical): string {
  switch (type) {
    case "thin":
      return `thin in ${pool}`;
    case "thin-pool":
      return "thin pool";
    default:
      return [
        type,
        ...stripes !== undefined && stripes > 1 ? [`${stripes} stripes`] : [],
        ...copies === undefined ? [] : [`${copies} copies`],
      ].join(", ");
  }
}

function describeLoader(plan: BootLoaderPlan): string {
  if (plan.firmware === "bios") {
    return plan.disks.length === 1
      ? "install GRUB for BIOS into the disk's start"
      : `install GRUB for BIOS into the start of disks ${plan.disks.join(" and ")}`;
  }
  const places = plan.partitions.length > 1 || plan.copies.length > 0
    ? loaderVolumes(plan).map(describeVolume)
    : [];
  const names = {
    "grub": "GRUB for UEFI",
    "systemd-boot": "systemd-boot",
    "uki": "the unified kernel image",
  };
  return `install ${names[plan.loader]} on ${plan.esp}${places.length > 0 ? ` (${places.join(", ")})` : ""}`;
}
