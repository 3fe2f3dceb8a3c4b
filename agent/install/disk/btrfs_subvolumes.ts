/** Makes the subvolumes of a btrfs, and opens and closes the read-only ones for writing. No symlink is followed. */
import { type BytePath, bytePathOfText } from "#contract/format/byte_path.ts";
import { RackseedError } from "#contract/errors.ts";
import type { SubvolumePlan } from "#plan/plan_btrfs.ts";
import {
  createSubvolume,
  defaultSubvolumeOf,
  isReadOnlySubvolume,
  makeDefaultSubvolume,
  setSubvolumeReadOnly,
  SUBVOLUME_INODE,
  subvolumeIdOf,
} from "../../sys/btrfs.ts";
import { codeOf } from "../../sys/errno.ts";
import { statOf } from "../../sys/file_status.ts";
import { AT_FDCWD, close, makeDirectoryAt, O, openAt } from "../../sys/libc.ts";
import { INSPECTION_FLAGS, Mount, MS } from "../../sys/mount.ts";

/** The end of a note about a subvolume that is not there. */
export const IS_MISSING = "is missing";

const DIRECTORY = O.RDONLY | O.DIRECTORY | O.NOFOLLOW;
const HERE = "." as BytePath;

/** Mount options that name all devices of a btrfs that spans several: without udev the kernel knows none of them. */
export function deviceOptions(devices: readonly string[]): string[] {
  return devices.length < 2 ? [] : devices.map((device) => `device=${device}`);
}

/** On a file system that was just made. */
export async function makeSubvolumes(devices: readonly string[], plan: SubvolumePlan): Promise<void> {
  await withTop(devices, (top) => prepareSubvolumes(top, plan));
}

/** Makes those that are missing, and keeps all of them writable until it is disposed. */
export async function openSubvolumes(
  devices: readonly string[],
  plan: SubvolumePlan,
): Promise<AsyncDisposable> {
  await makeSubvolumes(devices, plan);
  return {
    async [Symbol.asyncDispose]() {
      if (plan.readOnly.length > 0) await withTop(devices, (top) => closeSubvolumes(top, plan));
    },
  };
}

/** What of them is missing or has another property, as text. Writes nothing. */
export async function subvolumesAmiss(devices: readonly string[], plan: SubvolumePlan): Promise<string[]> {
  return await withTop(devices, (top) => missingSubvolumes(top, plan), { readOnly: true });
}

/** Mounts the top of the file system while `work` runs. `devices`: all of them. Throws RackseedError, and what `work` throws. */
async function withTop<T>(
  devices: readonly string[],
  work: (top: string) => T,
  { readOnly = false }: { readOnly?: boolean } = {},
): Promise<T> {
  const at = await Deno.makeTempDir({ prefix: "rackseed-btrfs-" });
  try {
    await using _top = await Mount.at(at, {
      source: devices[0] ?? "",
      type: "btrfs",
      flags: readOnly ? INSPECTION_FLAGS : INSPECTION_FLAGS & ~MS.RDONLY | MS.NOATIME,
      data: ["subvolid=5", ...readOnly ? ["rescue=nologreplay"] : [], ...deviceOptions(devices)].join(","),
    });
    return work(at);
  } finally {
    await Deno.remove(at);
  }
}

/**
 * Makes those that are missing, with the directories above them, and makes the read-only ones writable until
 * `closeSubvolumes`. Returns the paths of those that were made. Throws RackseedError if something else has a
 * subvolume's name.
 */
function prepareSubvolumes(top: string, { paths, readOnly, default: own }: SubvolumePlan): string[] {
  return withDirectory(top, (root) => {
    // parents first: nothing can be made in one that is read-only
    const made = paths.filter((path) => {
      const isNew = makeSubvolume(root, path);
      if (!isNew && readOnly.includes(path)) {
        withSubvolume(root, path, (fd) => setSubvolumeReadOnly(fd, false));
      }
      return isNew;
    });
    if (own === undefined) makeDefault(root);
    else withSubvolume(root, own, makeDefault);
    return made;
  });
}

/** Only if it is not: it sets a feature of the file system that older boot loaders do not know. */
function makeDefault(fd: number): void {
  if (defaultSubvolumeOf(fd) !== subvolumeIdOf(fd)) makeDefaultSubvolume(fd);
}

/** Once everything is written. */
function closeSubvolumes(top: string, { readOnly }: SubvolumePlan): void {
  withDirectory(top, (root) => {
    for (const path of readOnly) withSubvolume(root, path, (fd) => setSubvolumeReadOnly(fd, true));
  });
}

/** What `prepareSubvolumes` would make or change, as text. Writes nothing. */
function missingSubvolumes(top: string, { paths, readOnly }: SubvolumePlan): string[] {
  return withDirectory(top, (root) =>
    paths.flatMap((path) => {
      let isReadOnly: boolean | undefined;
      try {
        withSubvolume(root, path, (fd) => isReadOnly = isReadOnlySubvolume(fd));
      } catch (error) {
        if (!(error instanceof RackseedError) && codeOf(error) !== "ENOENT") throw error;
        return [`the subvolume ${path} ${IS_MISSING}`];
      }
      if (isReadOnly === readOnly.includes(path)) return [];
      return [`the subvolume ${path} is ${isReadOnly ? "" : "not "}read-only`];
    }));
}

function withDirectory<T>(path: string, work: (fd: number) => T): T {
  const fd = openAt(AT_FDCWD, bytePathOfText(path), { flags: O.RDONLY | O.DIRECTORY });
  try {
    return work(fd);
  } finally {
    close(fd);
  }
}

/** Returns false if it exists. */
function makeSubvolume(root: number, path: string): boolean {
  const names = path.split("/").map(bytePathOfText), name = names.pop() as BytePath;
  const parent = openBelow(root, names, { makes: true });
  try {
    createSubvolume(parent, name);
    return true;
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw error;
    withSubvolume(root, path, () => {});
    return false;
  } finally {
    close(parent);
  }
}

function withSubvolume(root: number, path: string, work: (fd: number) => void): void {
  const fd = openSubvolume(root, path);
  try {
    work(fd);
  } finally {
    close(fd);
  }
}

function openSubvolume(root: number, path: string): number {
  let fd: number;
  try {
    fd = openBelow(root, path.split("/").map(bytePathOfText), { makes: false });
  } catch (error) {
    throw codeOf(error) === "ENOTDIR" || codeOf(error) === "ELOOP" ? notASubvolume(path) : error;
  }
  if (statOf(fd).inode === SUBVOLUME_INODE) return fd;
  close(fd);
  throw notASubvolume(path);
}

/** `makes`: makes the directories that are missing. */
function openBelow(root: number, names: readonly BytePath[], { makes }: { makes: boolean }): number {
  let fd = openAt(root, HERE, { flags: DIRECTORY });
  for (const name of names) {
    const above = fd;
    try {
      fd = openOrMake(above, name, makes);
    } finally {
      close(above);
    }
  }
  return fd;
}

function openOrMake(directory: number, name: BytePath, makes: boolean): number {
  try {
    return openAt(directory, name, { flags: DIRECTORY });
  } catch (error) {
    if (!makes || codeOf(error) !== "ENOENT") throw error;
    makeDirectoryAt(directory, name, 0o755);
    return openAt(directory, name, { flags: DIRECTORY });
  }
}

function notASubvolume(path: string): RackseedError {
  return new RackseedError(`cannot use the subvolume ${path}`, {
    reason: "something else has its name.",
    remedy: "rename that, or deploy again, which formats the file system.",
    status: 409,
  });
}
