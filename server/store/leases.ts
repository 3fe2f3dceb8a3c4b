import type { Database, Statement } from "./engine.ts";

interface AnyLease {
  readonly address: string;
  readonly mac: string;
  readonly state: "bound" | "declined";
  readonly expiresAtMs: number;
}

/**
 * The DHCP server's `LeaseStore` port: leases that persist across restarts. `Lease` is the port's own type, with branded
 * addresses; what was put in comes back.
 */
export class SqliteLeaseStore<Lease extends AnyLease> {
  readonly #put: Statement;
  readonly #delete: Statement;
  readonly #list: Statement;

  constructor(db: Database) {
    db.exec(`CREATE TABLE IF NOT EXISTS lease (
      address TEXT PRIMARY KEY, mac TEXT NOT NULL, state TEXT NOT NULL, expires_at_ms INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID`);
    this.#put = db.prepare(
      `INSERT INTO lease VALUES (?, ?, ?, ?) ON CONFLICT (address) DO UPDATE
       SET mac = excluded.mac, state = excluded.state, expires_at_ms = excluded.expires_at_ms`,
    );
    this.#delete = db.prepare("DELETE FROM lease WHERE address = ?");
    this.#list = db.prepare("SELECT address, mac, state, expires_at_ms AS expiresAtMs FROM lease");
  }

  put({ address, mac, state, expiresAtMs }: Lease): void {
    this.#put.run(address, mac, state, expiresAtMs);
  }

  delete(address: Lease["address"]): void {
    this.#delete.run(address);
  }

  list(): Lease[] {
    return this.#list.all().map((row) => ({ ...row }) as unknown as Lease);
  }
}
