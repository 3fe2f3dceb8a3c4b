/**
 * The secrets by which a node's agent proves which order it carries out: boot secrets, each good for one enrolment, and
 * the session that it gets in return. Only the SHA-256 of a secret is stored.
 */
import { randomBytes } from "node:crypto";
import type { Database, Statement } from "./engine.ts";
import type { Assignment } from "./assignment.ts";
import { tokenHash } from "./token_hash.ts";

/** Unused boot secrets that one node may have: firmware may fetch its script more than once. */
const MAX_BOOT_TOKENS = 16;

type Part = Pick<Assignment, "deployment" | "node">;

export class OrderTokens {
  readonly #insert: Statement;
  readonly #find: Statement;
  readonly #trim: Statement;
  readonly #end: Record<"secret" | "boot" | "session" | "all", Statement>;
  /** The assignments of sessions in use, by secret: installing nodes show theirs with every report. */
  readonly #known = new Map<string, Assignment>();
  /** The secret under which the node's assignment is known. */
  readonly #knownBy = new Map<string, string>();

  /** The table of assignments must exist. */
  constructor(db: Database) {
    db.exec(`
      CREATE TABLE IF NOT EXISTS tokens (
        number INTEGER PRIMARY KEY AUTOINCREMENT, hash BLOB NOT NULL UNIQUE, kind TEXT NOT NULL,
        deployment TEXT NOT NULL, node TEXT NOT NULL
      ) STRICT;
      CREATE INDEX IF NOT EXISTS tokens_of_node ON tokens (node);
    `);
    this.#insert = db.prepare("INSERT INTO tokens (hash, kind, deployment, node) VALUES (?, ?, ?, ?)");
    this.#find = db.prepare(
      `SELECT a.deployment, a.node, a.image, a.version, a.state FROM tokens t
       JOIN assignments a ON a.deployment = t.deployment AND a.node = t.node WHERE t.hash = ? AND t.kind = ?`,
    );
    this.#trim = db.prepare(
      `DELETE FROM tokens WHERE kind = 'boot' AND node = ?1 AND number NOT IN
        (SELECT number FROM tokens WHERE kind = 'boot' AND node = ?1 ORDER BY number DESC LIMIT ?2)`,
    );
    this.#end = {
      secret: db.prepare("DELETE FROM tokens WHERE hash = ?"),
      boot: db.prepare("DELETE FROM tokens WHERE kind = 'boot' AND node = ?"),
      session: db.prepare("DELETE FROM tokens WHERE kind = 'session' AND node = ?"),
      all: db.prepare("DELETE FROM tokens WHERE node = ?"),
    };
  }

  /** Returns the first secret of an order, which ends all that the node had. */
  issueFirst({ deployment, node }: Part): string {
    this.endAll(node);
    return this.#issue("boot", { deployment, node });
  }

  /** Returns one more secret. */
  issueBoot({ deployment, node }: Part): string {
    const secret = this.#issue("boot", { deployment, node });
    this.#trim.run(node, MAX_BOOT_TOKENS);
    return secret;
  }

  /** Exchanges the boot secret for a session, which replaces any other of the node. */
  exchange(bootSecret: string, { deployment, node }: Part): string {
    this.#end.secret.run(tokenHash(bootSecret));
    this.#end.session.run(node);
    this.changed(node);
    return this.#issue("session", { deployment, node });
  }

  /** The assignment with this boot secret; does not consume the secret. */
  ofBoot(secret: string): Assignment | undefined {
    return this.#find.get(tokenHash(secret), "boot") as Assignment | undefined;
  }

  ofSession(secret: string): Assignment | undefined {
    const known = this.#known.get(secret);
    if (known) return known;
    const found = this.#find.get(tokenHash(secret), "session") as Assignment | undefined;
    if (!found) return undefined;
    this.changed(found.node);
    this.#known.set(secret, found);
    this.#knownBy.set(found.node, secret);
    return found;
  }

  /** What is known of the node's assignment no longer holds. */
  changed(node: string): void {
    const secret = this.#knownBy.get(node);
    if (secret === undefined) return;
    this.#knownBy.delete(node);
    this.#known.delete(secret);
  }

  endBoot(node: string): void {
    this.#end.boot.run(node);
  }

  endAll(node: string): void {
    this.#end.all.run(node);
    this.changed(node);
  }

  #issue(kind: "boot" | "session", { deployment, node }: Part): string {
    const secret = randomBytes(24).toString("base64url");
    this.#insert.run(tokenHash(secret), kind, deployment, node);
    return secret;
  }
}
