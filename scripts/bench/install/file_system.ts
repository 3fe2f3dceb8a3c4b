import { messageOf } from "#contract/errors.ts";
import { shell } from "../bench_tree.ts";

/**
 * Runs `use` with an empty file system: a fresh ext4 on a loop device in memory, like a fast disk, or an empty folder
 * in `folder` on a disk of this machine. It is removed afterwards.
 */
export async function withEmptyFileSystem<T>(
  { scratch, sizeMib, folder }: { scratch: string; sizeMib: number; folder: string | undefined },
  use: (target: string) => Promise<T>,
): Promise<T> {
  if (folder !== undefined) {
    const target = await Deno.makeTempDir({ dir: folder, prefix: "rackseed-bench-" });
    try {
      return await use(target);
    } finally {
      await Deno.remove(target, { recursive: true });
    }
  }
  const image = `${scratch}/disk`, target = `${scratch}/mnt`;
  await Deno.mkdir(target, { recursive: true });
  await shell(
    `truncate -s ${sizeMib}M ${image}; mkfs.ext4 -q -E lazy_itable_init=0 ${image}; mount -o loop ${image} ${target}`,
    scratch,
  );
  try {
    // mkfs makes lost+found, but an installation starts in an empty directory.
    await Deno.remove(`${target}/lost+found`);
    return await use(target);
  } finally {
    await unmount(target, scratch);
    await Deno.remove(image);
  }
}

async function unmount(target: string, scratch: string): Promise<void> {
  try {
    await shell(`umount ${target}`, scratch);
  } catch (error) {
    console.error(`${messageOf(error)}; detached, to go with its last user`);
    await shell(`umount --lazy ${target}`, scratch);
  }
}
