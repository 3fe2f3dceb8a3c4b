/** The site's Secure Boot key: its private key sealed, its certificate as it is. There is one, or none yet. */
import type { Database } from "./engine.ts";
import { holdsSealed } from "./sealed_tables.ts";
import { SecretBox } from "./secret_box.ts";

export interface StoredSecureBootKey {
  /** PKCS #8, PEM. */
  readonly privateKey: string;
  /** X.509, DER. */
  readonly certificate: Uint8Array;
  readonly created: Date;
}

const PURPOSE = ["secure-boot-key"];

export class SecureBootKeys {
  readonly #db: Database;
  readonly #box: SecretBox;
  readonly #now: () => number;

  constructor(db: Database, { directory, now }: { directory: { keys: string }; now: () => number }) {
    this.#db = db;
    this.#now = now;
    db.exec(`CREATE TABLE IF NOT EXISTS secure_boot (
      id INTEGER PRIMARY KEY CHECK (id = 1), certificate BLOB NOT NULL, private_key BLOB NOT NULL,
      created TEXT NOT NULL
    ) STRICT`);
    this.#box = new SecretBox(directory, { isUsed: () => holdsSealed(db) });
  }

  /** Throws RackseedError if what sealed it is lost. */
  read(): StoredSecureBootKey | undefined {
    const row = this.#db.prepare("SELECT certificate, private_key AS sealed, created FROM secure_boot")
      .get() as
        | { certificate: Uint8Array; sealed: Uint8Array; created: string }
        | undefined;
    return row && {
      privateKey: this.#box.open(row.sealed, PURPOSE),
      certificate: row.certificate,
      created: new Date(row.created),
    };
  }

  /** Machines trust this key from now on, so it is never replaced. */
  store({ privateKey, certificate }: Omit<StoredSecureBootKey, "created">): void {
    this.#db.prepare("INSERT INTO secure_boot (id, certificate, private_key, created) VALUES (1, ?, ?, ?)")
      .run(certificate, this.#box.seal(privateKey, PURPOSE), new Date(this.#now()).toISOString());
  }
}
