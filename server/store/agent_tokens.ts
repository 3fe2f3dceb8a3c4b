import { randomBytes } from "node:crypto";
import type { Database, Statement } from "./engine.ts";
import { tokenHash } from "./token_hash.ts";

/**
 * Secrets of the agents on nodes. A secret is valid for captures of its node and for nothing else, until another one is
 * issued. Only its SHA-256 is stored.
 */
export class AgentTokens {
  readonly #put: Statement;
  readonly #find: Statement;
  readonly #has: Statement;

  constructor(db: Database) {
    db.exec(
      "CREATE TABLE IF NOT EXISTS agent_tokens (node TEXT PRIMARY KEY, hash BLOB NOT NULL UNIQUE) STRICT",
    );
    this.#put = db.prepare(
      "INSERT INTO agent_tokens VALUES (?, ?) ON CONFLICT (node) DO UPDATE SET hash = excluded.hash",
    );
    this.#find = db.prepare("SELECT node FROM agent_tokens WHERE hash = ?");
    this.#has = db.prepare("SELECT 1 FROM agent_tokens WHERE node = ?");
  }

  /** A new secret for the node (by id), which replaces its old one. */
  issue(node: string): string {
    const secret = randomBytes(24).toString("base64url");
    this.#put.run(node, tokenHash(secret));
    return secret;
  }

  /** Whether a secret was ever issued for the node (by id). */
  has(node: string): boolean {
    return this.#has.get(node) !== undefined;
  }

  /** The id of the node with this secret. */
  nodeOf(secret: string): string | undefined {
    const row = this.#find.get(tokenHash(secret)) as { node: string } | undefined;
    return row?.node;
  }
}
