/** A plan as text: what the operator sees on the page and the console before and while it is carried out. */
import { describeVolume } from "#contract/format/layout.ts";
import { describeDisk, gigabytes } from "./choose_disk.ts";
import type { Action, Plan } from "./plan.ts";

/** One line per action. */
export function describePlan({ image, disk, because, actions }: Plan): string[] {
  return [
    `install ${image} on ${describeDisk(disk)}, ${because}; everything on it is lost`,
    ...actions.flatMap(describeAction),
  ];
}

/** The same for a restore. What needs repair shows only once the disk has been looked at. */
export function describeRestore(
  { image, disk, because }: Plan,
  { keep, dryRun }: { keep: readonly string[]; dryRun: boolean },
): string[] {
  const chosen = `${describeDisk(disk)}, ${because},`;
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
    case "format": {
      const { type, place, sizeBytes, label, mountPoint, uuid, remark } = action.formatting;
      return [
        `format ${describeVolume(place)} as ${type}, ${gigabytes(sizeBytes)}` +
        `${label ? `, '${label}'` : ""}${mountPoint ? ` for ${mountPoint}` : ""}${
          uuid ? `, UUID ${uuid}` : ""
        }${remark ? `; ${remark}` : ""}`,
      ];
    }
    case "mount":
      return [`mount ${describeVolume(action.place)} as ${action.mountPoint}`];
    case "swap-file":
      return [`make the swap file ${action.file.path}, ${gigabytes(action.file.sizeBytes)}`];
    case "boot-loader":
      return [
        action.bootLoader.firmware === "bios"
          ? "install GRUB for BIOS into the disk's start"
          : `install GRUB for UEFI on ${action.bootLoader.esp}`,
      ];
  }
}
