/** What differs between two versions, counted by folder: made once, and shown folder by folder. */
import { ChangeCounts, ChangeKind, type DiffFolder, type DiffRow } from "#contract/api/files.ts";
import { type BytePath, comparePaths, parentOf, toJsonPath } from "#contract/format/byte_path.ts";
import { changeAt, differences, kindsOf, type Pair, type Versions } from "./differences.ts";
import { isPrivate, nameOf } from "./file_views.ts";

const KINDS = ChangeKind.options;
const NONE = -1;

/** A folder with changes below it. Folders are in the order of their paths, so those below follow it. */
interface Folder {
  readonly path: BytePath;
  /** Its first change; changes are in the order of paths as well. */
  readonly first: number;
  /** The first change, and the first folder, that is not below it. */
  end: number;
  next: number;
  readonly counts: Uint32Array;
  newBytes: number;
}

export class TreeDiff {
  readonly #olds: number[] = [];
  readonly #nows: number[] = [];
  readonly #folders: Folder[] = [];
  readonly #byPath = new Map<string, number>();

  /** Reads both versions, in turns. */
  static async make(versions: Versions): Promise<TreeDiff> {
    const diff = new TreeDiff();
    const around: Folder[] = [];
    for await (const { old, now, change } of differences(versions)) {
      const path = now === undefined ? versions.from.path(old as number) : versions.to.path(now);
      diff.#open(around, path === "" ? undefined : parentOf(path));
      diff.#olds.push(old ?? NONE);
      diff.#nows.push(now ?? NONE);
      const kinds = kindsOf(change);
      for (const folder of around) {
        for (const kind of kinds) bump(folder.counts, KINDS.indexOf(kind));
        if (change.change !== "removed") folder.newBytes += change.bytes ?? 0;
      }
    }
    diff.#close(around, 0);
    return diff;
  }

  /** Throws if `around` is not a chain of folders. `path` undefined: the root itself changed, which is in no folder. */
  #open(around: Folder[], path: BytePath | undefined): void {
    const isAround = (folder: Folder) =>
      path !== undefined &&
      (folder.path === "" || path === folder.path || path.startsWith(`${folder.path}/`));
    let kept = around.length;
    while (kept > 0 && !isAround(around[kept - 1] as Folder)) kept--;
    this.#close(around, kept);
    if (path === undefined) return;
    const parts = path === "" ? [] : path.split("/");
    for (let depth = around.length; depth <= parts.length; depth++) {
      const folder: Folder = {
        path: parts.slice(0, depth).join("/") as BytePath,
        first: this.#olds.length,
        end: 0,
        next: 0,
        counts: new Uint32Array(KINDS.length),
        newBytes: 0,
      };
      this.#byPath.set(folder.path, this.#folders.length);
      this.#folders.push(folder);
      around.push(folder);
    }
  }

  #close(around: Folder[], kept: number): void {
    for (const folder of around.splice(kept)) {
      folder.end = this.#olds.length;
      folder.next = this.#folders.length;
    }
  }

  /** Rows after `after`, a path; `kinds`: only what changed in one of these. */
  folder(
    path: BytePath,
    versions: Versions,
    { kinds, after }: { kinds?: readonly ChangeKind[] | undefined; after?: BytePath | undefined } = {},
  ): Omit<DiffFolder, "rows"> & { readonly rows: Iterable<DiffRow> } {
    const number = this.#byPath.get(path), folder = number === undefined ? undefined : this.#folders[number];
    if (number === undefined || !folder) {
      return { path: toJsonPath(path), changes: 0, counts: {}, newBytes: 0, rows: [] };
    }
    return {
      path: toJsonPath(path),
      ...totals(folder),
      rows: this.#rows(number, versions, { kinds, after }),
    };
  }

  *#rows(
    number: number,
    versions: Versions,
    { kinds, after }: { kinds: readonly ChangeKind[] | undefined; after: BytePath | undefined },
  ): Generator<DiffRow> {
    for (const { path, change, below } of this.#parts(number, versions)) {
      if (after !== undefined && comparePaths(path, after) <= 0) continue;
      if (kinds && !hasOneOf(below, kinds) && !this.#isOf(change, versions, kinds)) continue;
      yield {
        name: nameOf(path),
        path: toJsonPath(path),
        ...this.#ownChange(change, versions),
        ...(below && { below: totals(below) }),
      };
    }
  }

  /** The changed entries of a folder, and its folders with changes below; a changed folder of that kind is one part. */
  *#parts(
    number: number,
    versions: Versions,
  ): Generator<{ readonly path: BytePath; readonly change?: number; readonly below?: Folder }> {
    const folder = this.#folders[number] as Folder;
    let at = folder.first;
    for (let n = number + 1; n < folder.next; n = (this.#folders[n] as Folder).next) {
      const below = this.#folders[n] as Folder;
      for (; at < below.first; at++) {
        const path = this.#path(at, versions);
        if (path !== below.path) yield { path, change: at };
        else yield { path, change: at, below };
      }
      if (this.#path(at - 1, versions) !== below.path) yield { path: below.path, below };
      at = below.end;
    }
    for (; at < folder.end; at++) yield { path: this.#path(at, versions), change: at };
  }

  #isOf(change: number | undefined, versions: Versions, kinds: readonly ChangeKind[]): boolean {
    const found = change === undefined ? undefined : changeAt(this.#pair(change), versions);
    return found !== undefined && kindsOf(found).some((kind) => kinds.includes(kind));
  }

  #ownChange(change: number | undefined, versions: Versions) {
    const found = change === undefined ? undefined : changeAt(this.#pair(change), versions);
    if (change === undefined || !found) return { type: "directory" as const, kinds: [] };
    const { old, now } = this.#pair(change);
    const sides = [
      old === undefined ? undefined : versions.from.entry(old),
      now === undefined ? undefined : versions.to.entry(now),
    ];
    return {
      type: found.type,
      change: found.change,
      kinds: kindsOf(found),
      ...(found.bytes !== undefined && { bytes: found.bytes }),
      ...(found.what && { what: found.what }),
      ...(sides.some((entry) => entry && isPrivate(entry)) && { isPrivate: true as const }),
    };
  }

  #pair(change: number): Pair {
    const old = this.#olds[change] ?? NONE, now = this.#nows[change] ?? NONE;
    return { old: old === NONE ? undefined : old, now: now === NONE ? undefined : now };
  }

  /** "" if there is no such change. */
  #path(change: number, { from, to }: Versions): BytePath {
    const { old, now } = this.#pair(change);
    return now !== undefined ? to.path(now) : old !== undefined ? from.path(old) : "" as BytePath;
  }
}

function hasOneOf(folder: Folder | undefined, kinds: readonly ChangeKind[]): boolean {
  return folder !== undefined && kinds.some((kind) => (folder.counts[KINDS.indexOf(kind)] ?? 0) > 0);
}

function bump(counts: Uint32Array, at: number): void {
  counts[at] = (counts[at] ?? 0) + 1;
}

function totals({ first, end, counts, newBytes }: Folder) {
  const named = KINDS.map((kind, i) => [kind, counts[i] ?? 0] as const).filter(([, n]) => n > 0);
  return { changes: end - first, counts: Object.fromEntries(named) as ChangeCounts, newBytes };
}
