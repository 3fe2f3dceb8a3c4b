import { createHash, randomBytes } from "node:crypto";
import type { DatabaseSync, StatementSync } from "node:sqlite";

/**
 * What the agents on nodes show: good for captures of that node and for nothing else, until another one is made.
 * Only the SHA-256 is kept.
 */
export class AgentTokens {
  readonly #put: StatementSync;
  readonly #find: StatementSync;
  readonly #has: StatementSync;

  constructor(db: DatabaseSync) {
    db.exec(
      "CREATE TABLE IF NOT EXISTS agent_tokens (node TEXT PRIMARY KEY, hash BLOB NOT NULL UNIQUE) STRICT",
    );
    this.#put = db.prepare(
      "INSERT INTO agent_tokens VALUES (?, ?) ON CONFLICT (node) DO UPDATE SET hash = excluded.hash",
    );
    this.#find = db.prepare("SELECT node FROM agent_tokens WHERE hash = ?");
    this.#has = db.prepare("SELECT 1 FROM agent_tokens WHERE node = ?");
  }

  /** A new secret for the node (by id), in place of the one that it had. */
  issue(node: string): string {
    const secret = randomBytes(24).toString("base64url");
    this.#put.run(node, hashOf(secret));
    return secret;
  }

  /** Whether an agent of the node, by id, was ever given a secret. */
  has(node: string): boolean {
    return this.#has.get(node) !== undefined;
  }

  /** Id of the node whose secret this is. */
  nodeOf(secret: string): string | undefined {
    const row = this.#find.get(hashOf(secret)) as { node: string } | undefined;
    return row?.node;
  }
}

function hashOf(secret: string): Uint8Array {
  return createHash("sha256").update(secret).digest();
}
