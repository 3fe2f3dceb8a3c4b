/**
 * Compares a target with a manifest by names and kinds only: changes nothing and reads no content. No symlink is
 * followed, so that a hostile tree never leads out: a directory is entered only after every component of its path
 * was seen to be a directory.
 */
import { type BytePath, displayPath, joinPath } from "#contract/format/byte_path.ts";
import { RackseedError } from "#contract/errors.ts";
import type { Manifest } from "#contract/format/manifest.ts";
import { placesShownAgain } from "#contract/format/subvolume_places.ts";
import { codeOf } from "../../sys/errno.ts";
import { LOCKS } from "../../sys/inode_flags.ts";
import { type FileStatus, statAt, statOf } from "../../sys/file_status.ts";
import { chmodAt, close, O, openAt, readDirectory, readLinkAt } from "../../sys/libc.ts";
import type { TreeRoots } from "../../tree/tree_roots.ts";
import type { ImageEntry, LinkEntry } from "../extract/frame_plan.ts";
import type { KeptPaths } from "./kept_paths.ts";
import { type LiveTree, vanished } from "./live_tree.ts";

interface Survey {
  /** By entry number: 1 if something of the entry's kind exists, with its link target or device numbers. */
  readonly present: Uint8Array;
  /** Paths to remove: those of no entry, topmost only, and those of another kind than their entry. */
  readonly unwanted: readonly BytePath[];
  /** How many of `unwanted` belong to no entry. */
  readonly unknown: number;
  /** Paths that are immutable or append-only and should not be. */
  readonly locked: ReadonlySet<BytePath>;
}

interface SurveyOptions {
  readonly manifest: Manifest;
  /** Left alone: neither examined nor unwanted. */
  readonly kept: Pick<KeptPaths, "has" | "leadsTo" | "leadsOut">;
  /** Whether a path of no entry was excluded from the image on purpose, and is therefore not unwanted. */
  readonly isExcluded?: IsExcluded | undefined;
  /** Makes unreadable directories readable; without, they fail the survey. */
  readonly makeReadable: boolean;
  /** Called for every entry at whose path something of its kind exists. */
  readonly onEntry?: ((entry: number, status: FileStatus) => void) | undefined;
  readonly live?: LiveTree | undefined;
}

export type IsExcluded = (path: BytePath, options: { isDirectory: boolean }) => boolean;

/**
 * Throws SysError if the tree cannot be read, RackseedError if the image has something other than a directory above a
 * kept path.
 */
export async function surveyTree(tree: TreeRoots, options: SurveyOptions): Promise<Survey> {
  const walk = new Walk(tree, options);
  await walk.run();
  return walk.result();
}

/** The entries that name one inode, and its link count. */
interface Names {
  readonly entries: number[];
  readonly links: number;
}

class Walk {
  readonly #tree: TreeRoots;
  readonly #options: SurveyOptions;
  readonly #entries: readonly ImageEntry[];
  readonly #numbers: ReadonlyMap<BytePath, number>;
  readonly #present: Uint8Array;
  readonly #unwanted: BytePath[] = [];
  readonly #shared = new Map<string, Names>();
  readonly #locked = new Set<BytePath>();
  /** Places at which a subvolume shows that is examined elsewhere. */
  readonly #shownAgain: ReadonlySet<BytePath>;
  #unknown = 0;

  constructor(tree: TreeRoots, options: SurveyOptions) {
    this.#tree = tree;
    this.#options = options;
    this.#entries = options.manifest.entries;
    this.#numbers = new Map(this.#entries.map(({ path }, number) => [path, number]));
    this.#present = new Uint8Array(this.#entries.length);
    this.#shownAgain = new Set(placesShownAgain(options.manifest.header.layout));
  }

  async run(): Promise<void> {
    this.#present[0] = 1;
    const open = ["" as BytePath];
    for (let path = open.pop(); path !== undefined; path = open.pop()) {
      open.push(...this.#directory(path));
      await this.#options.live?.rest();
    }
    this.#judgeShared();
  }

  result(): Survey {
    const [present, unwanted] = [this.#present, this.#unwanted];
    return { present, unwanted, unknown: this.#unknown, locked: this.#locked };
  }

  /** Examines all names of one directory. Returns the directories in it to examine next. */
  #directory(path: BytePath): BytePath[] {
    const below: BytePath[] = [];
    const fd = this.#ifThere(() => this.#open(path));
    if (fd === undefined) return below;
    try {
      for (const name of readDirectory(fd)) {
        const child = joinPath(path, name);
        if (this.#shownAgain.has(child)) continue;
        const isKept = this.#options.kept.has(child);
        if (isKept && !this.#options.kept.leadsOut(child)) continue;
        const status = this.#ifThere(() => this.#statusOf(child, { directory: fd, name }));
        if (status === undefined) continue;
        if (isKept) {
          if (status.type === "directory") below.push(child);
          continue;
        }
        const number = this.#numbers.get(child);
        const entry = number === undefined ? undefined : this.#entries[number];
        if (status.flags & LOCKS & ~wantedFlags(entry && this.#named(entry))) this.#locked.add(child);
        const leads = status.type === "directory" && this.#options.kept.leadsTo(child);
        if (leads && entry?.type !== "directory") {
          if (entry !== undefined) throw contradiction(child);
          below.push(child);
          continue;
        }
        if (number === undefined || entry === undefined) {
          // every new ext file system has one
          const own = name === "lost+found" && status.type === "directory" && statOf(fd).mountRoot !== false;
          if (own || this.#options.isExcluded?.(child, { isDirectory: status.type === "directory" })) {
            continue;
          }
          if (status.type === "directory" && this.#holdsOwn(child)) {
            below.push(child);
            continue;
          }
          this.#unknown++;
          this.#unwanted.push(child);
        } else if (!this.#ifThere(() => isOfKind(this.#named(entry), { status, directory: fd, name }))) {
          this.#unwanted.push(child);
        } else {
          this.#present[number] = 1;
          this.#options.onEntry?.(number, status);
          if (entry.type === "directory") below.push(child);
          else if (status.links > 1 || entry.type === "link") this.#share(number, status);
        }
      }
    } finally {
      close(fd);
    }
    return below;
  }

  /** Whether something below a directory that is not the image's is left alone: then the directory stays, too. */
  #holdsOwn(path: BytePath): boolean {
    const { isExcluded, kept } = this.#options;
    if (!isExcluded) return false;
    const fd = this.#ifThere(() => this.#open(path));
    if (fd === undefined) return false;
    try {
      for (const name of readDirectory(fd)) {
        const child = joinPath(path, name);
        const isDirectory = this.#ifThere(() => statAt(fd, name))?.type === "directory";
        if (isExcluded(child, { isDirectory }) || kept.has(child)) return true;
        if (isDirectory && this.#holdsOwn(child)) return true;
      }
      return false;
    } finally {
      close(fd);
    }
  }

  /** The entry itself, or the one that a hard link names. */
  #named(entry: ImageEntry): Exclude<ImageEntry, LinkEntry> {
    if (entry.type !== "link") return entry;
    const number = this.#numbers.get(entry.target);
    // in a manifest the target of a link comes before it, and is not a link itself
    return this.#entries[number ?? 0] as Exclude<ImageEntry, LinkEntry>;
  }

  #open(path: BytePath): number {
    const { fd, path: at } = this.#tree.at(path);
    const flags = O.RDONLY | O.DIRECTORY | O.NOFOLLOW;
    try {
      return openAt(fd, at, { flags });
    } catch (error) {
      if (codeOf(error) !== "EACCES" || !this.#options.makeReadable) throw error;
      chmodAt(fd, at, 0o700);
      return openAt(fd, at, { flags });
    }
  }

  /** Of a mount point: the status of the file system's root. */
  #statusOf(path: BytePath, { directory, name }: { directory: number; name: BytePath }): FileStatus {
    if (!this.#tree.isMount(path)) return statAt(directory, name);
    return statOf(this.#tree.at(path).fd);
  }

  /** Undefined if it has vanished, as files of a running system do. */
  #ifThere<T>(look: () => T): T | undefined {
    try {
      return look();
    } catch (error) {
      if (!this.#options.live || !vanished(error)) throw error;
      return undefined;
    }
  }

  #share(number: number, { deviceMajor, deviceMinor, inode, links }: FileStatus): void {
    const key = `${deviceMajor}:${deviceMinor}:${inode}`;
    const names = this.#shared.get(key);
    if (names) names.entries.push(number);
    else this.#shared.set(key, { entries: [number], links });
  }

  /**
   * The names of one inode stay only if they are exactly those of one entry and its hard links. Otherwise a change
   * through one name would show up under another.
   */
  #judgeShared(): void {
    for (const { entries, links } of this.#shared.values()) {
      const [first, ...others] = entries.toSorted((a, b) => a - b).map((n) => this.#entries[n] as ImageEntry);
      const sound = first?.type !== "link" && links === entries.length &&
        others.every((other) => other.type === "link" && other.target === first?.path);
      if (sound) continue;
      for (const number of entries) {
        this.#present[number] = 0;
        this.#unwanted.push((this.#entries[number] as ImageEntry).path);
      }
    }
  }
}

function wantedFlags(entry: Exclude<ImageEntry, LinkEntry> | undefined): number {
  return entry?.inode?.flags ?? 0;
}

function contradiction(path: BytePath): RackseedError {
  return new RackseedError(`cannot keep what lies below /${displayPath(path)}`, {
    reason: "the image has something other than a directory there.",
    remedy: "keep another path, or move the data.",
    status: 409,
  });
}

function isOfKind(
  entry: Exclude<ImageEntry, LinkEntry>,
  { status, directory, name }: { status: FileStatus; directory: number; name: BytePath },
): boolean {
  switch (entry.type) {
    case "symlink":
      return status.type === "symlink" && readLinkAt(directory, name) === entry.target;
    case "char":
    case "block":
      return status.type === entry.type && status.major === entry.major && status.minor === entry.minor;
    case "directory":
    case "file":
    case "fifo":
      return status.type === entry.type;
  }
}
