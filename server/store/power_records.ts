/** How each node is switched on and off: its settings, its BMC's pinned certificate, and the secret, sealed. */
import type { Database, Statement } from "./engine.ts";
import { PowerSettings } from "#contract/api/power.ts";
import { transaction } from "./database.ts";
import { holdsSealed } from "./sealed_tables.ts";
import { type Purpose, SecretBox } from "./secret_box.ts";

export interface PowerRecord {
  readonly settings: PowerSettings;
  readonly hasSecret: boolean;
  /** SHA-256 of the certificate that the BMC must show; absent until it has shown one. */
  readonly pin?: string;
}

export interface PowerUpdate {
  readonly settings: PowerSettings;
  readonly secret: string | null | undefined;
  readonly pin: string | null | undefined;
}

interface Row {
  readonly settings: string;
  readonly secret: Uint8Array | null;
  readonly pin: string | null;
}

export class PowerRecords {
  readonly #db: Database;
  readonly #box: SecretBox;
  /** Every view of a node reads its row. */
  readonly #find: Statement;

  constructor(db: Database, { directory }: { directory: { keys: string } }) {
    this.#db = db;
    db.exec(`CREATE TABLE IF NOT EXISTS power (
      node TEXT PRIMARY KEY, settings TEXT NOT NULL, secret BLOB, pin TEXT
    ) STRICT`);
    this.#find = db.prepare("SELECT settings, secret, pin FROM power WHERE node = ?");
    this.#box = new SecretBox(directory, { isUsed: () => holdsSealed(db) });
  }

  get(node: string): PowerRecord | undefined {
    const row = this.#row(node);
    if (!row) return undefined;
    return {
      settings: PowerSettings.parse(JSON.parse(row.settings)),
      hasSecret: row.secret !== null,
      ...(row.pin !== null && { pin: row.pin }),
    };
  }

  /** Undefined if the node has none. Throws RackseedError if the key of the stored secrets is lost. */
  secret(node: string): string | undefined {
    const secret = this.#row(node)?.secret;
    return secret ? this.#box.open(secret, purpose(node)) : undefined;
  }

  /** All of them or none. `power`: undefined members keep what is stored, null clears. */
  putAll(changes: readonly { readonly node: string; readonly power: PowerUpdate | null }[]): void {
    transaction(this.#db, () => {
      for (const { node, power } of changes) power ? this.#put(node, power) : this.forget(node);
    });
  }

  #put(node: string, { settings, secret, pin }: PowerUpdate): void {
    const old = this.#row(node);
    const sealed = secret ? this.#box.seal(secret, purpose(node)) : secret;
    this.#db.prepare(
      `INSERT INTO power (node, settings, secret, pin) VALUES (?, ?, ?, ?) ON CONFLICT (node) DO UPDATE
       SET settings = excluded.settings, secret = excluded.secret, pin = excluded.pin`,
    ).run(
      node,
      JSON.stringify(settings),
      sealed === undefined ? old?.secret ?? null : sealed || null,
      pin === undefined ? old?.pin ?? null : pin,
    );
  }

  /** Pins the first certificate that the BMC showed. */
  pin(node: string, pin: string): void {
    this.#db.prepare("UPDATE power SET pin = ? WHERE node = ? AND pin IS NULL").run(pin, node);
  }

  forget(node: string): void {
    this.#db.prepare("DELETE FROM power WHERE node = ?").run(node);
  }

  #row(node: string): Row | undefined {
    return this.#find.get(node) as Row | undefined;
  }
}

function purpose(node: string): Purpose {
  return ["power", node];
}
