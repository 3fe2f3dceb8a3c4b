import type { FileSource, SourceEntry } from "./file_source.ts";

/** Reads from a directory of this machine; `/` means the machine itself. No link leads out of the directory. */
export async function directorySource(root: string): Promise<FileSource> {
  const top = (await Deno.realPath(root)).replace(/\/$/, "");

  /** The path on this machine. Throws NotFound if a link is on the way. */
  async function confine(path: string): Promise<string> {
    const full = top + path;
    const parent = full.slice(0, full.lastIndexOf("/"));
    if (await Deno.realPath(parent === "" ? "/" : parent) !== (parent === "" ? "/" : parent)) {
      throw new Deno.errors.NotFound(`${path} passes through a symbolic link`);
    }
    return full;
  }

  return {
    async lookup(path): Promise<SourceEntry | undefined> {
      try {
        const full = await confine(path);
        const info = await Deno.lstat(full);
        if (info.isSymlink) return { type: "symlink", target: await Deno.readLink(full) };
        if (info.isDirectory) return { type: "directory" };
        if (info.isFile) return { type: "file", mode: (info.mode ?? 0o644) & 0o7777, sizeBytes: info.size };
        return undefined;
      } catch (error) {
        if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
          return undefined;
        }
        throw error;
      }
    },
    async read(path): Promise<Uint8Array<ArrayBuffer>> {
      const full = await confine(path);
      if (!(await Deno.lstat(full)).isFile) throw new Deno.errors.NotFound(`${path} is not a regular file`);
      return await Deno.readFile(full);
    },
    async list(path): Promise<readonly string[]> {
      const full = await confine(path);
      if (!(await Deno.lstat(full)).isDirectory) throw new Deno.errors.NotADirectory(path);
      return (await Array.fromAsync(Deno.readDir(full))).map((entry) => entry.name);
    },
  };
}
