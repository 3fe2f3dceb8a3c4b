/** Sites whose relays mirror images of this server: how each proves itself, what is assigned, what it reported. */
import type { Database, SqlValue } from "./engine.ts";
import { z } from "zod";
import { HistoryEvent } from "#contract/api/node_history.ts";
import {
  MirrorView,
  type RelayEvent,
  type RelayReport,
  type SiteEvent,
  SiteNode,
} from "#contract/api/sites.ts";
import { transaction } from "./database.ts";

/** Events that are kept of each site. */
const KEPT_EVENTS = 20_000;

/** What the relay last said about itself. */
const Report = z.object({
  rackseed: z.string(),
  nodes: z.array(SiteNode),
  mirror: z.array(MirrorView),
});

type SiteReport = z.infer<typeof Report>;

const Row = z.object({
  name: z.string(),
  createdMs: z.int(),
  /** SPKI PEM; null until a relay has enrolled, and once it is revoked. */
  publicKey: z.string().nullable(),
  keyId: z.string().nullable(),
  /** Id of the key that enrolled with the present token. */
  tokenUsedBy: z.string().nullable(),
  enrolledMs: z.int().nullable(),
  revokedMs: z.int().nullable(),
  heardMs: z.int().nullable(),
  address: z.string().nullable(),
});
export type SiteRecord = z.output<typeof Row>;

const SELECT = `SELECT name, created_ms AS createdMs, public_key AS publicKey, key_id AS keyId,
  token_used_by AS tokenUsedBy, enrolled_ms AS enrolledMs, revoked_ms AS revokedMs, heard_ms AS heardMs, address FROM site`;

export class SiteTable {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
    db.exec(`
      CREATE TABLE IF NOT EXISTS site (
        name TEXT PRIMARY KEY, created_ms INTEGER NOT NULL, token_hash BLOB, token_ends_ms INTEGER,
        token_used_by TEXT, public_key TEXT, key_id TEXT UNIQUE, enrolled_ms INTEGER, revoked_ms INTEGER, heard_ms INTEGER,
        address TEXT, report TEXT
      ) STRICT;
      CREATE TABLE IF NOT EXISTS site_image (
        site TEXT NOT NULL REFERENCES site ON DELETE CASCADE, ref TEXT NOT NULL, PRIMARY KEY (site, ref)
      ) STRICT, WITHOUT ROWID;
      CREATE TABLE IF NOT EXISTS site_event (
        number INTEGER PRIMARY KEY AUTOINCREMENT, site TEXT NOT NULL REFERENCES site ON DELETE CASCADE,
        node_id TEXT NOT NULL, ref TEXT NOT NULL, node TEXT NOT NULL, event TEXT NOT NULL,
        UNIQUE (site, node_id, ref)
      ) STRICT;
      CREATE INDEX IF NOT EXISTS site_event_of_site ON site_event (site, number);`);
  }

  list(): SiteRecord[] {
    return z.array(Row).parse(this.#all(`${SELECT} ORDER BY name`));
  }

  find(name: string): SiteRecord | undefined {
    return this.#find("name = ?", name);
  }

  /** Whether a relay has enrolled for the site, and was not revoked. */
  isTrusted(name: string): boolean {
    return this.#all("SELECT 1 FROM site WHERE name = ? AND public_key IS NOT NULL", name).length > 0;
  }

  /** What its relay last reported; it may be long. */
  lastReport(name: string): SiteReport | undefined {
    const [row] = this.#all("SELECT report FROM site WHERE name = ? AND report IS NOT NULL", name);
    return row && Report.parse(JSON.parse(String(row.report)));
  }

  /** The site whose relay has this key. */
  byKey(keyId: string): SiteRecord | undefined {
    return this.#find("key_id = ?", keyId);
  }

  /** The site that this token enrols a relay for. It stays, so that a relay whose answer was lost may ask again. */
  byToken(hash: Uint8Array, { nowMs }: { nowMs: number }): SiteRecord | undefined {
    return this.#find("token_hash = ? AND token_ends_ms > ?", hash, nowMs);
  }

  add(name: string, { nowMs }: { nowMs: number }): void {
    this.#run("INSERT INTO site (name, created_ms) VALUES (?, ?)", name, nowMs);
  }

  remove(name: string): void {
    this.#run("DELETE FROM site WHERE name = ?", name);
  }

  setToken(name: string, { hash, endsMs }: { hash: Uint8Array; endsMs: number }): void {
    this.#run(
      "UPDATE site SET token_hash = ?, token_ends_ms = ?, token_used_by = NULL WHERE name = ?",
      hash,
      endsMs,
      name,
    );
  }

  enrol(
    name: string,
    { publicKey, keyId, nowMs }: { publicKey: string; keyId: string; nowMs: number },
  ): void {
    this.#run(
      `UPDATE site SET public_key = ?1, key_id = ?2, token_used_by = ?2, enrolled_ms = ?3, revoked_ms = NULL
       WHERE name = ?4`,
      publicKey,
      keyId,
      nowMs,
      name,
    );
  }

  /** Neither its relay's key nor a token of it is good from now on. */
  revoke(name: string, { nowMs }: { nowMs: number }): void {
    this.#run(
      `UPDATE site SET public_key = NULL, token_hash = NULL, token_ends_ms = NULL, revoked_ms = ? WHERE name = ?`,
      nowMs,
      name,
    );
  }

  /** What is assigned to the site, sorted. */
  images(name: string): string[] {
    return this.#all("SELECT ref FROM site_image WHERE site = ? ORDER BY ref", name).map(({ ref }) =>
      String(ref)
    );
  }

  assign(name: string, ref: string): void {
    this.#run("INSERT INTO site_image VALUES (?, ?) ON CONFLICT DO NOTHING", name, ref);
  }

  /** False if it was not assigned. */
  unassign(name: string, ref: string): boolean {
    return this.#run("DELETE FROM site_image WHERE site = ? AND ref = ?", name, ref) > 0;
  }

  /** Names of sites that this reference is assigned to. */
  sitesOf(ref: string): string[] {
    return this.#all("SELECT site FROM site_image WHERE ref = ? ORDER BY site", ref).map(({ site }) =>
      String(site)
    );
  }

  /** Stores all of it, or nothing: the relay forgets its events once this has returned. */
  report(
    name: string,
    { rackseed, nodes, mirror, events }: RelayReport,
    { address, nowMs }: { address: string; nowMs: number },
  ): void {
    transaction(this.#db, () => {
      this.#run(
        "UPDATE site SET heard_ms = ?, address = ?, report = ? WHERE name = ?",
        nowMs,
        address,
        JSON.stringify({ rackseed, nodes, mirror }),
        name,
      );
      for (const event of events) this.#put(name, event);
      this.#run(
        `DELETE FROM site_event WHERE site = ?1 AND number <= (
           SELECT number FROM site_event WHERE site = ?1 ORDER BY number DESC LIMIT 1 OFFSET ?2)`,
        name,
        KEPT_EVENTS,
      );
    });
  }

  #put(site: string, { nodeId, ref, node, event }: RelayEvent): void {
    this.#run(
      `INSERT INTO site_event (site, node_id, ref, node, event) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (site, node_id, ref) DO UPDATE SET node = excluded.node, event = excluded.event`,
      site,
      nodeId,
      ref,
      node,
      JSON.stringify(event),
    );
  }

  /** Newest first. `before`: the number where the page before ended. */
  events(
    site: string,
    { before = Number.MAX_SAFE_INTEGER, node, limit }: {
      before: number | undefined;
      node: string | undefined;
      limit: number;
    },
  ): (SiteEvent & { readonly number: number })[] {
    const rows = this.#all(
      `SELECT number, node, event FROM site_event WHERE site = ?1 AND number < ?2 AND (CAST(?3 AS TEXT) IS NULL OR node = ?3)
       ORDER BY number DESC LIMIT ?4`,
      site,
      before,
      node ?? null,
      limit,
    );
    return rows.map(({ number, node, event }) => ({
      number: Number(number),
      node: String(node),
      event: HistoryEvent.parse(JSON.parse(String(event))),
    }));
  }

  #find(where: string, ...values: SqlValue[]): SiteRecord | undefined {
    const [row] = this.#all(`${SELECT} WHERE ${where}`, ...values);
    return row && Row.parse(row);
  }

  #all(sql: string, ...values: SqlValue[]): Record<string, unknown>[] {
    return this.#db.prepare(sql).all(...values);
  }

  #run(sql: string, ...values: SqlValue[]): number {
    return Number(this.#db.prepare(sql).run(...values).changes);
  }
}
