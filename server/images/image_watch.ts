/** Watches the files of published versions: one that is missing, truncated or changed is reported within seconds. */
import { getLogger } from "@logtape/logtape";
import { damagedCopy } from "#contract/damaged_copy.ts";
import { messageOf, type RackseedError } from "#contract/errors.ts";
import { sha256OfPack } from "#contract/format/sha256.ts";
import type { Notices } from "./notices.ts";
import type { PublishedVersion } from "../store/versions.ts";

const log = getLogger(["rackseed", "images"]);

interface WatchedFile {
  readonly path: string;
  readonly name: string;
  readonly sizeBytes: number;
  readonly sha256: string;
  /** Hashed at every start. A pack is not: it is hashed once it has changed, and piece by piece as it is served. */
  readonly small: boolean;
}

interface ImageWatchOptions {
  /** Names of all versions, "web@1"; called in every round, so it must be cheap. */
  readonly refs: () => readonly string[];
  readonly published: (ref: string) => PublishedVersion;
  /** Whether the file is only in the pack store now. */
  readonly isElsewhere: (path: string) => boolean;
  readonly hashFile: (path: string) => Promise<{ sha256: string }>;
  readonly notices: Notices;
}

export class ImageWatch {
  readonly #options: ImageWatchOptions;
  /** By version. */
  readonly #files = new Map<string, readonly WatchedFile[]>();
  /** By path: the file's stamp when it was last checked, and what was wrong with it. */
  readonly #checked = new Map<string, { readonly stamp: string; readonly damage: string | undefined }>();
  /** Stamps and hashes of files found correct: versions share boot files as links to one file, which is read once. */
  readonly #whole = new Set<string>();
  #running = false;

  constructor(options: ImageWatchOptions) {
    this.#options = options;
  }

  /** Checks every file, and reads those that changed. Returns at once while a round is under way. */
  async check(signal: AbortSignal): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    try {
      this.#updateVersions();
      for (const [ref, files] of this.#files) {
        for (const file of files) {
          signal.throwIfAborted();
          await this.#checkFile(file);
        }
        signal.throwIfAborted();
        this.#notice(ref);
      }
    } catch (error) {
      if (!signal.aborted) log.error("watch-failed", { error: messageOf(error) });
    } finally {
      this.#running = false;
    }
  }

  /** A file appeared damaged while it was served. The next round reads it whole, and clears it if it is sound. */
  found(path: string, damage: string): void {
    this.#checked.set(path, { stamp: SUSPECT, damage });
    for (const [ref, files] of this.#files) if (files.some((file) => file.path === path)) this.#notice(ref);
  }

  /** Whether a file is known to differ from what was published. */
  isDamaged(path: string): boolean {
    return this.#checked.get(path)?.damage !== undefined;
  }

  /** Why the version must not be deployed; undefined if it is not known to be damaged. */
  damageOf(ref: string): RackseedError | undefined {
    const [what] = this.#damagesOf(ref);
    return what === undefined ? undefined : damagedCopy(ref, what);
  }

  /** Begins to watch new versions, and forgets deleted ones. */
  #updateVersions(): void {
    const refs = new Set(this.#options.refs());
    for (const ref of refs) {
      if (!this.#files.has(ref)) this.#files.set(ref, filesOf(this.#options.published(ref)));
    }
    for (const [ref, files] of [...this.#files]) {
      if (refs.has(ref)) continue;
      this.#files.delete(ref);
      const others = new Set(this.#files.values().flatMap((kept) => kept.map(({ path }) => path)));
      for (const { path } of files) if (!others.has(path)) this.#checked.delete(path);
      this.#options.notices.set(`image ${ref}`, undefined);
    }
  }

  async #checkFile({ path, name, sizeBytes, sha256, small }: WatchedFile): Promise<void> {
    const stamp = stampOf(path);
    const before = this.#checked.get(path);
    if (before?.stamp === stamp) return;
    if (stamp === MISSING && this.#options.isElsewhere(path)) {
      // checked when it comes back
      this.#checked.delete(path);
      return;
    }
    const size = Number(stamp.split(" ")[0]);
    let damage: string | undefined;
    if (stamp === MISSING) damage = `${name}: it is missing`;
    else if (size !== sizeBytes) damage = `${name}: it has ${size} bytes instead of ${sizeBytes}`;
    else if (
      (small || before !== undefined) && (before?.stamp === SUSPECT || !this.#whole.has(`${stamp} ${sha256}`))
    ) {
      const hash = await this.#options.hashFile(path).catch(messageOf);
      if (typeof hash === "string") {
        this.#checked.set(path, { stamp: SUSPECT, damage: `${name}: ${hash}` });
        return;
      }
      if (hash.sha256 !== sha256) damage = `${name}: its content is not what was published`;
    }
    if (damage === undefined && small) this.#whole.add(`${stamp} ${sha256}`);
    this.#checked.set(path, { stamp, damage });
  }

  #damagesOf(ref: string): string[] {
    return (this.#files.get(ref) ?? []).flatMap(({ path }) => this.#checked.get(path)?.damage ?? []);
  }

  #notice(ref: string): void {
    const damages = this.#damagesOf(ref);
    const more = damages.length > 1 ? ` (and ${damages.length - 1} more)` : "";
    this.#options.notices.set(
      `image ${ref}`,
      damages.length === 0 ? undefined : {
        subject: ref,
        problem: `the server's copy is damaged: ${damages[0]}${more}`,
        remedy: damagedCopy(ref, "").remedy,
      },
    );
  }
}

/** Stamp of a file that the next round must read. */
const SUSPECT = "suspect";
const MISSING = "missing";

/** Changes whenever a program changes the file's content. */
function stampOf(path: string): string {
  try {
    const { size, ino, ctime, mtime } = Deno.statSync(path);
    // the runtime reports change times in whole seconds only
    return `${size} ${ino} ${ctime?.getTime()} ${mtime?.getTime()}`;
  } catch (error) {
    return error instanceof Deno.errors.NotFound ? MISSING : `unreadable: ${messageOf(error)}`;
  }
}

function filesOf({ files, folder, payload }: PublishedVersion): WatchedFile[] {
  return [
    ...files.map((file) => ({ ...file, path: `${folder}/${file.name}`, small: true })),
    ...payload.slice(1).map((pack) => ({ ...pack, sha256: sha256OfPack(pack.name), small: false })),
  ];
}
