/** rename(2), which does not lead from one file system to another: /etc and /var may be on two. */
export async function renameAnywhere(from: string, to: string): Promise<void> {
  try {
    await Deno.rename(from, to);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EXDEV")) throw error;
    await copy(from, to);
    await Deno.remove(from, { recursive: true });
  }
}

/** With owner, mode and times, but without extended attributes. */
async function copy(from: string, to: string): Promise<void> {
  const { isDirectory, isSymlink, mode, uid, gid, atime, mtime } = await Deno.lstat(from);
  await Deno.remove(to, { recursive: true }).catch(() => {});
  if (isSymlink) return await Deno.symlink(await Deno.readLink(from), to);
  if (isDirectory) {
    await Deno.mkdir(to);
    for await (const { name } of Deno.readDir(from)) await copy(`${from}/${name}`, `${to}/${name}`);
  } else {
    await Deno.copyFile(from, to);
  }
  if (Deno.uid() === 0) await Deno.chown(to, uid, gid);
  if (mode !== null) await Deno.chmod(to, mode & 0o7777);
  if (atime && mtime) await Deno.utime(to, atime, mtime);
}
