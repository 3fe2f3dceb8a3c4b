/** Users: their roles, how they log in, and set-up links. Of passwords and links, only hashes are stored. */
import { randomBytes } from "node:crypto";
import type { Database } from "./engine.ts";
import { columnsOf } from "./schema.ts";
import type { Role, UserAdd } from "#contract/api/access.ts";
import { RackseedError } from "#contract/errors.ts";
import { tokenHash } from "./token_hash.ts";

export interface UserRecord {
  readonly name: string;
  readonly role: Role;
  /** An operator's groups of nodes; undefined: all nodes. */
  readonly groups: readonly string[] | undefined;
  /** As access/passwords.ts writes it; undefined until the user has chosen one. */
  readonly password: string | undefined;
  /** Whom the OpenID provider knows them as, see access/oidc_claims.ts; undefined for users that an admin added. */
  readonly subject: string | undefined;
  /** Neither logins nor tokens are accepted. */
  readonly isRefused: boolean;
  /** Another one after each change of these but the name: sessions of an older one have ended. */
  readonly generation: string;
  readonly created: string;
}

interface Row {
  readonly name: string;
  readonly role: Role;
  readonly node_groups: string | null;
  readonly password: string | null;
  readonly subject: string | null;
  readonly refused: number;
  readonly generation: string;
  readonly created: string;
}

export class Users {
  readonly #db: Database;
  readonly #now: () => number;

  constructor(db: Database, { now }: { now: () => number }) {
    this.#db = db;
    this.#now = now;
    db.exec(`CREATE TABLE IF NOT EXISTS users (
      name TEXT PRIMARY KEY, role TEXT NOT NULL, node_groups TEXT, password TEXT, generation TEXT NOT NULL,
      created TEXT NOT NULL, setup_hash BLOB UNIQUE, setup_expires INTEGER,
      subject TEXT, refused INTEGER NOT NULL DEFAULT 0
    ) STRICT`);
    addColumns(db);
    db.exec("CREATE UNIQUE INDEX IF NOT EXISTS users_subject ON users (subject)");
  }

  /** By name. */
  list(): UserRecord[] {
    const rows = this.#db.prepare("SELECT * FROM users ORDER BY name").all();
    return (rows as unknown as Row[]).map(recordOf);
  }

  find(name: string): UserRecord | undefined {
    const row = this.#db.prepare("SELECT * FROM users WHERE name = ?").get(name);
    return row && recordOf(row as unknown as Row);
  }

  /** Throws RackseedError (404). */
  get(name: string): UserRecord {
    const user = this.find(name);
    if (user) return user;
    throw new RackseedError(`cannot find the user ${name}`, {
      reason: "there is none of that name.",
      remedy: "see `rackseed user list`.",
      status: 404,
    });
  }

  ofSubject(subject: string): UserRecord | undefined {
    const row = this.#db.prepare("SELECT * FROM users WHERE subject = ?").get(subject);
    return row && recordOf(row as unknown as Row);
  }

  /** Throws RackseedError (409) if the name is taken. */
  add(
    { name, role, groups, subject }: UserAdd & { readonly subject?: string | undefined },
  ): UserRecord {
    if (this.find(name)) {
      throw new RackseedError(`cannot add the user ${name}`, {
        reason: "there is one of that name already.",
        remedy: `choose another name, or change that one: rackseed user set ${name}`,
        status: 409,
      });
    }
    const created = new Date(this.#now()).toISOString();
    this.#db.prepare(
      "INSERT INTO users (name, role, node_groups, generation, created, subject) VALUES (?, ?, ?, ?, ?, ?)",
    ).run(name, role, textOf(groups), newSecret(), created, subject ?? null);
    return this.get(name);
  }

  /** Ends the user's sessions. */
  set(name: string, { role, groups }: Pick<UserRecord, "role" | "groups">): void {
    this.#db.prepare("UPDATE users SET role = ?, node_groups = ?, generation = ? WHERE name = ?")
      .run(role, textOf(groups), newSecret(), name);
  }

  /** Ends the user's sessions. */
  refuse(name: string, isRefused: boolean): void {
    this.#db.prepare("UPDATE users SET refused = ?, generation = ? WHERE name = ?")
      .run(isRefused ? 1 : 0, newSecret(), name);
  }

  /** Ends the user's sessions and set-up link. Undefined: the user has no password until the next set-up. */
  setPassword(name: string, password: string | undefined): void {
    this.#db.prepare(
      "UPDATE users SET password = ?, generation = ?, setup_hash = NULL, setup_expires = NULL WHERE name = ?",
    ).run(password ?? null, newSecret(), name);
  }

  /** The code of a new set-up link, which replaces the one before. */
  issueSetup(name: string, expiresMs: number): string {
    const code = newSecret();
    this.#db.prepare("UPDATE users SET setup_hash = ?, setup_expires = ? WHERE name = ?")
      .run(tokenHash(code), expiresMs, name);
    return code;
  }

  ofSetup(code: string): UserRecord | undefined {
    const row = this.#db.prepare("SELECT * FROM users WHERE setup_hash = ? AND setup_expires > ?")
      .get(tokenHash(code), this.#now());
    return row && recordOf(row as unknown as Row);
  }

  remove(name: string): void {
    this.#db.prepare("DELETE FROM users WHERE name = ?").run(name);
  }
}

function newSecret(): string {
  return randomBytes(32).toString("base64url");
}

function textOf(groups: readonly string[] | undefined): string | null {
  return groups === undefined ? null : JSON.stringify(groups);
}

/** Databases of earlier releases lack them. */
function addColumns(db: Database): void {
  if (columnsOf(db, "users").includes("subject")) return;
  db.exec("ALTER TABLE users ADD COLUMN subject TEXT");
  db.exec("ALTER TABLE users ADD COLUMN refused INTEGER NOT NULL DEFAULT 0");
}

function recordOf(
  { name, role, node_groups, password, subject, refused, generation, created }: Row,
): UserRecord {
  return {
    name,
    role,
    groups: node_groups === null ? undefined : JSON.parse(node_groups),
    password: password ?? undefined,
    subject: subject ?? undefined,
    isRefused: refused === 1,
    generation,
    created,
  };
}
