/**
 * The secrets of encrypted nodes, sealed: for each node's part of a deployment, the recovery key that the server made
 * and, until the node has used it, the operator's passphrase.
 */
import type { Database, Statement } from "./engine.ts";
import type { EncryptionOrder, Unlock } from "#contract/api.ts";
import { makeRecoveryKey } from "./recovery_key.ts";
import { holdsSealed } from "./sealed_tables.ts";
import { type Purpose, SecretBox } from "./secret_box.ts";
import { Prepared } from "./prepared.ts";

interface Part {
  readonly node: string;
  readonly deployment: string;
}

/** An encrypted order. */
export interface NewEncryption extends Part {
  /** "web@3" */
  readonly image: string;
  readonly unlock: Unlock;
  readonly passphrase?: string | undefined;
  /** A restore leaves the volumes as they are if it can, so its key is the one that opens them. */
  readonly keepsKey: boolean;
}

/** What is known of an order without opening anything. */
interface Encryption extends Part {
  readonly image: string;
  readonly unlock: Unlock;
  /** The deployment that the recovery key was made for. */
  readonly keyFrom: string;
  readonly created: string;
  /** When the node reported that the volumes exist. */
  readonly made?: string;
}

interface Row extends Part {
  readonly image: string;
  readonly unlock: Unlock;
  readonly keyFrom: string;
  readonly recoveryKey: Uint8Array;
  readonly passphrase: Uint8Array | null;
  readonly created: string;
  readonly made: string | null;
  readonly retired: string | null;
}

/** As many as an order may carry. */
const MAX_OPEN_WITH = 8;

export class DiskSecrets {
  readonly #db: Database;
  readonly #prepared: Prepared;
  readonly #box: SecretBox;
  readonly #now: () => number;
  /** These run with every report of every node. */
  readonly #ofPart: Statement;
  readonly #ofNode: Statement;

  constructor(db: Database, { directory, now }: { directory: { keys: string }; now: () => number }) {
    this.#db = db;
    this.#prepared = new Prepared(db);
    this.#now = now;
    // `fetched`: a node got this key, so that a disk may have it; `retired`: it was installed without encryption since
    db.exec(`CREATE TABLE IF NOT EXISTS encryptions (
      number INTEGER PRIMARY KEY AUTOINCREMENT, node TEXT NOT NULL, deployment TEXT NOT NULL,
      image TEXT NOT NULL, unlock TEXT NOT NULL, key_from TEXT NOT NULL, recovery_key BLOB NOT NULL,
      passphrase BLOB, created TEXT NOT NULL, fetched TEXT, made TEXT, retired TEXT, UNIQUE (node, deployment)
    ) STRICT`);
    this.#box = new SecretBox(directory, { isUsed: () => holdsSealed(db) });
    this.#ofPart = db.prepare(`${SELECT} WHERE node = ? AND deployment = ?`);
    this.#ofNode = db.prepare(`${SELECT} WHERE node = ? AND fetched IS NOT NULL ORDER BY number DESC`);
  }

  /** Call within the transaction that arms the nodes. An earlier order's passphrase, and key that no node got, go. */
  order({ node, deployment, image, unlock, passphrase, keepsKey }: NewEncryption): void {
    this.cancel(node);
    const kept = keepsKey ? this.#usedRow(node) : undefined;
    const key = kept ? this.#keyOf(kept) : makeRecoveryKey();
    this.#db.prepare(
      `INSERT INTO encryptions (node, deployment, image, unlock, key_from, recovery_key, passphrase, created)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    ).run(
      ...[node, deployment, image, unlock, kept?.keyFrom ?? deployment],
      this.#box.seal(key, keyPurpose({ node, deployment })),
      passphrase === undefined ? null : this.#box.seal(passphrase, passphrasePurpose({ node, deployment })),
      new Date(this.#now()).toISOString(),
    );
  }

  /** What the node is to encrypt with. From now on, a disk may have this key. */
  fetch(part: Part): EncryptionOrder | undefined {
    const row = this.#row(part);
    if (!row) return undefined;
    this.#db.prepare("UPDATE encryptions SET fetched = ? WHERE node = ? AND deployment = ?")
      .run(new Date(this.#now()).toISOString(), part.node, part.deployment);
    return {
      unlock: row.unlock,
      recoveryKey: this.#box.open(row.recoveryKey, keyPurpose(part)),
      ...(row.passphrase && { passphrase: this.#box.open(row.passphrase, passphrasePurpose(part)) }),
    };
  }

  /** The node has made the volumes: its passphrase is erased. */
  made({ node, deployment }: Part): void {
    this.#db.prepare(
      "UPDATE encryptions SET passphrase = NULL, made = coalesce(made, ?) WHERE node = ? AND deployment = ?",
    ).run(new Date(this.#now()).toISOString(), node, deployment);
  }

  /** The node was installed by this order. If that encrypted nothing, earlier volumes are gone; their keys stay. */
  installed({ node, deployment }: Part): void {
    if (this.#row({ node, deployment })) return;
    this.#db.prepare("UPDATE encryptions SET retired = ? WHERE node = ? AND retired IS NULL")
      .run(new Date(this.#now()).toISOString(), node);
  }

  /** The node's orders are over: its passphrase is erased, and a key that it never got. */
  cancel(node: string): void {
    this.#prepared.get("UPDATE encryptions SET passphrase = NULL WHERE node = ? AND passphrase IS NOT NULL")
      .run(node);
    this.#prepared.get("DELETE FROM encryptions WHERE node = ? AND fetched IS NULL").run(node);
  }

  /** Keys that may open the node's disks as they are, newest first. */
  openWith(node: string): string[] {
    return [...new Set(this.#fetched(node).map((row) => this.#keyOf(row)))].slice(0, MAX_OPEN_WITH);
  }

  /** The keys that an operator needs: the newest one, and older ones if it is not certain to be in use. */
  keys(node: string): (Encryption & { readonly recoveryKey: string })[] {
    const rows = this.#fetched(node);
    const newestMade = rows.findIndex(({ made }) => made !== null);
    const distinct = new Map<string, Row>();
    for (const row of newestMade < 0 ? rows : rows.slice(0, newestMade + 1)) {
      // a restore has the key of the installation before it
      if (row.made !== null || !distinct.has(row.keyFrom)) distinct.set(row.keyFrom, row);
    }
    return [...distinct.values()].map((row) => ({ ...factsOf(row), recoveryKey: this.#keyOf(row) }));
  }

  /** The newest order of the node whose volumes exist. */
  inUse(node: string): Encryption | undefined {
    const row = this.#usedRow(node);
    return row && factsOf(row);
  }

  /** Whether a key of the node could be lost with its record. */
  has(node: string): boolean {
    return this.#fetched(node).length > 0;
  }

  forget(node: string): void {
    this.#db.prepare("DELETE FROM encryptions WHERE node = ?").run(node);
  }

  #usedRow(node: string): Row | undefined {
    return this.#fetched(node).find(({ made, retired }) => made !== null && retired === null);
  }

  #keyOf(row: Row): string {
    return this.#box.open(row.recoveryKey, keyPurpose(row));
  }

  #row({ node, deployment }: Part): Row | undefined {
    return this.#ofPart.get(node, deployment) as unknown as Row | undefined;
  }

  /** Newest first. */
  #fetched(node: string): Row[] {
    return this.#ofNode.all(node) as unknown as Row[];
  }
}

const SELECT =
  `SELECT node, deployment, image, unlock, key_from AS keyFrom, recovery_key AS recoveryKey, passphrase,
  created, made, retired FROM encryptions`;

function factsOf({ node, deployment, image, unlock, keyFrom, created, made }: Row): Encryption {
  return { node, deployment, image, unlock, keyFrom, created, ...(made !== null && { made }) };
}

function keyPurpose({ node, deployment }: Part): Purpose {
  return ["recovery-key", node, deployment];
}

function passphrasePurpose({ node, deployment }: Part): Purpose {
  return ["passphrase", node, deployment];
}
