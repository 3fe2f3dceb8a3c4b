/** Writes the backup of a data directory's own facts; see facts_archive.ts. */
import { createHash } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import { bytePathOfText } from "#contract/format/byte_path.ts";
import { sha256OfPack } from "#contract/format/sha256.ts";
import { chunkStream } from "./chunk_stream.ts";
import type { DataDirectory } from "./data_directory.ts";
import { removeSync, sizeOf } from "./durable.ts";
import { type FactsIndex, INDEX } from "./facts_archive.ts";
import { END_BYTES, padding } from "#tar/ustar.ts";
import { encodeHeader } from "#tar/write_member.ts";
import { storeError } from "./store_error.ts";
import type { PublishedVersion } from "./versions.ts";

const CHUNK_BYTES = 256 << 10;

interface FactsSource {
  readonly directory: DataDirectory;
  readonly db: DatabaseSync;
  readonly versions: readonly PublishedVersion[];
  readonly created: Date;
}

interface Member {
  /** Its path in the archive. */
  readonly path: string;
  readonly file: string;
}

/** A snapshot of this moment; the server keeps running. Throws RackseedError, 507 if the disk is full. */
export function backUpFacts(source: FactsSource): ReadableStream<Uint8Array> {
  const { directory, db } = source;
  const copy = `${directory.staging}/backup-${crypto.randomUUID()}.db`;
  const discard = () => removeSync(copy);
  try {
    copyDatabase(db, copy);
    return chunkStream(archive(source, membersOf(directory, copy)), { end: discard });
  } catch (error) {
    discard();
    throw storeError("cannot back the server up", error);
  }
}

/** A consistent copy without a log. The table of leftovers concerns this directory only, so the copy has none. */
function copyDatabase(db: DatabaseSync, path: string): void {
  db.prepare("VACUUM INTO ?").run(path);
  Deno.chmodSync(path, 0o600);
  const copy = new DatabaseSync(path);
  try {
    copy.exec("DELETE FROM leftover");
  } finally {
    copy.close();
  }
}

function membersOf(directory: DataDirectory, database: string): Member[] {
  const identities = [...Deno.readDirSync(directory.identities)].map(({ name }) => `identities/${name}`)
    .filter((path) => /^identities\/[\w-]{1,80}\.json$/.test(path)).sort();
  // made with the first secret
  const secrets = sizeOf(`${directory.keys}/secrets.key`) === undefined ? [] : ["keys/secrets.key"];
  return [
    { path: "rackseed.db", file: database },
    ...["token", "tls/ca.pem", "tls/ca.key", "keys/signing.pem", ...secrets, ...identities]
      .map((path) => ({ path, file: `${directory.path}/${path}` })),
  ];
}

function* archive({ versions, created }: FactsSource, members: readonly Member[]): Generator<Uint8Array> {
  const index: FactsIndex = {
    format: "rackseed server backup",
    formatVersion: 1,
    created: created.toISOString(),
    files: members.map(({ path, file }) => ({ path, ...factsOf(file) })),
    elsewhere: elsewhereOf(versions),
  };
  const text = new TextEncoder().encode(`${JSON.stringify(index, undefined, 1)}\n`);
  yield header(INDEX, text.length, created);
  yield text;
  yield padding(text.length);
  for (const [i, { path, file }] of members.entries()) {
    const { sizeBytes } = index.files[i] ?? { sizeBytes: 0 };
    yield header(path, sizeBytes, created);
    for (const chunk of chunksOf(file)) yield chunk;
    yield padding(sizeBytes);
  }
  yield new Uint8Array(END_BYTES);
}

function header(path: string, sizeBytes: number, created: Date): Uint8Array {
  return encodeHeader({
    path: bytePathOfText(path),
    type: "0",
    mode: 0o600,
    uid: 0,
    gid: 0,
    mtimeSec: Math.floor(created.getTime() / 1000),
    mtimeNs: 0,
    xattrs: [],
    sizeBytes,
  });
}

function factsOf(file: string): { sizeBytes: number; sha256: string } {
  const hash = createHash("sha256");
  let sizeBytes = 0;
  for (const chunk of chunksOf(file)) {
    hash.update(chunk);
    sizeBytes += chunk.length;
  }
  return { sizeBytes, sha256: hash.digest("hex") };
}

function elsewhereOf(versions: readonly PublishedVersion[]): FactsIndex["elsewhere"] {
  const found = new Map<string, FactsIndex["elsewhere"][number]>();
  for (const { image, version, files, payload } of versions) {
    for (const { name, sizeBytes, sha256 } of files) {
      const path = `versions/${image}@${version}/${name}`;
      found.set(path, { path, sizeBytes, sha256 });
    }
    for (const { name, sizeBytes } of payload.slice(1)) {
      const path = `packs/${name}`;
      found.set(path, { path, sizeBytes, sha256: sha256OfPack(name) });
    }
  }
  return [...found.values()];
}

function* chunksOf(path: string): Generator<Uint8Array> {
  using file = Deno.openSync(path);
  for (;;) {
    const chunk = new Uint8Array(CHUNK_BYTES);
    const got = file.readSync(chunk);
    if (got === null) return;
    yield chunk.subarray(0, got);
  }
}
