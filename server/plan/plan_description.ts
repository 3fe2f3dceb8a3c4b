/** A plan as text: what the operator sees on the page and the console before and while it is carried out. */
import { describeVolume } from "#contract/format/layout.ts";
import { describeDisk, gigabytes } from "./choose_disk.ts";
import { describeSubvolumes } from "./plan_btrfs.ts";
import type { Action, Plan } from "./actions.ts";
import { type BootLoaderPlan, loaderVolumes } from "./plan_boot_loader.ts";

/** One line per action. */
export function describePlan({ image, disks, actions }: Plan): string[] {
  return [
    ...disks.map(({ facts, because }) =>
      `install ${image} on ${describeDisk(facts)}, ${because}; everything on it is lost`
    ),
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
        `write a partition table (${action.table === "gpt" ? "GPT" : "MBR"})`,
        ...action.partitions.map((p) =>
          `  partition ${p.number}: ${
            gigabytes(p.sectors * action.sectorBytes)
          } from sector ${p.startSector}` +
          `${p.name ? `, ${p.name}` : ""}${p.number === action.grown ? ", fitted to the disk" : ""}`
        ),
      ];
    case "erase":
      return ["erase the content of the disk"];
    case "md":
      return [`make the MD array ${action.array.name}`];
    case "luks":
      return [`make the LUKS volume ${action.encrypted.name}`];
    case "lvm":
      return [`make the LVM group ${action.group.name}`];
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
