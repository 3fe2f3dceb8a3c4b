/** Signatures by the site's key, remembered: the same bytes need no second one, and the key may be out of reach. */
import { createHash } from "node:crypto";
import type { Database } from "./engine.ts";

export class Signatures {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
    db.exec(`CREATE TABLE IF NOT EXISTS signatures (
      hash TEXT PRIMARY KEY, signature BLOB NOT NULL
    ) STRICT, WITHOUT ROWID`);
  }

  /** The signature of these bytes by the key of this certificate; made by `make` if there is none yet. */
  of(
    bytes: Uint8Array,
    { certificate, make }: {
      readonly certificate: Uint8Array;
      readonly make: (bytes: Uint8Array) => Uint8Array;
    },
  ): Uint8Array {
    const hash = createHash("sha256").update(createHash("sha256").update(certificate).digest()).update(bytes)
      .digest("hex");
    const row = this.#db.prepare("SELECT signature FROM signatures WHERE hash = ?").get(hash) as
      | { signature: Uint8Array }
      | undefined;
    if (row !== undefined) return row.signature;
    const signature = make(bytes);
    this.#db.prepare("INSERT INTO signatures (hash, signature) VALUES (?, ?)").run(hash, signature);
    return signature;
  }
}
