/** The small files of a data directory that a standby keeps as well, and which of them have changed. */
import { createHash } from "node:crypto";
import { sizeOf } from "../store/durable.ts";
import { ContentPath, MAX_RECORD_BYTES, SmallPath } from "./records.ts";

/** Folders of few files, and those of one file for each node, which are looked through only if they changed. */
const SMALL_FOLDERS = ["tls", "keys", "power-commands"], LARGE_FOLDERS = ["identities"];
const TOP = ["token", "late-machines.json"];
/** How often a large folder is looked through while it changes. */
const RESCAN_MS = 500;
/** A directory of a thousand nodes must not stop the server for long. */
const AT_ONCE = 200;

interface SmallFile {
  readonly path: string;
  readonly mode: number;
  readonly content: Uint8Array;
}

/** Follows the files for one standby. */
export class SmallFiles {
  readonly #data: string;
  readonly #now: () => number;
  /** By path, what they looked like when they were last sent. */
  readonly #seen = new Map<string, string>();
  readonly #folders = new Map<string, { readonly mtimeMs: number; readonly atMs: number }>();

  constructor(data: string, { now }: { now: () => number }) {
    this.#data = data;
    this.#now = now;
  }

  /** Those that have changed since the last call, and the paths of those that are gone. */
  async *changes(): AsyncGenerator<SmallFile | { readonly path: string; readonly content?: undefined }> {
    const present = new Set<string>(), skipped: string[] = [];
    let looked = 0;
    for (const path of TOP) present.add(path);
    for (const folder of SMALL_FOLDERS) for (const path of this.#list(folder)) present.add(path);
    for (const folder of LARGE_FOLDERS) {
      if (this.#isUnchanged(folder)) skipped.push(`${folder}/`);
      else for (const path of this.#list(folder)) present.add(path);
    }
    for (const path of present) {
      if (++looked % AT_ONCE === 0) await new Promise((resolve) => setTimeout(resolve, 0));
      const look = this.#look(path);
      if (look === undefined || look.text === this.#seen.get(path)) continue;
      const content = readIfThere(`${this.#data}/${path}`);
      if (content === undefined) continue;
      this.#seen.set(path, look.text);
      yield { path, mode: look.mode, content };
    }
    for (const path of [...this.#seen.keys()]) {
      if (skipped.some((folder) => path.startsWith(folder))) continue;
      if (present.has(path) && sizeOf(`${this.#data}/${path}`) !== undefined) continue;
      this.#seen.delete(path);
      yield { path };
    }
  }

  #isUnchanged(folder: string): boolean {
    const mtimeMs = Deno.statSync(`${this.#data}/${folder}`).mtime?.getTime() ?? 0;
    const last = this.#folders.get(folder), atMs = this.#now();
    if (last && (last.mtimeMs === mtimeMs || atMs - last.atMs < RESCAN_MS)) return true;
    // what changes within the clock's step is seen by the next look
    this.#folders.set(folder, { mtimeMs: atMs - mtimeMs < RESCAN_MS ? -1 : mtimeMs, atMs });
    return false;
  }

  #list(folder: string): string[] {
    return namesIn(`${this.#data}/${folder}`).map((name) => `${folder}/${name}`).filter(isSmall);
  }

  #look(path: string): { text: string; mode: number } | undefined {
    try {
      const { mtime, size, ino, mode, isFile } = Deno.lstatSync(`${this.#data}/${path}`);
      if (!isFile || size > MAX_RECORD_BYTES) return undefined;
      return { text: `${mtime?.getTime()} ${size} ${ino}`, mode: (mode ?? 0o600) & 0o777 };
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
  }
}

/** SHA-256 of each small file in the directory, by path. */
export function digestsOf(data: string): Record<string, string> {
  const paths = [...SMALL_FOLDERS, ...LARGE_FOLDERS]
    .flatMap((folder) => namesIn(`${data}/${folder}`).map((name) => `${folder}/${name}`));
  const digests: Record<string, string> = {};
  for (const path of [...TOP, ...paths.filter(isSmall)]) {
    const content = readIfThere(`${data}/${path}`);
    if (content) digests[path] = digestOf(content);
  }
  return digests;
}

export function digestOf(content: Uint8Array): string {
  return createHash("sha256").update(content).digest("hex").slice(0, 32);
}

/** Files of published versions and complete packs, with their sizes. */
export function contentOf(data: string): { path: string; sizeBytes: number }[] {
  const folders = ["packs", ...namesIn(`${data}/versions`).map((name) => `versions/${name}`)];
  return folders.flatMap((folder) => namesIn(`${data}/${folder}`).map((name) => `${folder}/${name}`))
    .filter((path) => ContentPath.safeParse(path).success)
    .flatMap((path) => {
      const sizeBytes = sizeOf(`${data}/${path}`);
      return sizeBytes === undefined ? [] : [{ path, sizeBytes }];
    }).sort((one, other) => one.path < other.path ? -1 : 1);
}

function isSmall(path: string): boolean {
  return !path.endsWith(".new") && SmallPath.safeParse(path).success;
}

function namesIn(folder: string): string[] {
  try {
    return [...Deno.readDirSync(folder)].map(({ name }) => name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return [];
    throw error;
  }
}

function readIfThere(path: string): Uint8Array | undefined {
  try {
    return Deno.readFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
