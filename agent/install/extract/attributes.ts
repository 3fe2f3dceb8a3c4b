/**
 * Sets owner, mode, extended attributes and time, in the order that preserves all of them: changing the owner clears
 * setuid and capabilities, changing the mode rewrites an ACL's mask, and each of these may touch the time. Inode flags
 * come last: some of them forbid every further change.
 */
import { type BytePath, displayPath, parentOf } from "#contract/format/byte_path.ts";
import type { Attributes, Xattr } from "#contract/format/entry.ts";
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

/** What could not be preserved, how often, and the first path concerned. */
export type Shortfalls = Map<string, { count: number; example: string }>;

/** MSDOS_SUPER_MAGIC, EXFAT_SUPER_MAGIC of linux/magic.h: file systems without owners, modes and attributes. */
export const PLAIN_FILE_SYSTEMS = new Set([0x4d44, 0x2011bab0]);
/** setuid, setgid, sticky: the bits that open(2) does not set. */
const SPECIAL_BITS = 0o7000;

/**
 * The flags c, m, T, C, x, P and F: they take effect only while a file is empty, or must be inherited. The other flags
 * slow down writing, forbid it, or would be inherited by new files.
 */
const EARLY_FLAGS = 0x4 | 0x400 | 0x20000 | 0x800000 | 0x2000000 | 0x20000000 | 0x40000000;

/** Of those, the flags c, m and C: a directory only passes them on, so it gets them once it is filled. */
const PASSED_ON_FLAGS = 0x4 | 0x400 | 0x800000;
/** How a btrfs compresses what is written to the file from now on: btrfs-property(8). It sets the flags c and m, too. */
const COMPRESSION = "btrfs.compression";

/** Gives an open file the settings that only work while it is empty. All others follow at the end. */
export function beginFile(fd: number, { inode = {}, xattrs }: Pick<Attributes, "inode" | "xattrs">): void {
  const { flags = 0, ...rest } = inode;
  setInodeSettings(fd, { ...rest, flags: flags & EARLY_FLAGS } satisfies InodeSettings);
  const compression = xattrs.find(([name]) => name === COMPRESSION);
  if (compression) setIfHeld(fd, compression);
}

/** The same for a directory. */
export function beginDirectory(fd: number, { inode = {} }: Pick<Attributes, "inode">): void {
  const { flags = 0, ...rest } = inode;
  setInodeSettings(fd, { ...rest, flags: flags & EARLY_FLAGS & ~PASSED_ON_FLAGS } satisfies InodeSettings);
}

/** On another file system it is missed at the end, with all other attributes. */
function setIfHeld(fd: number, xattr: Xattr): void {
  try {
    setXattrOf(fd, xattr);
  } catch (error) {
    const code = codeOf(error);
    if (code !== "EOPNOTSUPP" && code !== "EINVAL" && code !== "EPERM" && code !== "EACCES") throw error;
  }
}

export class AttributeWriter {
  readonly shortfalls: Shortfalls = new Map();
  readonly #root: number;
  readonly #privileged: boolean;
  readonly #self: Owner;

  /** `root`: descriptor of the target. `self`: the process's owner, who therefore owns every new file. */
  constructor(root: number, { privileged, self }: { privileged: boolean; self: Owner }) {
    this.#root = root;
    this.#privileged = privileged;
    this.#self = self;
  }

  /**
   * For an open file or directory that was just made. `made`: its permission bits, if open(2) set them: under an empty
   * umask it sets all but setuid, setgid and sticky.
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

  /** For an open file or directory that existed before: compares everything, and does nothing if all is right. */
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

  /** For what cannot be opened: a symlink, device or FIFO, made with the entry's permission bits. */
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

  /** Sets them even if the entry has none: a new file may have inherited some from its directory. */
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
