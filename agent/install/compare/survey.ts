/**
 * What stands below a target, compared with a manifest by names and kinds only: nothing is changed and no content
 * is read. No symlink is followed, so that an odd tree never leads out: a directory is entered only where all that
 * leads to it was seen to be directories.
 */
import { type BytePath, displayPath, joinPath } from "#contract/format/byte_path.ts";
import { RackseedError } from "#contract/errors.ts";
import { APPEND, IMMUTABLE } from "#contract/format/inode_flags.ts";
import type { Manifest } from "#contract/format/manifest.ts";
import { codeOf } from "../../sys/errno.ts";
import { type FileStatus, statAt, statOf } from "../../sys/file_status.ts";
import { chmodAt, close, O, openAt, readDirectory, readLinkAt } from "../../sys/libc.ts";
import type { ImageEntry, LinkEntry } from "../extract/frame_plan.ts";
import type { KeptPaths } from "./kept_paths.ts";

interface Survey {
  /** By entry number: 1 where something of the entry's kind stands, with its link target or device numbers. */
  readonly present: Uint8Array;
  /** What has to go: paths of no entry, topmost only, and what is of another kind than its entry. */
  readonly unwanted: readonly BytePath[];
  /** How many of the unwanted belong to no entry. */
  readonly unknown: number;
  /** What is immutable or append-only, and should not be. */
  readonly locked: ReadonlySet<BytePath>;
}

interface SurveyOptions {
  readonly manifest: Manifest;
  /** Left out: neither looked at nor unwanted. */
  readonly kept: Pick<KeptPaths, "has" | "leadsTo">;
  /** Whether a path of no entry was left out of the image on purpose: it is none of the unwanted. */
  readonly isExcluded?: IsExcluded | undefined;
  /** Directories of our own that we may not read are made readable; else they fail the survey. */
  readonly makeReadable: boolean;
  /** Told of all that stands at the path of an entry of its kind. */
  readonly onEntry?: ((entry: number, status: FileStatus) => void) | undefined;
}

export type IsExcluded = (path: BytePath, options: { isDirectory: boolean }) => boolean;

/** `root`: descriptor of the target. Throws SysError where it cannot be read, RackseedError where it contradicts what is to be kept. */
export function surveyTree(root: number, options: SurveyOptions): Survey {
  const walk = new Walk(root, options);
  walk.run();
  return walk.result();
}

const LOCKS = IMMUTABLE | APPEND;

/** Names of one file, by what the kernel knows it by. */
interface Names {
  readonly entries: number[];
  readonly links: number;
}

class Walk {
  readonly #root: number;
  readonly #options: SurveyOptions;
  readonly #entries: readonly ImageEntry[];
  readonly #numbers: ReadonlyMap<BytePath, number>;
  readonly #present: Uint8Array;
  readonly #unwanted: BytePath[] = [];
  readonly #shared = new Map<string, Names>();
  readonly #locked = new Set<BytePath>();
  #unknown = 0;

  constructor(root: number, options: SurveyOptions) {
    this.#root = root;
    this.#options = options;
    this.#entries = options.manifest.entries;
    this.#numbers = new Map(this.#entries.map(({ path }, number) => [path, number]));
    this.#present = new Uint8Array(this.#entries.length);
  }

  run(): void {
    this.#present[0] = 1;
    const open = ["" as BytePath];
    for (let path = open.pop(); path !== undefined; path = open.pop()) open.push(...this.#directory(path));
    this.#judgeShared();
  }

  result(): Survey {
    const [present, unwanted] = [this.#present, this.#unwanted];
    return { present, unwanted, unknown: this.#unknown, locked: this.#locked };
  }

  /** Looks at all names of one directory; returns those directories of the manifest that are in it. */
  #directory(path: BytePath): BytePath[] {
    const below: BytePath[] = [];
    const fd = this.#open(path);
    try {
      for (const name of readDirectory(fd)) {
        const child = joinPath(path, name);
        if (this.#options.kept.has(child)) continue;
        const status = statAt(fd, name);
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
          // every fresh ext file system has one
          const own = name === "lost+found" && status.type === "directory" && statOf(fd).mountRoot !== false;
          if (own || this.#options.isExcluded?.(child, { isDirectory: status.type === "directory" })) {
            continue;
          }
          this.#unknown++;
          this.#unwanted.push(child);
        } else if (!isOfKind(this.#named(entry), { status, directory: fd, name })) {
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

  /** What an entry is a name of. */
  #named(entry: ImageEntry): Exclude<ImageEntry, LinkEntry> {
    if (entry.type !== "link") return entry;
    const number = this.#numbers.get(entry.target);
    // a manifest has what a link names before it, and that is no link
    return this.#entries[number ?? 0] as Exclude<ImageEntry, LinkEntry>;
  }

  #open(path: BytePath): number {
    const at = path || "." as BytePath;
    const flags = O.RDONLY | O.DIRECTORY | O.NOFOLLOW;
    try {
      return openAt(this.#root, at, { flags });
    } catch (error) {
      if (codeOf(error) !== "EACCES" || !this.#options.makeReadable) throw error;
      chmodAt(this.#root, at, 0o700);
      return openAt(this.#root, at, { flags });
    }
  }

  #share(number: number, { deviceMajor, deviceMinor, inode, links }: FileStatus): void {
    const key = `${deviceMajor}:${deviceMinor}:${inode}`;
    const names = this.#shared.get(key);
    if (names) names.entries.push(number);
    else this.#shared.set(key, { entries: [number], links });
  }

  /**
   * Names of one file stay only where they are exactly the names that one entry and its hard links give it; else a
   * change by one name would change what another name shows.
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
    reason: "the image has something there that is no directory.",
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
