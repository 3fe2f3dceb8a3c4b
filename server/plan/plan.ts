/**
 * The plan: everything an installation will do to a machine's disks, decided before anything is touched. Pure and
 * printable; `guard.ts` proves the disks again before the plan is carried out.
 */
import type { DiskChoices, InstalledDisk, Unlock } from "#contract/api.ts";
import type { DiskFacts } from "#contract/disk_facts.ts";
import type { DiskLayout } from "#contract/format/layout.ts";
import type { Header } from "#contract/format/manifest.ts";
import type { LeftAlone, Plan, PlannedDisk } from "./actions.ts";
import { proveBuildable, refusal } from "./buildable.ts";
import { describeDisk } from "./choose_disk.ts";
import { initramfsObstacle } from "./initramfs_obstacle.ts";
import { firstBootObstacle } from "./first_boot_obstacle.ts";
import { degradedNotes } from "./plan_btrfs.ts";
import { planActions } from "./plan_actions.ts";
import { disksFor, type Target, targetOf } from "./plan_disks.ts";
import { judgeStart, type SecureStart, startNotes } from "./secure_boot_obstacle.ts";
import { unlockObstacle } from "./unlock_obstacle.ts";

export interface PlanRequest {
  readonly node: string;
  readonly header: Header;
  readonly firmware: "bios" | "uefi";
  /** All disks of the machine. */
  readonly disks: readonly DiskFacts[];
  /** The operator's say in them. */
  readonly choices?: DiskChoices | undefined;
  /** The disks of the last installation. */
  readonly installed?: readonly InstalledDisk[] | undefined;
  /** How the clone opens its encrypted volumes. */
  readonly unlock?: Unlock | undefined;
  /** Names of the hooks that the clone runs at its first boot. */
  readonly firstBootHooks?: readonly string[] | undefined;
  /** Whether its firmware would start the clone. */
  readonly secureStart?: SecureStart | undefined;
  /** Nothing is made, so nothing has to be said of how it is opened. */
  readonly isDryRun?: boolean | undefined;
}

/** Throws RackseedError, with nothing done, if the image cannot be rebuilt on this machine. */
export function planInstall(
  {
    node,
    header,
    firmware,
    disks,
    choices = {},
    installed,
    unlock,
    firstBootHooks = [],
    secureStart = { trust: undefined },
    isDryRun = false,
  }: PlanRequest,
): Plan {
  const buildable = proveBuildable(header, firmware);
  const { image, entries } = buildable;
  const target = targetOf(buildable, { node, choices });
  const { layout } = target;
  if (!isDryRun) {
    proveKeys(layout, { image, node, unlock });
    const hookless = firstBootObstacle(layout.boot?.noFirstBoot, firstBootHooks);
    if (hookless !== undefined) throw refusal(image, hookless);
    const { obstacle } = judgeStart(layout.boot?.programs ?? [], secureStart);
    if (obstacle !== undefined) throw refusal(image, obstacle);
  }
  const planned = disksFor(target, { node, entries, disks, choices, installed });
  const driverless = initramfsObstacle(layout, planned);
  if (driverless !== undefined) throw refusal(image, driverless);
  return {
    image,
    disks: planned,
    left: leftAlone(target, { disks, planned }),
    notes: [
      ...target.notes,
      ...degradedNotes(layout),
      ...pathNotes(layout, planned),
      ...startNotes(layout.boot?.programs, secureStart),
    ],
    layout,
    actions: planActions(buildable, { layout, disks: planned }),
  };
}

function proveKeys(
  layout: DiskLayout,
  { image, node, unlock }: { image: string; node: string; unlock: Unlock | undefined },
): void {
  const { encrypted = [] } = layout, obstacle = unlockObstacle(layout, unlock);
  if (obstacle !== undefined) throw refusal(image, obstacle);
  if (unlock !== undefined || encrypted.length === 0) return;
  throw refusal(image, {
    reason: `its template has encrypted volumes (${
      encrypted.map(({ name }) => name).join(", ")
    }), and nothing says how ${node} opens them.`,
    remedy:
      `choose a way (\`rackseed node set ${node} --unlock passphrase\`, key-file or tpm2), and deploy again.`,
  });
}

/** A disk that is reached over several paths is written by one of them. */
function pathNotes({ boot }: DiskLayout, disks: readonly PlannedDisk[]): string[] {
  return disks.flatMap(({ facts: { name, paths = [] } }) =>
    paths.length < 2 ? [] : [
      `${paths.join(" and ")} are paths to one disk, which is written by ${name}; ` +
      (boot?.multipath
        ? "the clone's multipathd joins them"
        : "the image has no multipathd, so the clone sees it several times and uses one path: install " +
          "multipath-tools (RHEL: device-mapper-multipath) on the template, and capture it again"),
    ]
  );
}

function leftAlone(
  { leftMounts }: Target,
  { disks, planned }: { disks: readonly DiskFacts[]; planned: readonly PlannedDisk[] },
): LeftAlone {
  const others = disks.filter((disk) => !planned.some(({ facts }) => facts === disk));
  return {
    mountPoints: leftMounts,
    notes: [
      ...others.map((disk) =>
        `leave ${describeDisk(disk)} alone${disk.content ? `; it holds ${disk.content}` : ""}`
      ),
      ...leftMounts.map((mountPoint) =>
        `leave out ${mountPoint}: it is on a data disk of the template, and no disk was named for it`
      ),
    ],
  };
}

/**
 * Confirms the choice of the disks once more: disks appear one by one, and one that appeared after the plan was made
 * may change the choice. `request`: as for the plan; `now`: the disks as they are now, whose contents need not be known.
 * Throws RackseedError if the
 * choice changed.
 */
export function confirmChoice(
  { image, disks }: Plan,
  { request, now }: { request: PlanRequest; now: readonly DiskFacts[] },
): void {
  const again = planInstall({ ...request, disks: now.map((disk) => withContent(disk, request.disks)) }).disks;
  const isSame = ({ facts: a, number }: PlannedDisk, b: PlannedDisk | undefined) =>
    number === b?.number && a.number === b.facts.number && a.name === b.facts.name;
  if (again.length === disks.length && disks.every((disk, i) => isSame(disk, again[i]))) return;
  const list = (some: readonly PlannedDisk[]) => some.map(({ facts }) => describeDisk(facts)).join(" and ");
  throw refusal(image, {
    reason: `the plan was made for ${list(disks)}, and now it would be ${list(again)}.`,
    remedy: "name the disk (`rackseed node set NODE --disk /dev/disk/by-path/…`), and deploy again.",
  });
}

/** What was found on a disk when the plan was made. */
function withContent(disk: DiskFacts, known: readonly DiskFacts[]): DiskFacts {
  const before = known.find((one) =>
    one.number === disk.number && one.name === disk.name && one.sizeBytes === disk.sizeBytes &&
    one.serial === disk.serial
  );
  const { content, labels, signatures } = before ?? {};
  return {
    ...disk,
    ...disk.content === undefined && content !== undefined && { content },
    ...disk.labels === undefined && labels && { labels },
    ...disk.signatures === undefined && signatures && { signatures },
  };
}
