/** Reads and writes single files of a tree; no symbolic link leads out of it. */
import { bytePathOfText } from "#contract/format/byte_path.ts";
import { RackseedError } from "#contract/errors.ts";
import { AT_FDCWD, close, O, openAt, readDirectory } from "../sys/libc.ts";
import { namesIn, textOf } from "../sys/small_file.ts";
import { labelOf, setLabel } from "./labels.ts";
import { lockAt, unlockAt } from "./locks.ts";
import { removeTree } from "./remove_tree.ts";

/** No configuration file is larger: whatever exceeds this is not one. */
const MAX_TEXT_BYTES = 1 << 20;

/**
 * Reads single small files of a trusted tree. A path that leads out of it is an error.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const root = await Deno.makeTempDir();
 * await Deno.writeTextFile(`${root}/hostname`, "web\n");
 * await Deno.symlink("/etc", `${root}/etc`);
 * assert.equal(await new TreeReader(root).text("/hostname"), "web\n");
 * await assert.rejects(new TreeReader(root).text("/etc/passwd"), /leads out of the tree/);
 * assert.equal(await new ForeignTree(root).text("/etc/passwd"), undefined);
 * await Deno.remove(root, { recursive: true });
 * ```
 */
export class TreeReader {
  readonly root: string;

  constructor(root: string) {
    this.root = root;
  }

  /** The text of a regular file of at most 1 MiB; undefined for anything else. */
  async text(path: string): Promise<string | undefined> {
    if (await this.kind(path) !== "file") return undefined;
    const at = await this.confine(path);
    return Deno.lstatSync(at).size > MAX_TEXT_BYTES ? undefined : await textOf(at);
  }

  /** The content of a regular file of at most `maxBytes`; undefined for anything else. */
  async bytes(path: string, { maxBytes }: { maxBytes: number }): Promise<Uint8Array | undefined> {
    if (await this.kind(path) !== "file") return undefined;
    const at = await this.confine(path);
    return Deno.lstatSync(at).size > maxBytes ? undefined : await Deno.readFile(at);
  }

  /** The real path of a regular file; undefined for anything else. */
  async file(path: string): Promise<string | undefined> {
    return await this.kind(path) === "file" ? await this.confine(path) : undefined;
  }

  /** The real path of a directory; undefined for anything else. */
  async directory(path: string): Promise<string | undefined> {
    return await this.kind(path) === "directory" ? await this.confine(path) : undefined;
  }

  /** The target of a symbolic link; undefined for anything else. */
  async linkTarget(path: string): Promise<string | undefined> {
    return await this.kind(path) === "symlink" ? await Deno.readLink(await this.confine(path)) : undefined;
  }

  async mode(path: string): Promise<number> {
    return ((await Deno.lstat(await this.confine(path))).mode ?? 0) & 0o7777;
  }

  async kind(path: string): Promise<"file" | "symlink" | "directory" | "other" | undefined> {
    try {
      const { isFile, isSymlink, isDirectory } = Deno.lstatSync(await this.confine(path));
      return isFile ? "file" : isSymlink ? "symlink" : isDirectory ? "directory" : "other";
    } catch (error) {
      if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
        return undefined;
      }
      throw error;
    }
  }

  /** The paths of a directory's entries, absolute inside the tree. */
  async list(directory: string): Promise<string[]> {
    if (await this.kind(directory) !== "directory") return [];
    return (await namesIn(await this.confine(directory))).map((name) => `${directory}/${name}`);
  }

  /**
   * The real path. Throws RackseedError if its directory is outside of the tree. Names are looked up without leaving the
   * thread, here and above: an identity takes a thousand look-ups, each far cheaper than a turn of the event loop.
   */
  // deno-lint-ignore require-await -- its errors are rejections, as those of its callers are
  protected async confine(path: string): Promise<string> {
    const at = `${this.root}${path}`;
    const name = at.slice(at.lastIndexOf("/"));
    const root = Deno.realPathSync(this.root);
    const real = Deno.realPathSync(at.slice(0, at.lastIndexOf("/")));
    const isInside = root === "/" || real === root || real.startsWith(`${root}/`);
    if (isInside && name !== "/.." && name !== "/.") return `${real}${name}`;
    throw new RackseedError(`cannot reach ${path} in the tree ${this.root}`, {
      reason: "it leads out of the tree, directly or through a symbolic link.",
      remedy: "make that link relative on the template and capture it again.",
    });
  }
}

/** A tree that is not trusted, such as an old disk's: anything behind a link that leads out of it counts as missing. */
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

/** The tree of a clone, to be changed: notes every changed path. */
export class CloneTree extends TreeReader {
  /** Paths that were changed, absolute inside the tree. Verification skips them. */
  readonly changed = new Set<string>();

  /**
   * Replaces a file, or a link in its place, atomically. The new file keeps the owner of the old one, or takes that of
   * its directory: daemons read their files as users of their own. So it is with the SELinux label.
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
      const label = labelFor(at);
      if (label) setLabel(temporary, label);
      await Deno.rename(temporary, at);
    });
    this.changed.add(path);
  }

  /** Replaces the content of a regular file, which keeps its owner, mode, labels and hard links. */
  async rewrite(path: string, content: Uint8Array): Promise<void> {
    const at = await this.file(path);
    if (at === undefined) throw new RangeError(`${path} is not a file`);
    await pastLocks([at], () => Deno.writeFile(at, content, { create: false }));
    this.changed.add(path);
  }

  /** Removes whatever is at the path, immutable or not, and lets `make` put a file in its place. */
  async replace(path: string, make: (at: string) => Promise<void>): Promise<void> {
    await this.#makeParents(path);
    const at = await this.confine(path);
    const label = labelFor(at);
    await pastLocks([folderOf(at)], async () => {
      if (await this.kind(path) !== undefined) {
        unlockAt(AT_FDCWD, bytePathOfText(at));
        await Deno.remove(at, { recursive: true });
      }
      await make(at);
      if (label) setLabel(at, label);
    });
    this.changed.add(path);
  }

  /** Makes a symbolic link, replacing any file or link at the path. */
  async link(path: string, { target }: { target: string }): Promise<void> {
    await this.#makeParents(path);
    const at = await this.confine(path), temporary = `${at}.rackseed`;
    await pastLocks([at, folderOf(at)], async () => {
      await Deno.remove(temporary).catch(() => {});
      await Deno.symlink(target, temporary);
      const label = labelFor(at);
      if (label) setLabel(temporary, label);
      await Deno.rename(temporary, at);
    });
    this.changed.add(path);
  }

  async #ownerOf(at: string): Promise<Pick<Deno.FileInfo, "uid" | "gid">> {
    const before = await Deno.lstat(at).catch(() => undefined);
    return before?.isFile ? before : await Deno.lstat(at.slice(0, at.lastIndexOf("/")));
  }

  /** Empties a directory, immutable entries included; the directory keeps its owner and mode. */
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

  /** Moves a file or a link, to another file system too: /var may be one of its own. */
  async move(path: string, to: string): Promise<void> {
    await this.#makeParents(to);
    const at = await this.confine(path), toAt = await this.confine(to);
    await pastLocks([at, folderOf(at), toAt, folderOf(toAt)], async () => {
      try {
        await Deno.rename(at, toAt);
      } catch (error) {
        if (!(error instanceof Error && "code" in error && error.code === "EXDEV")) throw error;
        await copyEntry(at, toAt);
        await Deno.remove(at);
      }
    });
    this.changed.add(path);
  }

  async #makeParents(path: string): Promise<void> {
    const parents = path.split("/").slice(1, -1);
    for (let i = 1; i <= parents.length; i++) {
      const directory = `/${parents.slice(0, i).join("/")}`;
      if (await this.kind(directory) === undefined) {
        const at = await this.confine(directory);
        await pastLocks([folderOf(at)], async () => {
          await Deno.mkdir(at, { mode: 0o755 });
          const label = labelFor(at);
          if (label) setLabel(at, label);
        });
      }
    }
  }
}

/** What a file at this path has or would have: its own label, else its directory's. */
function labelFor(at: string): Uint8Array | undefined {
  return Deno.uid() === 0 ? labelOf(at) ?? labelOf(folderOf(at)) : undefined;
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/")) || "/";
}

/**
 * Clears the immutable and append-only flags of these paths during `work`: many administrators set them on resolv.conf.
 * Whatever is at the paths afterwards gets them back.
 */
async function pastLocks(paths: readonly string[], work: () => Promise<void>): Promise<void> {
  const taken = paths.map(bytePathOfText).map((path) => ({ path, locks: unlockAt(AT_FDCWD, path) }));
  try {
    await work();
  } finally {
    for (const { path, locks } of taken) lockAt(AT_FDCWD, path, locks);
  }
}

/** With mode, owner and times; a label comes from where it goes. */
async function copyEntry(from: string, to: string): Promise<void> {
  const { isSymlink, isFile, mode, uid, gid, atime, mtime } = await Deno.lstat(from);
  await Deno.remove(to).catch(() => {});
  if (isSymlink) return await Deno.symlink(await Deno.readLink(from), to);
  if (!isFile) throw new RangeError(`${from} is neither a file nor a link`);
  await Deno.copyFile(from, to);
  if (Deno.uid() === 0 && uid !== null && gid !== null) await Deno.chown(to, uid, gid);
  if (mode !== null) await Deno.chmod(to, mode & 0o7777);
  if (atime && mtime) await Deno.utime(to, atime, mtime);
  const label = labelFor(to);
  if (label) setLabel(to, label);
}
