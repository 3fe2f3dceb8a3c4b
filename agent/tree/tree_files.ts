/** Reads and writes single files of the clone's tree; no symbolic link of the image leads out of it. */
import { bytePathOfText } from "#contract/format/byte_path.ts";
import { RackseedError } from "#contract/errors.ts";
import { codeOf } from "../sys/errno.ts";
import { AT_FDCWD, close, O, openAt, readDirectory } from "../sys/libc.ts";
import { namesIn, textOf } from "../sys/small_file.ts";
import { setXattrOf, xattrsOf } from "../sys/xattr.ts";
import { lockAt, unlockAt } from "./locks.ts";
import { removeTree } from "./remove_tree.ts";

/** No file of configuration is larger; what claims to be one is none. */
const MAX_TEXT_BYTES = 1 << 20;

/** Reads single small files of a tree. */
export class TreeReader {
  readonly root: string;

  constructor(root: string) {
    this.root = root;
  }

  /** Text of a regular file of at most 1 MiB; undefined for anything else. */
  async text(path: string): Promise<string | undefined> {
    if (await this.kind(path) !== "file") return undefined;
    const at = await this.confine(path);
    return (await Deno.lstat(at)).size > MAX_TEXT_BYTES ? undefined : await textOf(at);
  }

  /** Of a regular file of at most so many bytes; undefined for anything else. */
  async bytes(path: string, { maxBytes }: { maxBytes: number }): Promise<Uint8Array | undefined> {
    if (await this.kind(path) !== "file") return undefined;
    const at = await this.confine(path);
    return (await Deno.lstat(at)).size > maxBytes ? undefined : await Deno.readFile(at);
  }

  /** Where the regular file is, outside of the tree; undefined for anything else. */
  async file(path: string): Promise<string | undefined> {
    return await this.kind(path) === "file" ? await this.confine(path) : undefined;
  }

  /** Where the directory is, outside of the tree; undefined for anything else. */
  async directory(path: string): Promise<string | undefined> {
    return await this.kind(path) === "directory" ? await this.confine(path) : undefined;
  }

  /** Where a symbolic link points to; undefined for anything else. */
  async linkTarget(path: string): Promise<string | undefined> {
    return await this.kind(path) === "symlink" ? await Deno.readLink(await this.confine(path)) : undefined;
  }

  async mode(path: string): Promise<number> {
    return ((await Deno.lstat(await this.confine(path))).mode ?? 0) & 0o7777;
  }

  async kind(path: string): Promise<"file" | "symlink" | "directory" | "other" | undefined> {
    try {
      const { isFile, isSymlink, isDirectory } = await Deno.lstat(await this.confine(path));
      return isFile ? "file" : isSymlink ? "symlink" : isDirectory ? "directory" : "other";
    } catch (error) {
      if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
        return undefined;
      }
      throw error;
    }
  }

  /** Absolute paths inside the tree. */
  async list(directory: string): Promise<string[]> {
    if (await this.kind(directory) !== "directory") return [];
    return (await namesIn(await this.confine(directory))).map((name) => `${directory}/${name}`);
  }

  /** The path outside of the tree; its directory must not be reached by a link that leads out. */
  protected async confine(path: string): Promise<string> {
    const at = `${this.root}${path}`;
    const name = at.slice(at.lastIndexOf("/"));
    const root = await Deno.realPath(this.root);
    const real = await Deno.realPath(at.slice(0, at.lastIndexOf("/")));
    const isInside = root === "/" || real === root || real.startsWith(`${root}/`);
    if (isInside && name !== "/.." && name !== "/.") return `${real}${name}`;
    throw new RackseedError(`cannot reach ${path} in the tree ${this.root}`, {
      reason: "it leads out of the tree, by itself or by a symbolic link.",
      remedy: "make that link relative on the template and capture it again.",
    });
  }
}

/** A tree that nobody vouches for: what lies behind a link that leads out of it is not there. */
export class ForeignTree extends TreeReader {
  override async kind(path: string): ReturnType<TreeReader["kind"]> {
    try {
      return await super.kind(path);
    } catch (error) {
      if (error instanceof RackseedError) return undefined;
      throw error;
    }
  }
}

export class CloneTree extends TreeReader {
  /** Paths that were changed, absolute inside the tree: verification leaves them out. */
  readonly changed = new Set<string>();

  /**
   * Replaces the file, or the link that stands in its place, at once. It belongs to whom that file belonged, a new one
   * to whom its directory does: daemons read theirs as users of their own. SELinux's label stays, too.
   */
  async write(path: string, { text, mode }: { text: string | Uint8Array; mode: number }): Promise<void> {
    await this.#makeParents(path);
    const at = await this.confine(path);
    const temporary = `${at}.rackseed`;
    const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
    await pastLocks([at, folderOf(at)], async () => {
      await Deno.remove(temporary).catch(() => {});
      await Deno.writeFile(temporary, bytes, { createNew: true, mode });
      const { uid, gid } = await this.#ownerOf(at);
      if (Deno.uid() === 0 && uid !== null && gid !== null) await Deno.chown(temporary, uid, gid);
      await Deno.chmod(temporary, mode);
      if (Deno.uid() === 0) copyLabel(at, temporary);
      await Deno.rename(temporary, at);
    });
    this.changed.add(path);
  }

  /** Replaces a regular file's content: it keeps its owner, mode, labels and names. */
  async rewrite(path: string, content: Uint8Array): Promise<void> {
    const at = await this.file(path);
    if (at === undefined) throw new RangeError(`${path} is no file`);
    await pastLocks([at], () => Deno.writeFile(at, content, { create: false }));
    this.changed.add(path);
  }

  /** Removes what stands there, with its flags, and lets `make` put a file in its place. */
  async replace(path: string, make: (at: string) => Promise<void>): Promise<void> {
    await this.#makeParents(path);
    const at = await this.confine(path);
    await pastLocks([folderOf(at)], async () => {
      if (await this.kind(path) !== undefined) {
        unlockAt(AT_FDCWD, bytePathOfText(at));
        await Deno.remove(at, { recursive: true });
      }
      await make(at);
    });
    this.changed.add(path);
  }

  /** Makes a symbolic link, in place of a file or link that stands there. */
  async link(path: string, { target }: { target: string }): Promise<void> {
    await this.#makeParents(path);
    const at = await this.confine(path), temporary = `${at}.rackseed`;
    await pastLocks([at, folderOf(at)], async () => {
      await Deno.remove(temporary).catch(() => {});
      await Deno.symlink(target, temporary);
      await Deno.rename(temporary, at);
    });
    this.changed.add(path);
  }

  async #ownerOf(at: string): Promise<Pick<Deno.FileInfo, "uid" | "gid">> {
    const before = await Deno.lstat(at).catch(() => undefined);
    return before?.isFile ? before : await Deno.lstat(at.slice(0, at.lastIndexOf("/")));
  }

  /** Removes all that a directory holds, locked or not, and keeps the directory with its owner and mode. */
  async clear(path: string): Promise<void> {
    const at = await this.directory(path);
    this.changed.add(path);
    if (at === undefined) return;
    await pastLocks([at], () => {
      const fd = openAt(AT_FDCWD, bytePathOfText(at), { flags: O.RDONLY | O.DIRECTORY | O.NOFOLLOW });
      try {
        for (const name of readDirectory(fd)) removeTree(fd, name);
      } finally {
        close(fd);
      }
      return Promise.resolve();
    });
  }

  async remove(path: string): Promise<void> {
    const at = await this.confine(path);
    await pastLocks([at, folderOf(at)], () => Deno.remove(at));
    this.changed.add(path);
  }

  async move(path: string, to: string): Promise<void> {
    await this.#makeParents(to);
    const at = await this.confine(path), toAt = await this.confine(to);
    await pastLocks([at, folderOf(at), toAt, folderOf(toAt)], () => Deno.rename(at, toAt));
    this.changed.add(path);
  }

  async #makeParents(path: string): Promise<void> {
    const parents = path.split("/").slice(1, -1);
    for (let i = 1; i <= parents.length; i++) {
      const directory = `/${parents.slice(0, i).join("/")}`;
      if (await this.kind(directory) === undefined) {
        const at = await this.confine(directory);
        await pastLocks([folderOf(at)], () => Deno.mkdir(at, { mode: 0o755 }));
      }
    }
  }
}

/** What SELinux lets daemons do with a file depends on it; no policy is loaded that would give a new file its own. */
function copyLabel(from: string, to: string): void {
  const open = <T>(path: string, use: (fd: number) => T): T => {
    const fd = openAt(AT_FDCWD, bytePathOfText(path), { flags: O.RDONLY | O.NOFOLLOW });
    try {
      return use(fd);
    } finally {
      close(fd);
    }
  };
  try {
    const label = open(from, xattrsOf).find(([name]) => name === "security.selinux");
    if (label) open(to, (fd) => setXattrOf(fd, label));
  } catch (error) {
    // nothing stands there, or a link
    if (!["ENOENT", "ELOOP"].includes(codeOf(error) ?? "")) throw error;
  }
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/")) || "/";
}

/**
 * Takes the immutable and append-only flags off these paths while `work` goes on: many an administrator has them on
 * resolv.conf. What lies there afterwards has them again.
 */
async function pastLocks(paths: readonly string[], work: () => Promise<void>): Promise<void> {
  const taken = paths.map(bytePathOfText).map((path) => ({ path, locks: unlockAt(AT_FDCWD, path) }));
  try {
    await work();
  } finally {
    for (const { path, locks } of taken) lockAt(AT_FDCWD, path, locks);
  }
}
