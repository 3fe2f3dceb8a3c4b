/**
 * Checks a file system that is not mounted, and repairs it, with the programs of its own type. What a repair loses is
 * fetched again; a file system that is beyond repair is made again, unless it must be kept.
 */
import { RackseedError } from "#contract/errors.ts";
import { INSPECTION_FLAGS, Mount, MS } from "../../sys/mount.ts";
import { deviceOptions } from "./btrfs_subvolumes.ts";
import type { CarryOut } from "./carry_out.ts";

/** "hopeless": it has to be made again. */
export type Soundness = "sound" | "repaired" | "hopeless";

interface Checked {
  readonly type: string;
  /** One, except for a btrfs that spans several. */
  readonly devices: readonly string[];
}

const HOUR_MS = 60 * 60_000;

/**
 * Types without a program of their own count as sound. `last`: it cannot be made again, so "hopeless" is an error.
 * Throws RackseedError.
 */
export async function checkFileSystem(
  { type, devices }: Checked,
  { run, signal, last }: CarryOut & { readonly last: boolean },
): Promise<Soundness> {
  const found = await CHECKS[type]?.repair(devices, { run, signal }) ?? "sound";
  if (found !== "hopeless" || !last) return found;
  throw new RackseedError(`the file system on ${devices.join(", ")} cannot be repaired`, {
    reason: `${CHECKS[type]?.program} leaves errors in it.`,
    remedy: "check the disk's health (`dmesg`, SMART); `rackseed node deploy` formats it.",
    status: 409,
  });
}

/** For a dry run and after an installation: whether `checkFileSystem` would repair it. Writes nothing. */
export async function isUnsound({ type, devices }: Checked, { run, signal }: CarryOut): Promise<boolean> {
  return await CHECKS[type]?.finds(devices, { run, signal }) ?? false;
}

interface Check {
  readonly program: string;
  readonly repair: (devices: readonly string[], how: CarryOut) => Promise<Soundness>;
  /** Whether it finds errors; writes nothing. */
  readonly finds: (devices: readonly string[], how: CarryOut) => Promise<boolean>;
}

/** Throws if the program is missing or was killed; fsck.f2fs exits with 255 where others have a number for it. */
async function statusOf(
  argv: readonly [string, ...string[]],
  { run, signal, input }: CarryOut & { input?: string },
) {
  return await run(argv, { signal, timeoutMs: 6 * HOUR_MS, accept: EXITS, ...(input && { input }) });
}
const EXITS = Array.from({ length: 256 }, (_, code) => code);

/** e2fsck(8): 1 and 2: errors were corrected; 4: errors are left; 8: it could not work. */
const EXT: Check = {
  program: "e2fsck",
  finds: async ([device = ""], how) => (await statusOf(["e2fsck", "-fn", device], how)).code !== 0,
  async repair([device = ""], how) {
    const preen = await statusOf(["e2fsck", "-f", "-p", device], how);
    if (preen.code === 0) return "sound";
    if (preen.code <= 2) return "repaired";
    // "yes" to every question
    return (await statusOf(["e2fsck", "-f", "-y", device], how)).code <= 2 ? "repaired" : "hopeless";
  },
};

/** xfs_repair(8): with -n 1 means corrupt; without 2 means that the log has to be replayed, which mounting does. */
const XFS: Check = {
  program: "xfs_repair",
  async finds([device = ""], how) {
    const { code, stdout, stderr } = await statusOf(["xfs_repair", "-n", device], how);
    // what a log that was not replayed would still change looks like corruption
    return code !== 0 && !/metadata changes in a log/.test(stdout + stderr);
  },
  async repair([device = ""], how) {
    await mountBriefly({ type: "xfs", devices: [device] });
    if ((await statusOf(["xfs_repair", "-n", device], how)).code === 0) return "sound";
    const { code } = await statusOf(["xfs_repair", device], how);
    // a log that cannot be replayed is given up: what it held is fetched again
    const last = code === 2 ? (await statusOf(["xfs_repair", "-L", device], how)).code : code;
    return last === 0 && (await statusOf(["xfs_repair", "-n", device], how)).code === 0
      ? "repaired"
      : "hopeless";
  },
};

/** fsck.vfat(8): 1 means errors, corrected or not. */
const VFAT: Check = {
  program: "fsck.vfat",
  finds: async ([device = ""], how) => (await statusOf(["fsck.vfat", "-n", device], how)).code !== 0,
  async repair([device = ""], how) {
    if (!await VFAT.finds([device], how)) return "sound";
    await statusOf(["fsck.vfat", "-a", device], how);
    return await VFAT.finds([device], how) ? "hopeless" : "repaired";
  },
};

/**
 * btrfs-check(8) warns of its own --repair, so it is never used. A block of which another copy exists is repaired by a
 * scrub: btrfs-scrub(8).
 */
const BTRFS: Check = {
  program: "btrfs check",
  finds: async ([device = ""], how) =>
    (await statusOf(["btrfs", "check", "--readonly", device], how)).code !== 0,
  async repair(devices, how) {
    if (!await BTRFS.finds(devices, how)) return "sound";
    await mountBriefly({ type: "btrfs", devices }, async (at) => {
      await statusOf(["btrfs", "scrub", "start", "-B", at], how);
    });
    return await BTRFS.finds(devices, how) ? "hopeless" : "repaired";
  },
};

/**
 * Its exit status says little before f2fs-tools 1.16; every test that fails is printed. Whatever the options, it asks
 * whether to keep files without a name, and fails without an answer.
 */
const F2FS: Check = {
  program: "fsck.f2fs",
  async finds([device = ""], how) {
    const argv = ["fsck.f2fs", "-f", "--dry-run", device] as const;
    const { code, stdout } = await statusOf(argv, { ...how, input: NO_LOST_FILES });
    return code !== 0 || /\[Fail\]|\[ASSERT\]/.test(stdout);
  },
  async repair([device = ""], how) {
    if (!await F2FS.finds([device], how)) return "sound";
    await statusOf(["fsck.f2fs", "-f", "-y", device], { ...how, input: NO_LOST_FILES });
    return await F2FS.finds([device], how) ? "hopeless" : "repaired";
  },
};
const NO_LOST_FILES = "n\n".repeat(8);

const CHECKS: Readonly<Record<string, Check>> = {
  ext2: EXT,
  ext3: EXT,
  ext4: EXT,
  xfs: XFS,
  vfat: VFAT,
  btrfs: BTRFS,
  f2fs: F2FS,
};

/** Mounts it, which replays its log. One that cannot be mounted is left to the check. */
async function mountBriefly(
  { type, devices }: Checked,
  work: (at: string) => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const at = await Deno.makeTempDir({ prefix: "rackseed-check-" });
  try {
    await using _mount = await Mount.at(at, {
      source: devices[0] ?? "",
      type,
      flags: INSPECTION_FLAGS & ~MS.RDONLY,
      data: deviceOptions(devices).join(","),
    });
    await work(at);
  } catch (error) {
    if (!(error instanceof RackseedError)) throw error;
  } finally {
    await Deno.remove(at);
  }
}
