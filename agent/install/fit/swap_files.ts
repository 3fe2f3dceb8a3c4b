/**
 * Makes the layout's swap files on a clone: in their size, readable by root only, and filled with zeros, since the
 * kernel refuses files with holes and, in some versions and file systems, files that are only allocated
 * (swapon(8), "Files with holes"; canonical/cloud-init#612). On a btrfs they are neither copied on write nor compressed
 * (btrfs(5), "Swapfile support").
 */
import { bytePathOfText } from "#contract/format/byte_path.ts";
import { messageOf, RackseedError } from "#contract/errors.ts";
import { APPEND, IMMUTABLE } from "#contract/format/inode_flags.ts";
import type { SwapFile } from "#contract/format/layout.ts";
import type { Run } from "../../sys/command.ts";
import { statAt } from "../../sys/file_status.ts";
import { inodeSettingsOf, setInodeSettings } from "../../sys/inode_flags.ts";
import { AT_FDCWD, close, fileSystemTypeOf, O, openAt } from "../../sys/libc.ts";
import type { CloneTree } from "../../tree/tree_files.ts";

const CHUNK_BYTES = 4 << 20;
/** linux/swap.h: the signature is at the end of the first page, whatever the page size. */
const SIGNATURES = [4096, 8192, 16_384, 65_536].map((pageBytes) => pageBytes - 10);

export interface SwapOptions {
  readonly run: Run;
  readonly onProgress?: ((words: string) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Makes those that are missing or unusable; one that somebody resized stays. Returns their paths. */
export async function makeSwapFiles(
  clone: CloneTree,
  { files, ...options }: SwapOptions & { files: readonly SwapFile[] },
): Promise<string[]> {
  const made: string[] = [];
  for (const { path } of files) clone.changed.add(path);
  for (const file of await unusableSwapFiles(clone, files)) {
    await makeSwapFile(clone, { ...options, file });
    made.push(file.path);
  }
  return made;
}

/** Writes nothing. */
export async function unusableSwapFiles(clone: CloneTree, files: readonly SwapFile[]): Promise<SwapFile[]> {
  const usable = await Promise.all(files.map((file) => isUsable(clone, file)));
  return files.filter((_, i) => !usable[i]);
}

async function isUsable(clone: CloneTree, { path }: SwapFile): Promise<boolean> {
  const at = await clone.file(path);
  if (at === undefined) return false;
  const { mode, sizeBytes, allocatedBytes } = statAt(AT_FDCWD, bytePathOfText(at));
  if (mode !== 0o600 || allocatedBytes < sizeBytes) return false;
  using file = await Deno.open(at);
  if (isLocked(at)) return false;
  const page = new Uint8Array(65_536);
  const length = await file.read(page) ?? 0;
  const head = Buffer.from(page.subarray(0, length)).toString("latin1");
  return SIGNATURES.some((offset) => head.startsWith("SWAPSPACE2", offset));
}

/** Whether its flags stop swapon(2): it must be able to write to the file, and on a btrfs in place. */
function isLocked(at: string): boolean {
  return withOpen(at, (fd) => {
    const flags = inodeSettingsOf(fd)?.flags ?? 0;
    return (flags & (IMMUTABLE | APPEND)) !== 0 || isOnBtrfs(fd) && (flags & NO_COW) === 0;
  });
}

/** Before anything is written: later the flag has no effect. */
function writeInPlace(at: string): void {
  withOpen(at, (fd) => isOnBtrfs(fd) && setInodeSettings(fd, { flags: NO_COW }));
}

const BTRFS_MAGIC = 0x9123683e, NO_COW = 0x800000;

function isOnBtrfs(fd: number): boolean {
  return fileSystemTypeOf(fd) === BTRFS_MAGIC;
}

function withOpen<T>(at: string, use: (fd: number) => T): T {
  const fd = openAt(AT_FDCWD, bytePathOfText(at), { flags: O.RDONLY | O.NOFOLLOW });
  try {
    return use(fd);
  } finally {
    close(fd);
  }
}

async function makeSwapFile(
  clone: CloneTree,
  { file, run, onProgress, signal }: SwapOptions & { file: SwapFile },
): Promise<void> {
  const { path, sizeBytes, uuid, label } = file;
  onProgress?.(`making the swap file ${path}`);
  await clone.replace(path, async (at) => {
    try {
      await writeZeros(at, { sizeBytes, signal });
    } catch (error) {
      await Deno.remove(at).catch(() => {});
      signal?.throwIfAborted();
      throw new RackseedError(`cannot make the swap file ${path} of ${sizeBytes} bytes`, {
        reason: messageOf(error),
        remedy: "use a larger disk, or a smaller swap file on the template, and deploy again.",
        cause: error,
      });
    }
    await run(["mkswap", ...uuid ? ["--uuid", uuid] : [], ...label ? ["--label", label] : [], at], {
      signal,
      title: `cannot make the swap file ${path}`,
      remedy: "check that the template's mkswap can make its own swap file.",
    });
  });
}

async function writeZeros(
  at: string,
  { sizeBytes, signal }: { sizeBytes: number; signal?: AbortSignal | undefined },
): Promise<void> {
  using file = await Deno.open(at, { write: true, createNew: true, mode: 0o600 });
  await Deno.chmod(at, 0o600);
  writeInPlace(at);
  const zeros = new Uint8Array(CHUNK_BYTES);
  for (let done = 0; done < sizeBytes;) {
    signal?.throwIfAborted();
    done += await file.write(zeros.subarray(0, Math.min(CHUNK_BYTES, sizeBytes - done)));
  }
  await file.sync();
}
