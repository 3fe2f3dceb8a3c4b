/** Which TPM each node has, by node id: the first one that it showed, until an operator lets another one in. */
import type { Database, Statement } from "./engine.ts";

/** `ek`: fingerprint of its endorsement key (#contract/tpm/public_key.ts). Times are ISO 8601. */
interface NodeTpm {
  readonly ek: string;
  readonly since: string;
  /** When a quote of it was last accepted. */
  readonly proved?: string;
}

interface Row {
  readonly ek: string;
  readonly since: string;
  readonly proved: string | null;
}

export class NodeTpms {
  readonly #now: () => number;
  readonly #find: Statement;
  readonly #note: Statement;
  readonly #prove: Statement;
  readonly #forget: Statement;

  constructor(db: Database, { now }: { now: () => number }) {
    this.#now = now;
    db.exec(`CREATE TABLE IF NOT EXISTS node_tpms (
      node TEXT PRIMARY KEY, ek TEXT NOT NULL, since TEXT NOT NULL, proved TEXT
    ) STRICT`);
    this.#find = db.prepare("SELECT ek, since, proved FROM node_tpms WHERE node = ?");
    this.#note = db.prepare(
      "INSERT INTO node_tpms (node, ek, since) VALUES (?1, ?2, ?3) ON CONFLICT (node) DO NOTHING",
    );
    this.#prove = db.prepare("UPDATE node_tpms SET proved = ?3 WHERE node = ?1 AND ek = ?2");
    this.#forget = db.prepare("DELETE FROM node_tpms WHERE node = ?");
  }

  of(node: string): NodeTpm | undefined {
    const row = this.#find.get(node) as Row | undefined;
    return row && { ek: row.ek, since: row.since, ...(row.proved !== null && { proved: row.proved }) };
  }

  /** The node showed this TPM; a node that has one keeps it. */
  note(node: string, ek: string): void {
    this.#note.run(node, ek, this.#time());
  }

  /** A quote of this TPM was accepted. */
  prove(node: string, ek: string): void {
    this.note(node, ek);
    this.#prove.run(node, ek, this.#time());
  }

  forget(node: string): void {
    this.#forget.run(node);
  }

  #time(): string {
    return new Date(this.#now()).toISOString();
  }
}
