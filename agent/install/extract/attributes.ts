/**
 * Gives what was made its owner, mode, extended attributes and time, in the order that keeps all of them: a
 * change of owner clears setuid and capabilities, a change of mode rewrites an ACL's mask, and every one but the
 * last may touch the time. Inode flags come after the time: some of them forbid all further changes.
 */
import { type BytePath, displayPath, parentOf } from "#contract/format/byte_path.ts";
import type { Attributes } from "#contract/format/entry.ts";
import { describeSettings, type InodeSettings } from "#contract/format/inode_flags.ts";
import { codeOf } from "../../sys/errno.ts";
import { statOf } from "../../sys/file_status.ts";
import { holdsOf, inodeSettingsOf, setInodeSettings, unlockInode } from "../../sys/inode_flags.ts";
import {
  chmodAt,
  chmodOf,
  chownAt,
  chownOf,
  close,
  fileSystemTypeOf,
  O,
  openAt,
  type Owner,
  setTimesAt,
  setTimesOf,
} from "../../sys/libc.ts";
import { removeXattrOf, setXattrAt, setXattrOf, xattrsOf } from "../../sys/xattr.ts";
import { hasAttributes, unexpectedXattrs } from "./attribute_comparison.ts";

/** How often something could not be kept, and the first path of it, by what it was. */
export type Shortfalls = Map<string, { count: number; example: string }>;

/** MSDOS_SUPER_MAGIC, EXFAT_SUPER_MAGIC of linux/magic.h: they know no owner, mode or attribute. */
export const PLAIN_FILE_SYSTEMS = new Set([0x4d44, 0x2011bab0]);
/** setuid, setgid, sticky: what open(2) does not give. */
const SPECIAL_BITS = 0o7000;

/**
 * Of the flags c, m, T, C, x, P and F: they count only while a file is empty, or are to be inherited. The others slow
 * writing down, forbid it, or would be inherited by what is made.
 */
const EARLY_FLAGS = 0x4 | 0x400 | 0x20000 | 0x800000 | 0x2000000 | 0x20000000 | 0x40000000;

/** Gives an open file or directory those settings that count only while it is empty; later come all of them. */
export function beginSettings(fd: number, { inode = {} }: Pick<Attributes, "inode">): void {
  const { flags = 0, ...rest } = inode;
  setInodeSettings(fd, { ...rest, flags: flags & EARLY_FLAGS } satisfies InodeSettings);
}

export class AttributeWriter {
  readonly shortfalls: Shortfalls = new Map();
  readonly #root: number;
  readonly #privileged: boolean;
  readonly #self: Owner;

  /** `root`: descriptor of the target. `self`: who the process is, hence who owns what it makes. */
  constructor(root: number, { privileged, self }: { privileged: boolean; self: Owner }) {
    this.#root = root;
    this.#privileged = privileged;
    this.#self = self;
  }

  /**
   * An open file or directory. `made`: the permission bits that it has, where they are known to be the entry's
   * (open(2) under an empty umask gives all but setuid, setgid and sticky).
   */
  finishOpen(fd: number, { entry, made }: { entry: Attributes; made?: number }): void {
    this.#owner(entry, { fd, set: () => chownOf(fd, entry) });
    if (entry.mode !== made) this.#try("mode", { entry, fd, set: () => chmodOf(fd, entry.mode) });
    for (const xattr of entry.xattrs) {
      this.#try(`attribute ${xattr[0]}`, { entry, fd, set: () => setXattrOf(fd, xattr) });
    }
    setTimesOf(fd, entry);
    this.#settings(fd, entry);
  }

  /** An open file or directory that stood there before: nothing is believed of it, and nothing done where all is right. */
  correct(fd: number, entry: Attributes): void {
    const status = statOf(fd), xattrs = xattrsOf(fd), privileged = this.#privileged;
    const inode = { settings: inodeSettingsOf(fd), holds: holdsOf(fd) };
    if (hasAttributes(entry, { status, xattrs, inode, privileged })) return;
    unlockInode(fd);
    for (const name of unexpectedXattrs(entry, xattrs)) {
      this.#try(`absence of attribute ${name}`, { entry, fd, set: () => removeXattrOf(fd, name) });
    }
    if (status.uid !== entry.uid || status.gid !== entry.gid) {
      if (privileged) this.#try("owner", { entry, fd, set: () => chownOf(fd, entry) });
      else this.miss("owner", entry.path);
    }
    this.#try("mode", { entry, fd, set: () => chmodOf(fd, entry.mode) });
    for (const xattr of entry.xattrs) {
      this.#try(`attribute ${xattr[0]}`, { entry, fd, set: () => setXattrOf(fd, xattr) });
    }
    setTimesOf(fd, entry);
    this.#settings(fd, entry);
  }

  /** What cannot be opened: a symlink, a device, a FIFO, made with the entry's permission bits. */
  finishNode(entry: Attributes, { isSymlink }: { isSymlink: boolean }): void {
    const { path, mode } = entry;
    this.#owner(entry, { set: () => chownAt(this.#root, path, entry) });
    if (mode & SPECIAL_BITS && !isSymlink) {
      this.#try("mode", { entry, set: () => chmodAt(this.#root, path, mode) });
    }
    if (entry.xattrs.length > 0) this.#nodeXattrs(entry);
    setTimesAt(this.#root, path, entry);
  }

  #nodeXattrs(entry: Attributes): void {
    const { path, xattrs } = entry;
    const parent = openAt(this.#root, parentOf(path) || "." as BytePath, { flags: O.RDONLY | O.DIRECTORY });
    try {
      const name = path.slice(path.lastIndexOf("/") + 1) as BytePath;
      for (const xattr of xattrs) {
        this.#try(`attribute ${xattr[0]}`, { entry, set: () => setXattrAt(parent, name, xattr) });
      }
    } finally {
      close(parent);
    }
  }

  miss(what: string, path: BytePath): void {
    const known = this.shortfalls.get(what);
    if (known) known.count++;
    else this.shortfalls.set(what, { count: 1, example: displayPath(path) });
  }

  /** What was made may have inherited some from its directory. */
  #settings(fd: number, { path, inode = {} }: Attributes): void {
    const missed = setInodeSettings(fd, inode);
    if (missed) this.miss(`inode flags (${describeSettings(missed)})`, path);
  }

  #owner(entry: Attributes, { fd, set }: { fd?: number; set: () => void }): void {
    if (entry.uid === this.#self.uid && entry.gid === this.#self.gid) return;
    if (this.#privileged) this.#try("owner", { entry, set, ...(fd !== undefined && { fd }) });
    else this.miss("owner", entry.path);
  }

  #try(what: string, { entry, fd, set }: { entry: Attributes; fd?: number; set: () => void }): void {
    try {
      set();
    } catch (error) {
      const code = codeOf(error);
      const refused = code === "EPERM" || code === "EACCES";
      const cannotHold = code === "EOPNOTSUPP" ||
        refused && fd !== undefined && PLAIN_FILE_SYSTEMS.has(fileSystemTypeOf(fd));
      if (!cannotHold && (this.#privileged || !refused)) throw error;
      this.miss(what, entry.path);
    }
  }
}
