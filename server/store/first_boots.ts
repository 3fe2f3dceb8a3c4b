/**
 * Which clones must report their first boot, by when, and what they reported (#contract/api/first_boot.ts). One row for
 * each node, for its latest deployment; only the SHA-256 of the token is stored.
 */
import { createHash, randomBytes } from "node:crypto";
import type { Database } from "./engine.ts";
import type { Problem } from "#contract/errors.ts";
import { transaction } from "./database.ts";
import { Prepared } from "./prepared.ts";

export interface FirstBoot {
  /** Node id. */
  readonly node: string;
  readonly deployment: string;
  readonly timeoutSeconds: number;
  /** SHA-256 of the token, base64url; set at enrolment. */
  readonly tokenHash?: string;
  /** Deadline of its report, and the host name assigned to it; set when the installation ends. */
  readonly dueMs?: number;
  readonly assigned?: string;
  readonly reportedMs?: number;
  /** The host name that it reported. */
  readonly hostname?: string;
  readonly problem?: Problem;
}

export class FirstBoots {
  readonly #db: Database;
  readonly #prepared: Prepared;
  readonly #rows = new Map<string, FirstBoot>();
  /** Node ids by hash. */
  readonly #tokens = new Map<string, string>();

  constructor(db: Database) {
    this.#db = db;
    this.#prepared = new Prepared(db);
    db.exec("CREATE TABLE IF NOT EXISTS first_boots (node TEXT PRIMARY KEY, content TEXT NOT NULL) STRICT");
    for (const { content } of db.prepare("SELECT content FROM first_boots").all() as { content: string }[]) {
      this.#hold(JSON.parse(content) as FirstBoot);
    }
  }

  /** A new order for these nodes; earlier expectations are dropped. */
  order(nodes: readonly string[], { deployment, timeoutSeconds }: {
    deployment: string;
    timeoutSeconds: number;
  }): void {
    // one wait for the disk for all nodes
    transaction(this.#db, () => {
      for (const node of nodes) this.#save({ node, deployment, timeoutSeconds });
    });
  }

  /** A fresh token for the clone; revokes the one before. */
  issue(
    { node, deployment }: { node: string; deployment: string },
  ): { token: string; timeoutSeconds: number } | undefined {
    const row = this.of({ node, deployment });
    if (row === undefined) return undefined;
    const token = randomBytes(24).toString("base64url");
    const { timeoutSeconds } = row;
    this.#save({ node, deployment, timeoutSeconds, tokenHash: hashOf(token) });
    return { token, timeoutSeconds };
  }

  /** The installation has ended: the clone's time starts. */
  begin(
    part: { node: string; deployment: string },
    { nowMs, assigned }: { nowMs: number; assigned: string },
  ): void {
    const row = this.of(part);
    if (row && row.reportedMs === undefined) {
      this.#save({ ...row, assigned, dueMs: nowMs + row.timeoutSeconds * 1000 });
    }
  }

  ofToken(token: string): FirstBoot | undefined {
    return this.#rows.get(this.#tokens.get(hashOf(token)) ?? "");
  }

  reported(
    row: FirstBoot,
    report: Pick<FirstBoot, "hostname" | "problem"> & { readonly reportedMs: number },
  ): void {
    this.#save({ ...row, ...report });
  }

  of({ node, deployment }: { node: string; deployment: string }): FirstBoot | undefined {
    const row = this.#rows.get(node);
    return row?.deployment === deployment ? row : undefined;
  }

  /** Clones that have not reported and whose deadline is after `sinceMs` and not after `nowMs`. */
  becameLate({ sinceMs, nowMs }: { sinceMs: number; nowMs: number }): FirstBoot[] {
    return this.#rows.values().filter(({ dueMs = Infinity, reportedMs }) =>
      reportedMs === undefined && dueMs > sinceMs && dueMs <= nowMs
    ).toArray();
  }

  forget(node: string): void {
    this.#db.prepare("DELETE FROM first_boots WHERE node = ?").run(node);
    this.#drop(node);
  }

  #save(row: FirstBoot): void {
    this.#prepared.get(
      "INSERT INTO first_boots (node, content) VALUES (?, ?) ON CONFLICT (node) DO UPDATE SET content = excluded.content",
    ).run(row.node, JSON.stringify(row));
    this.#drop(row.node);
    this.#hold(row);
  }

  #hold(row: FirstBoot): void {
    this.#rows.set(row.node, row);
    if (row.tokenHash !== undefined) this.#tokens.set(row.tokenHash, row.node);
  }

  #drop(node: string): void {
    const hash = this.#rows.get(node)?.tokenHash;
    if (hash !== undefined) this.#tokens.delete(hash);
    this.#rows.delete(node);
  }
}

function hashOf(token: string): string {
  return createHash("sha256").update(token).digest("base64url");
}
