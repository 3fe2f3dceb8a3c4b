/** Terms of a deployment, in addition to its nodes and version: a table for each kind, with a row if it was ordered. */
import type { Database, Statement } from "./engine.ts";
import { BackupRequest, DeployRequest } from "#contract/api.ts";
import { SeedPolicy } from "#contract/api/distribution.ts";
import { AskSeconds, IdentityMode } from "#contract/identity.ts";
import { RestoreTerms } from "#contract/api/restore.ts";
import { Finish } from "#contract/api/restarts.ts";
import { z } from "zod";

/** How a deployment's nodes get their identity, if the order says so. */
const IdentityOrder = z.object({ mode: IdentityMode.optional(), askSeconds: AskSeconds.optional() });
export type IdentityOrder = z.infer<typeof IdentityOrder>;
export type BackupTerms = z.output<typeof BackupRequest>;

/** An order to read the hardware. */
const DiscoverTerms = z.object({ listenSeconds: z.int().min(0).max(120) });
export type DiscoverTerms = z.infer<typeof DiscoverTerms>;

/** The order as it was given, so that it can be given again; without nodes, and never with a passphrase. */
const OrderTerms = DeployRequest.omit({ nodes: true, passphrase: true }).extend({
  restore: RestoreTerms.optional(),
});
export type OrderTerms = z.infer<typeof OrderTerms>;

const TABLES = {
  seed: { table: "seed_policies", column: "policy", schema: SeedPolicy },
  identity: { table: "identity_orders", column: "identity", schema: IdentityOrder },
  restore: { table: "restores", column: "terms", schema: RestoreTerms },
  backup: { table: "backups", column: "terms", schema: BackupRequest },
  discover: { table: "discoveries", column: "terms", schema: DiscoverTerms },
  finish: { table: "finishes", column: "finish", schema: Finish },
  order: { table: "deployment_orders", column: "terms", schema: OrderTerms },
  by: { table: "deployment_makers", column: "maker", schema: z.string() },
  now: { table: "restarts", column: "terms", schema: z.literal(true) },
} as const;
type Kind = keyof typeof TABLES;
const KINDS = Object.keys(TABLES) as Kind[];

/** Each is present if it was ordered. */
export type Terms = { readonly [K in Kind]?: z.output<typeof TABLES[K]["schema"]> | undefined };

/** Terms that are kept in memory, or that it is known that there are none. */
const MOST_KEPT = 10_000;

export class DeploymentTerms {
  readonly #db: Database;
  readonly #gets: Record<Kind, Statement>;
  /** By kind and deployment: every view of a node asks for those of its order, which never change. */
  readonly #kept = new Map<string, Terms[Kind]>();

  constructor(db: Database) {
    this.#db = db;
    const get = (kind: Kind) => {
      const { table, column } = TABLES[kind];
      db.exec(
        `CREATE TABLE IF NOT EXISTS ${table} (deployment TEXT PRIMARY KEY, ${column} TEXT NOT NULL) STRICT`,
      );
      return db.prepare(`SELECT ${column} AS terms FROM ${table} WHERE deployment = ?`);
    };
    this.#gets = Object.fromEntries(KINDS.map((kind) => [kind, get(kind)])) as Record<Kind, Statement>;
  }

  put(deployment: string, terms: Terms): void {
    for (const kind of KINDS) {
      this.#kept.delete(keyOf(kind, deployment));
      if (terms[kind] === undefined) continue;
      const { table, column } = TABLES[kind];
      this.#db.prepare(`INSERT INTO ${table} (deployment, ${column}) VALUES (?, ?)`)
        .run(deployment, JSON.stringify(terms[kind]));
    }
  }

  get<K extends Kind>(kind: K, deployment: string): Terms[K] {
    const key = keyOf(kind, deployment);
    if (this.#kept.has(key)) return this.#kept.get(key) as Terms[K];
    const row = this.#gets[kind].get(deployment) as { terms: string } | undefined;
    const terms = row && TABLES[kind].schema.parse(JSON.parse(row.terms)) as Terms[K];
    this.#kept.set(key, terms);
    const [oldest] = this.#kept.keys();
    if (oldest !== undefined && this.#kept.size > MOST_KEPT) this.#kept.delete(oldest);
    return terms;
  }

  forget(deployment: string): void {
    for (const kind of KINDS) {
      this.#kept.delete(keyOf(kind, deployment));
      this.#db.prepare(`DELETE FROM ${TABLES[kind].table} WHERE deployment = ?`).run(deployment);
    }
  }
}

function keyOf(kind: Kind, deployment: string): string {
  return `${kind} ${deployment}`;
}
