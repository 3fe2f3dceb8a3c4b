/**
 * Carries out a plan on empty files before the disk is touched: what the image's own programs would refuse, they
 * refuse here. Each file is as large as the disk or file system it stands for, and takes next to no room.
 */
import type { Unlock } from "#contract/api/encryption.ts";
import { RackseedError } from "#contract/errors.ts";
import type { Action, Plan } from "#plan/actions.ts";
import type { Formatting } from "#plan/plan_format.ts";
import { sfdiskScript } from "#plan/plan_table.ts";
import { together } from "../../sys/together.ts";
import { refuseTwins } from "./btrfs_twins.ts";
import type { CarryOut } from "./carry_out.ts";
import type { LuksKeys } from "./luks_keys.ts";
import { rehearseVolumes } from "./rehearse_volumes.ts";
import { hasTable } from "./resume.ts";

/** These have no dry run, and write their tables: up to 8 MiB for each GiB. */
const MAX_BYTES: Readonly<Record<string, number>> = {
  "mkfs.vfat": 4 * 2 ** 30,
  "mkfs.f2fs": 16 * 2 ** 30,
};

const TUNED_BYTES = 16 << 20;

interface Rehearsal extends CarryOut {
  /** For LUKS volumes. */
  readonly keys?: LuksKeys | undefined;
  readonly unlock?: Unlock | undefined;
}

/** Throws RackseedError. */
export async function rehearse(plan: Plan, { run, signal, keys, unlock }: Rehearsal): Promise<void> {
  const { image, disks, actions } = plan;
  await rehearseVolumes({ plan, keys, unlock, run, signal });
  await refuseTwins(plan, { run, signal });
  const folder = await Deno.makeTempDir({ prefix: "rackseed-rehearsal-" });
  try {
    await together(actions.map((action, i) => async () => {
      const place = `${folder}/${i}`, file = `${place}/disk`;
      await Deno.mkdir(place);
      await Deno.writeFile(file, new Uint8Array());
      if (action.do === "format") await rehearseFormat(action.formatting, { image, file, run, signal });
      // sfdisk takes a file for a disk with sectors of 512 bytes
      if (action.do === "partition" && action.sectorBytes === 512) {
        await Deno.truncate(file, disks.find((d) => d.number === action.disk)?.facts.sizeBytes);
        await rehearseTable(action, { image, file, run, signal });
      }
      // it may lie in memory
      await Deno.remove(place, { recursive: true });
    }));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

type Stage = Rehearsal & { readonly image: string; readonly file: string };

async function rehearseFormat(
  { argv, tuning, type, mountPoint, sizeBytes, more = [] }: Formatting,
  { image, file, run, signal }: Stage,
): Promise<void> {
  const [program, ...args] = argv;
  if (sizeBytes > (MAX_BYTES[program] ?? Infinity)) return;
  const files = [file, ...more.map((_, i) => `${file}.${i}`)];
  for (const path of files) {
    await Deno.writeFile(path, new Uint8Array());
    await Deno.truncate(path, sizeBytes);
  }
  const options = {
    signal,
    title: `cannot make ${mountPoint ?? type} (${type}) of ${image} on this disk; nothing was written`,
    remedy:
      `change the file system on the template so that its ${program} can make it, and capture it again.`,
  };
  const words = program === "mkfs.btrfs" ? withoutUuid(args) : args;
  await run([program, ...REHEARSED[program] ?? [], ...words, ...files], options);
  if (!tuning) return;
  // a small file system does as well, except for the number of reserved blocks
  await Deno.writeFile(file, new Uint8Array());
  await Deno.truncate(file, TUNED_BYTES);
  await run(["mkfs.ext4", "-q", "-F", file], options);
  const [tune, ...settings] = tuning;
  await run([tune, ...settings.map((word, at) => settings[at - 1] === "-r" ? "0" : word), file], options);
}

/** mkfs.btrfs refuses the UUID of a file system that exists: the one on this disk that is about to be overwritten. */
function withoutUuid(args: readonly string[]): string[] {
  const at = args.indexOf("--uuid");
  return at < 0 ? [...args] : args.toSpliced(at, 2);
}

/** mke2fs(8), mkfs.xfs(8): compute what would be made without writing it. */
const REHEARSED: Readonly<Record<string, readonly string[]>> = { "mkfs.ext4": ["-n"], "mkfs.xfs": ["-N"] };

async function rehearseTable(
  action: Extract<Action, { do: "partition" }>,
  { image, file, run, signal }: Stage,
): Promise<void> {
  const title = `cannot make the partition table of ${image} on this disk; nothing was written`;
  const remedy = "change the partition table on the template, and capture it again.";
  await run(["sfdisk", "--quiet", file], { input: sfdiskScript(action), signal, title, remedy });
  const { stdout } = await run(["sfdisk", "-J", file], { signal, title, remedy });
  if (hasTable(action, stdout)) return;
  throw new RackseedError(title, {
    reason: "sfdisk writes a table other than the planned one.",
    remedy,
    status: 409,
  });
}
