/** What a relay keeps about its upstream: how it proves itself there, what it is to mirror, what it has yet to report. */
import type { Database, SqlValue } from "./engine.ts";
import { z } from "zod";
import { HistoryEvent } from "#contract/api/node_history.ts";
import type { RelayEvent } from "#contract/api/sites.ts";
import { transaction } from "./database.ts";
import { dropTrigger, hasTrigger, makeTrigger } from "./schema.ts";

const Row = z.object({
  url: z.string(),
  /** Pin of the upstream's CA. */
  pin: z.string(),
  /** PKCS #8 PEM of the relay's own Ed25519 key. */
  privateKey: z.string(),
  /** Hash of the token that it enrolled with, or is about to. */
  tokenHash: z.custom<Uint8Array>((value) => value instanceof Uint8Array),
  /** Its name there; null until it has enrolled. */
  site: z.string().nullable(),
});
export type UpstreamRecord = z.infer<typeof Row>;

interface Version {
  readonly image: string;
  readonly version: number;
}

export class UpstreamTable {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
    db.exec(`
      CREATE TABLE IF NOT EXISTS upstream (
        id INTEGER PRIMARY KEY CHECK (id = 1), url TEXT NOT NULL, pin TEXT NOT NULL, private_key TEXT NOT NULL,
        token_hash BLOB NOT NULL, site TEXT
      ) STRICT;
      CREATE TABLE IF NOT EXISTS upstream_version (
        image TEXT NOT NULL, version INTEGER NOT NULL, PRIMARY KEY (image, version)
      ) STRICT, WITHOUT ROWID;
      CREATE TABLE IF NOT EXISTS upstream_change (
        number INTEGER PRIMARY KEY AUTOINCREMENT, node TEXT NOT NULL, ref TEXT NOT NULL, UNIQUE (node, ref)
      ) STRICT;`);
  }

  get(): UpstreamRecord | undefined {
    const row = this.#db.prepare(
      "SELECT url, pin, private_key AS privateKey, token_hash AS tokenHash, site FROM upstream",
    ).get();
    return row && Row.parse(row);
  }

  /** Before the relay enrols: what it will be known by. */
  begin({ url, pin, privateKey, tokenHash }: Omit<UpstreamRecord, "site">): void {
    this.#run(
      `INSERT INTO upstream (id, url, pin, private_key, token_hash) VALUES (1, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE
       SET url = excluded.url, pin = excluded.pin, private_key = excluded.private_key,
         token_hash = excluded.token_hash, site = NULL`,
      url,
      pin,
      privateKey,
      tokenHash,
    );
  }

  enrolled(site: string): void {
    this.#run("UPDATE upstream SET site = ?", site);
  }

  moveTo(url: string): void {
    this.#run("UPDATE upstream SET url = ?", url);
  }

  /** Whether the upstream assigns this version to the site. */
  wants({ image, version }: Version): boolean {
    return this.#db.prepare("SELECT 1 FROM upstream_version WHERE image = ? AND version = ?")
      .get(image, version) !== undefined;
  }

  setWanted(versions: readonly Version[]): void {
    transaction(this.#db, () => {
      this.#run("DELETE FROM upstream_version");
      for (const { image, version } of versions) {
        this.#run("INSERT INTO upstream_version VALUES (?, ?)", image, version);
      }
    });
  }

  /**
   * From now on notes every change of the nodes' histories until it was reported. The histories themselves are the
   * queue, and bound it: an event that changes again waits once. A new queue begins with all that they hold.
   */
  startQueue(): void {
    if (hasTrigger(this.#db, "upstream_added")) return;
    transaction(this.#db, () => {
      const body = "DELETE FROM upstream_change WHERE node = new.node AND ref = new.ref; " +
        "INSERT INTO upstream_change (node, ref) VALUES (new.node, new.ref);";
      makeTrigger(this.#db, "upstream_added", { event: "AFTER INSERT", table: "node_history", body });
      makeTrigger(this.#db, "upstream_changed", { event: "AFTER UPDATE", table: "node_history", body });
      this.#queueAll();
    });
  }

  /** All that the histories hold is to be reported: to an upstream that has nothing of it. */
  queueAll(): void {
    transaction(this.#db, () => this.#queueAll());
  }

  #queueAll(): void {
    this.#db.exec(`
      DELETE FROM upstream_change;
      INSERT INTO upstream_change (node, ref) SELECT node, ref FROM node_history ORDER BY number;`);
  }

  /** This server is no relay any more. Versions that it mirrored stay, and may be deleted. */
  forget(): void {
    // a server on a full disk must start: nothing is written that changes nothing
    if (this.get() === undefined) return;
    transaction(this.#db, () => {
      dropTrigger(this.#db, "upstream_added", { table: "node_history" });
      dropTrigger(this.#db, "upstream_changed", { table: "node_history" });
      this.#db.exec("DELETE FROM upstream_change; DELETE FROM upstream_version; DELETE FROM upstream;");
    });
  }

  get queued(): number {
    return Number(this.#db.prepare("SELECT count(*) AS n FROM upstream_change").get()?.n);
  }

  /** The oldest of what waits, and the number to call `reported` with. Events that are no longer kept are left out. */
  waiting({ limit, maxBytes }: { limit: number; maxBytes: number }): { events: RelayEvent[]; upTo: number } {
    const rows = this.#db.prepare(
      `SELECT upstream_change.number AS number, upstream_change.node AS nodeId, upstream_change.ref AS ref, name, event
       FROM upstream_change LEFT JOIN nodes ON nodes.id = upstream_change.node
         LEFT JOIN node_history ON node_history.node = upstream_change.node
           AND node_history.ref = upstream_change.ref
       ORDER BY upstream_change.number LIMIT ?`,
    ).all(limit);
    let bytes = 0;
    const fitting = rows.findIndex(({ event }) => (bytes += String(event).length) > maxBytes);
    // the first one always, or nothing would be reported any more
    if (fitting >= 0) rows.length = Math.max(1, fitting);
    const events = rows.flatMap(({ nodeId, ref, name, event }) =>
      name === null || event === null ? [] : [{
        nodeId: String(nodeId),
        ref: String(ref),
        node: String(name),
        event: HistoryEvent.parse(JSON.parse(String(event))),
      }]
    );
    return { events, upTo: Number(rows.at(-1)?.number ?? 0) };
  }

  /** The upstream has these; what changed again meanwhile has a later number. */
  reported(upTo: number): void {
    this.#run("DELETE FROM upstream_change WHERE number <= ?", upTo);
  }

  #run(sql: string, ...values: SqlValue[]): void {
    this.#db.prepare(sql).run(...values);
  }
}
