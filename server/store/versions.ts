import type { Database, Statement } from "./engine.ts";
import { hasTable } from "./schema.ts";
import { z } from "zod";
import { Header } from "#contract/format/manifest.ts";
import type { Signed } from "./keys.ts";
import type { Lineage } from "./lineages.ts";
import type { Pack } from "./packs.ts";

/** A file of a version's folder, at the time of publication. */
const VersionFile = z.object({ name: z.string(), sizeBytes: z.int(), sha256: z.string() });
export type VersionFile = z.infer<typeof VersionFile>;

/** A published version in the database. */
export interface VersionRecord {
  readonly image: string;
  readonly version: number;
  /** SHA-256 of the manifest, hexadecimal, and its signature. */
  readonly id: string;
  readonly signature: string;
  readonly infoHash: string;
  /** The manifest's first line, verbatim and parsed. */
  readonly headerLine: string;
  readonly header: Header;
  readonly bootable: boolean;
  readonly bootNotes: readonly string[];
  readonly files: readonly VersionFile[];
  /** The node's name, if it is a backup. */
  readonly backupOf?: string;
  /** SPKI PEM of the upstream's key that signed it, if it is mirrored. */
  readonly publicKey?: string;
}

/** A published version with everything that swarm, boot and deployment need. */
export interface PublishedVersion extends VersionRecord {
  readonly folder: string;
  /** Opens frames and manifest: for armed nodes only. */
  readonly key: Uint8Array;
  /** SPKI PEM of the key that signed it. */
  readonly publicKey: string;
  /** The torrent's files, though not in its order: `manifest.rsm`, then the packs in the order of the manifest. */
  readonly payload: readonly { readonly name: string; readonly path: string; readonly sizeBytes: number }[];
  readonly torrentPath: string;
  /** They exist if the version is bootable. */
  readonly kernelPath: string;
  readonly initrdPath: string;
}

/** A finished capture, to be published. */
export interface NewVersion {
  readonly lineage: Lineage;
  readonly record: Omit<VersionRecord, "image" | "header">;
  /** In the order of the manifest, with the hashes of those that were parts until now. */
  readonly packs: readonly (Pack & { readonly sha256: string })[];
  /** Holds the version's files. */
  readonly stagingPath: string;
  /** Can stop the publication until its last moment. */
  readonly signal: AbortSignal;
}

const Row = z.object({
  image: z.string(),
  version: z.int(),
  id: z.string(),
  signature: z.string(),
  infoHash: z.string(),
  headerLine: z.string(),
  bootable: z.int(),
  bootNotes: z.string(),
  files: z.string(),
  backupOf: z.string().nullable(),
  publicKey: z.string().nullable(),
});

const SELECT = `SELECT image, version, version.id AS id, signature, info_hash AS infoHash,
  header AS headerLine, bootable, boot_notes AS bootNotes, files, node AS backupOf, public_key AS publicKey
  FROM version JOIN lineage ON lineage.id = version.lineage
    LEFT JOIN backup_lineage ON backup_lineage.lineage = version.lineage
    LEFT JOIN mirrored_lineage ON mirrored_lineage.lineage = version.lineage`;

type PackSize = Pick<Pack, "id" | "sizeBytes">;

export class Versions {
  readonly #insert: Statement;
  readonly #insertPack: Statement;
  readonly #list: Statement;
  readonly #refs: Statement;
  readonly #listOf: Statement;
  readonly #packs: Statement;
  readonly #allPacks: Statement;
  readonly #delete: Statement;
  readonly #unneededPacks: Statement;
  readonly #lenders: Statement;

  constructor(db: Database) {
    db.exec(`
      CREATE TABLE IF NOT EXISTS version (
        lineage INTEGER NOT NULL REFERENCES lineage, version INTEGER NOT NULL,
        id TEXT NOT NULL, signature TEXT NOT NULL, info_hash TEXT NOT NULL, header TEXT NOT NULL,
        bootable INTEGER NOT NULL, boot_notes TEXT NOT NULL, files TEXT NOT NULL,
        PRIMARY KEY (lineage, version)
      ) STRICT, WITHOUT ROWID;
      CREATE TABLE IF NOT EXISTS version_pack (
        lineage INTEGER NOT NULL, version INTEGER NOT NULL, number INTEGER NOT NULL,
        pack INTEGER NOT NULL REFERENCES pack,
        PRIMARY KEY (lineage, version, number),
        FOREIGN KEY (lineage, version) REFERENCES version ON DELETE CASCADE
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX IF NOT EXISTS version_pack_pack ON version_pack (pack);`);
    this.#insert = db.prepare("INSERT INTO version VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
    this.#insertPack = db.prepare("INSERT INTO version_pack VALUES (?, ?, ?, ?)");
    this.#list = db.prepare(`${SELECT} ORDER BY image, version`);
    this.#refs = db.prepare("SELECT image, version FROM version JOIN lineage ON lineage.id = lineage");
    this.#listOf = db.prepare(`${SELECT} WHERE image = ? ORDER BY version`);
    this.#packs = db.prepare(`
      SELECT pack.id AS id, pack.lineage AS lineage, sha256, size_bytes AS sizeBytes
      FROM version_pack JOIN pack ON pack.id = pack JOIN lineage ON lineage.id = version_pack.lineage
      WHERE image = ? AND version = ? ORDER BY number`);
    this.#allPacks = db.prepare(`
      SELECT image, version, pack.id AS id, size_bytes AS sizeBytes
      FROM version_pack JOIN pack ON pack.id = pack JOIN lineage ON lineage.id = version_pack.lineage`);
    this.#delete = db.prepare("DELETE FROM version WHERE lineage = ? AND version = ?");
    this.#lenders = db.prepare(`
      SELECT DISTINCT pack.lineage AS lineage FROM version_pack JOIN pack ON pack.id = pack
      WHERE version_pack.lineage = ?1 AND pack.lineage <> ?1`);
    this.#unneededPacks = db.prepare(`
      SELECT id, lineage, sha256, size_bytes AS sizeBytes FROM pack
      WHERE sha256 IS NOT NULL AND NOT EXISTS (SELECT 1 FROM version_pack WHERE version_pack.pack = pack.id)`);
  }

  /** `packs`: their ids in the order of the manifest. */
  insert(lineage: number, { record, packs }: {
    record: Omit<VersionRecord, "image" | "header">;
    packs: readonly number[];
  }): void {
    this.#insert.run(
      lineage,
      record.version,
      record.id,
      record.signature,
      record.infoHash,
      record.headerLine,
      record.bootable ? 1 : 0,
      JSON.stringify(record.bootNotes),
      JSON.stringify(record.files),
    );
    packs.forEach((pack, number) => this.#insertPack.run(lineage, record.version, number, pack));
  }

  /** By image and number. */
  list(): VersionRecord[] {
    return this.#list.all().map(parseRow);
  }

  /** The names of all versions ("web@1"), without parsing their headers. */
  refs(): string[] {
    return this.#refs.all().map(({ image, version }) => `${image}@${version}`);
  }

  /** The versions of one image, oldest first. */
  listOf(image: string): VersionRecord[] {
    return this.#listOf.all(image).map(parseRow);
  }

  /** In the order of the manifest. */
  packs({ image, version }: { image: string; version: number }): Pack[] {
    return this.#packs.all(image, version) as unknown as Pack[];
  }

  /** All versions with their packs. */
  withPacks(): (VersionRecord & { readonly packs: readonly PackSize[] })[] {
    const rows = this.#allPacks.all() as unknown as (PackSize & { image: string; version: number })[];
    const packs = Map.groupBy(rows, ({ image, version }) => `${image}@${version}`);
    return this.list().map((one) => ({ ...one, packs: packs.get(`${one.image}@${one.version}`) ?? [] }));
  }

  delete(lineage: number, version: number): void {
    this.#delete.run(lineage, version);
  }

  /** Ids of other lineages whose packs versions of this one use. */
  lenders(lineage: number): number[] {
    return this.#lenders.all(lineage).map((row) => Number(row.lineage));
  }

  /** Complete packs that no version has. */
  unneededPacks(): Pack[] {
    return this.#unneededPacks.all() as unknown as Pack[];
  }
}

function parseRow(row: unknown): VersionRecord {
  const { bootable, bootNotes, files, backupOf, publicKey, ...rest } = Row.parse(row);
  return {
    ...rest,
    ...(backupOf !== null && { backupOf }),
    ...(publicKey !== null && { publicKey }),
    header: Header.parse(JSON.parse(rest.headerLine)),
    bootable: bootable === 1,
    bootNotes: z.array(z.string()).parse(JSON.parse(bootNotes)),
    files: z.array(VersionFile).parse(JSON.parse(files)),
  };
}

/**
 * The signatures of all versions that this server itself has signed; works before any other part of the database is
 * opened.
 */
export function signedVersions(db: Database): Signed[] {
  const has = (name: string) => hasTable(db, name);
  if (!has("version") || !has("lineage")) return [];
  const own = has("mirrored_lineage") ? "WHERE lineage.id NOT IN (SELECT lineage FROM mirrored_lineage)" : "";
  return db.prepare(
    `SELECT image, version, version.id AS id, signature
     FROM version JOIN lineage ON lineage.id = version.lineage ${own}`,
  ).all() as unknown as Signed[];
}
