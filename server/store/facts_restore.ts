/** Reads the backup of a data directory's own facts back; see facts_archive.ts. */
import { createHash } from "node:crypto";
import { messageOf, RackseedError } from "#contract/errors.ts";
import { openDatabase } from "./database.ts";
import { removeSync, sizeOf } from "./durable.ts";
import { badArchive, FactsIndex, INDEX, MAX_INDEX_BYTES } from "./facts_archive.ts";
import { BLOCK_BYTES, padding, parseHeader } from "#tar/ustar.ts";

/** What a restore writes, after setting aside what exists. */
const REPLACED = [
  "rackseed.db",
  "rackseed.db-wal",
  "rackseed.db-shm",
  "token",
  "url",
  "tls",
  "keys",
  "identities",
  "standby.json",
];
const CHUNK_BYTES = 1 << 20;

interface Restored {
  readonly created: string;
  readonly files: number;
  /** The folder with the earlier facts. */
  readonly setAside: string | undefined;
  /** Files that the database refers to and the directory does not have, or not in that size. */
  readonly missing: readonly string[];
}

/**
 * Restores an archive. The caller has locked `data`. The whole archive is checked before anything changes. Throws
 * RackseedError, and without `force` also if it would replace facts.
 */
export function restoreFacts(
  archive: string,
  { data, force, now }: { data: string; force: boolean; now: Date },
): Restored {
  const there = factsIn(data);
  if (there.length > 0 && !force) {
    throw new RackseedError(`cannot restore into ${data}`, {
      reason: `it has facts of its own: ${there.join(", ")}. Nothing was changed.`,
      remedy: "give --force to set them aside in a folder there, or restore into an empty --data DIR.",
    });
  }
  const scratch = `${data}/restore.new`;
  removeSync(scratch);
  try {
    const index = unpack(archive, scratch);
    const setAside = there.length === 0 ? undefined : setAsideFacts(data, now);
    for (const name of REPLACED) {
      if (isThere(`${scratch}/${name}`)) Deno.renameSync(`${scratch}/${name}`, `${data}/${name}`);
    }
    syncFolder(data);
    return { created: index.created, files: index.files.length, setAside, missing: missingOf(index, data) };
  } finally {
    removeSync(scratch);
  }
}

/** Facts that a restore, or a standby's copy, would replace. */
export function factsIn(data: string): string[] {
  return REPLACED.filter((name) => name !== "url" && isThere(`${data}/${name}`));
}

/** Moves them into a folder of the data directory, and returns it. */
export function setAsideFacts(data: string, now: Date): string {
  const folder = `${data}/before-restore-${now.toISOString().replace(/\D/g, "").slice(0, 14)}`;
  Deno.mkdirSync(folder, { mode: 0o700 });
  for (const name of REPLACED) {
    if (isThere(`${data}/${name}`)) Deno.renameSync(`${data}/${name}`, `${folder}/${name}`);
  }
  return folder;
}

/** Writes the archive's files below `folder`, checks each one, and opens the database once. */
function unpack(archive: string, folder: string): FactsIndex {
  try {
    for (const name of ["tls", "keys", "identities"]) {
      Deno.mkdirSync(`${folder}/${name}`, { recursive: true, mode: 0o700 });
    }
    using file = Deno.openSync(archive);
    const index = readIndex(file, archive);
    for (const { path, sizeBytes, sha256 } of index.files) {
      const member = readHeader(file, archive);
      if (member?.path !== path || member.sizeBytes !== sizeBytes) {
        throw badArchive(archive, `${path} is missing in it`);
      }
      const found = copyMember(file, `${folder}/${path}`, sizeBytes);
      if (found !== sha256) throw badArchive(archive, `${path} in it is damaged`);
    }
    if (!index.files.some(({ path }) => path === "rackseed.db")) {
      throw badArchive(archive, "it has no database");
    }
    openDatabase(`${folder}/rackseed.db`).close();
    return index;
  } catch (error) {
    if (error instanceof RackseedError) throw error;
    throw badArchive(archive, messageOf(error));
  }
}

function readIndex(file: Deno.FsFile, archive: string): FactsIndex {
  const header = readHeader(file, archive);
  if (header?.path !== INDEX || header.sizeBytes > MAX_INDEX_BYTES) {
    throw badArchive(archive, "it is not a backup of a Rackseed server");
  }
  const bytes = readExactly(file, header.sizeBytes);
  skipPadding(file, header.sizeBytes);
  const parsed = FactsIndex.safeParse(JSON.parse(new TextDecoder().decode(bytes)));
  if (!parsed.success) throw badArchive(archive, "its index is damaged, or of another version of Rackseed");
  return parsed.data;
}

/** The next member of an archive that Rackseed wrote: a plain file. Undefined at the archive's end. */
function readHeader(file: Deno.FsFile, archive: string): { path: string; sizeBytes: number } | undefined {
  const header = parseHeader(readExactly(file, BLOCK_BYTES));
  if (header && header.type !== "0") throw badArchive(archive, "Rackseed did not write this tar");
  return header && { path: header.name, sizeBytes: header.sizeBytes };
}

/** Returns the SHA-256 of what was copied. */
function copyMember(file: Deno.FsFile, path: string, sizeBytes: number): string {
  const hash = createHash("sha256");
  using out = Deno.openSync(path, {
    write: true,
    createNew: true,
    mode: path.endsWith("ca.pem") ? 0o644 : 0o600,
  });
  for (let left = sizeBytes; left > 0;) {
    const chunk = readExactly(file, Math.min(left, CHUNK_BYTES));
    hash.update(chunk);
    for (let at = 0; at < chunk.length;) at += out.writeSync(chunk.subarray(at));
    left -= chunk.length;
  }
  out.syncSync();
  skipPadding(file, sizeBytes);
  return hash.digest("hex");
}

function skipPadding(file: Deno.FsFile, sizeBytes: number): void {
  readExactly(file, padding(sizeBytes).length);
}

function readExactly(file: Deno.FsFile, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length;) {
    const got = file.readSync(bytes.subarray(at));
    if (got === null) throw new RangeError("it is cut off");
    at += got;
  }
  return bytes;
}

function missingOf({ elsewhere }: FactsIndex, data: string): string[] {
  return elsewhere.filter(({ path, sizeBytes }) => sizeOf(`${data}/${path}`) !== sizeBytes).map(({ path }) =>
    path
  );
}

function isThere(path: string): boolean {
  return sizeOf(path) !== undefined;
}

function syncFolder(path: string): void {
  using folder = Deno.openSync(path);
  folder.syncSync();
}
