/** Looks after the files of published versions: what is missing, cut off or changed is named within seconds. */
import { getLogger } from "@logtape/logtape";
import { damagedCopy } from "#contract/damaged_copy.ts";
import { messageOf, type RackseedError } from "#contract/errors.ts";
import type { Notices } from "./notices.ts";
import type { PublishedVersion } from "./store/versions.ts";

const log = getLogger(["rackseed", "images"]);

interface WatchedFile {
  readonly path: string;
  readonly name: string;
  readonly sizeBytes: number;
  readonly sha256: string;
  /** Small enough to be hashed at every start. A pack is hashed once it changed, and piece by piece as it is served. */
  readonly small: boolean;
}

export interface ImageWatchOptions {
  readonly versions: () => readonly PublishedVersion[];
  readonly hashFile: (path: string) => Promise<{ sha256: string }>;
  readonly notices: Notices;
}

export class ImageWatch {
  readonly #options: ImageWatchOptions;
  /** By path: the state in which a file was last judged, and what was wrong with it. */
  readonly #judged = new Map<string, { readonly stamp: string; readonly damage: string | undefined }>();
  readonly #noticed = new Set<string>();
  #running = false;

  constructor(options: ImageWatchOptions) {
    this.#options = options;
  }

  /** Looks at every file, and reads those that changed. Returns at once while a round is under way. */
  async look(signal: AbortSignal): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    try {
      for (const version of this.#options.versions()) {
        for (const file of filesOf(version)) {
          signal.throwIfAborted();
          await this.#judge(file);
        }
        this.#notice(version);
      }
      this.#forgetDeleted();
    } catch (error) {
      if (!signal.aborted) log.error("watch-failed", { error: messageOf(error) });
    } finally {
      this.#running = false;
    }
  }

  /** A file looked damaged while it was served. The next round reads it whole, and clears it if it is not. */
  found(path: string, damage: string): void {
    this.#judged.set(path, { stamp: "suspect", damage });
    for (const version of this.#options.versions()) {
      if (filesOf(version).some((file) => file.path === path)) this.#notice(version);
    }
  }

  /** Why the version must not be deployed; undefined where nothing is known against it. */
  damageOf(version: PublishedVersion): RackseedError | undefined {
    const [what] = this.#damagesOf(version);
    return what === undefined ? undefined : damagedCopy(`${version.image}@${version.version}`, what);
  }

  async #judge({ path, name, sizeBytes, sha256, small }: WatchedFile): Promise<void> {
    const stamp = stampOf(path);
    const before = this.#judged.get(path);
    if (before?.stamp === stamp) return;
    const size = Number(stamp.split(" ")[0]);
    let damage: string | undefined;
    if (stamp === MISSING) damage = `${name}: it is missing`;
    else if (size !== sizeBytes) damage = `${name}: it has ${size} bytes instead of ${sizeBytes}`;
    else if (small || before !== undefined) {
      const hash = await this.#options.hashFile(path).catch(messageOf);
      if (typeof hash === "string") damage = `${name}: ${hash}`;
      else if (hash.sha256 !== sha256) damage = `${name}: it is not what was published`;
    }
    this.#judged.set(path, { stamp, damage });
  }

  #damagesOf(version: PublishedVersion): string[] {
    return filesOf(version).flatMap(({ path }) => this.#judged.get(path)?.damage ?? []);
  }

  #notice(version: PublishedVersion): void {
    const named = `${version.image}@${version.version}`;
    const damages = this.#damagesOf(version);
    if (damages.length > 0) this.#noticed.add(named);
    const more = damages.length > 1 ? ` (and ${damages.length - 1} more)` : "";
    this.#options.notices.set(
      `image ${named}`,
      damages.length === 0 ? undefined : {
        subject: named,
        problem: `the server's copy is damaged: ${damages[0]}${more}`,
        remedy: damagedCopy(named, "").remedy,
      },
    );
  }

  #forgetDeleted(): void {
    const there = new Set(this.#options.versions().map((v) => `${v.image}@${v.version}`));
    for (const named of this.#noticed) {
      if (there.has(named)) continue;
      this.#noticed.delete(named);
      this.#options.notices.set(`image ${named}`, undefined);
    }
  }
}

const MISSING = "missing";

/** Changes with everything that a program can do to the file's content. */
function stampOf(path: string): string {
  try {
    const { size, ino, ctime } = Deno.statSync(path);
    return `${size} ${ino} ${ctime?.getTime()}`;
  } catch (error) {
    return error instanceof Deno.errors.NotFound ? MISSING : `unreadable: ${messageOf(error)}`;
  }
}

function filesOf({ files, folder, payload }: PublishedVersion): WatchedFile[] {
  return [
    ...files.map((file) => ({ ...file, path: `${folder}/${file.name}`, small: true })),
    ...payload.slice(1).map((pack) => ({ ...pack, sha256: pack.name.slice(0, 64), small: false })),
  ];
}
