/** Nodes that are restored at each boot from the network, until that is called off. A passphrase is sealed. */
import type { Database } from "./engine.ts";
import { RestoreRequest } from "#contract/api.ts";
import type { z } from "zod";
import { holdsSealed } from "./sealed_tables.ts";
import { SecretBox } from "./secret_box.ts";
import { Prepared } from "./prepared.ts";

const Terms = RestoreRequest.omit({
  nodes: true,
  passphrase: true,
  everyBoot: true,
  dryRun: true,
  reviewed: true,
});
type EveryBootTerms = z.output<typeof Terms>;

interface EveryBootRecord {
  /** Node id. */
  readonly node: string;
  readonly terms: EveryBootTerms;
  /** Who ordered it. */
  readonly by: string;
  readonly since: string;
  /**
   * When the machine first asked how to boot after its last restore had ended, in milliseconds since 1970: it was
   * sent to its own disk. Undefined if it has not asked.
   */
  readonly passedMs?: number;
}

interface Row {
  readonly node: string;
  readonly terms: string;
  readonly made_by: string;
  readonly since: string;
  readonly passedMs: number | null;
}

export class EveryBoots {
  readonly #db: Database;
  readonly #prepared: Prepared;
  readonly #box: SecretBox;
  /** By node; held in memory, because every view of every node asks. */
  readonly #records = new Map<string, EveryBootRecord>();

  constructor(db: Database, directory: { readonly keys: string }) {
    this.#db = db;
    this.#prepared = new Prepared(db);
    this.#box = new SecretBox(directory, { isUsed: () => holdsSealed(db) });
    db.exec(`CREATE TABLE IF NOT EXISTS every_boots (
      node TEXT PRIMARY KEY, terms TEXT NOT NULL, passphrase BLOB, made_by TEXT NOT NULL, since TEXT NOT NULL,
      passed_ms INTEGER
    ) STRICT`);
    for (const row of db.prepare(SELECT).all() as unknown as Row[]) this.#hold(row);
  }

  of(node: string): EveryBootRecord | undefined {
    return this.#records.get(node);
  }

  all(): readonly EveryBootRecord[] {
    return [...this.#records.values()];
  }

  /**
   * Replaces the node's order of this kind. Call it within the transaction that arms the node, and `refresh` after that:
   * until then the old order holds.
   */
  put({ node, terms, by, since }: EveryBootRecord, { passphrase }: { passphrase: string | undefined }): void {
    const sealed = passphrase === undefined ? null : this.#box.seal(passphrase, ["every-boot", node]);
    this.#db.prepare(
      `INSERT INTO every_boots (node, terms, passphrase, made_by, since) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (node) DO UPDATE SET terms = excluded.terms, passphrase = excluded.passphrase,
         made_by = excluded.made_by, since = excluded.since, passed_ms = NULL`,
    ).run(node, JSON.stringify(terms), sealed, by, since);
  }

  refresh(node: string): void {
    const row = this.#prepared.get(`${SELECT} WHERE node = ?`).get(node);
    if (row) this.#hold(row as unknown as Row);
    else this.#records.delete(node);
  }

  /** Throws RackseedError if the key of the secrets is lost. */
  passphrase(node: string): string | undefined {
    const row = this.#db.prepare("SELECT passphrase FROM every_boots WHERE node = ?").get(node) as
      | { passphrase: Uint8Array | null }
      | undefined;
    return row?.passphrase ? this.#box.open(row.passphrase, ["every-boot", node]) : undefined;
  }

  /** Undefined: the next boot after a restore has not been seen yet. */
  setPassed(node: string, passedMs: number | undefined): void {
    const record = this.#records.get(node);
    if (!record) return;
    this.#db.prepare("UPDATE every_boots SET passed_ms = ? WHERE node = ?").run(passedMs ?? null, node);
    const { passedMs: _, ...rest } = record;
    this.#records.set(node, { ...rest, ...(passedMs !== undefined && { passedMs }) });
  }

  /** False if there is none. */
  delete(node: string): boolean {
    this.#db.prepare("DELETE FROM every_boots WHERE node = ?").run(node);
    return this.#records.delete(node);
  }

  #hold({ node, terms, made_by, since, passedMs }: Row): void {
    const record = { node, terms: Terms.parse(JSON.parse(terms)), by: made_by, since };
    this.#records.set(node, { ...record, ...(passedMs !== null && { passedMs }) });
  }
}

const SELECT = "SELECT node, terms, made_by, since, passed_ms AS passedMs FROM every_boots";
