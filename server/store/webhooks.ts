/** Webhooks, and the messages that are to be delivered or failed for good. Secrets are sealed. */
import type { Database, Statement } from "./engine.ts";
import type { FailedDelivery, WebhookSettings, WebhookView } from "#contract/api/webhooks.ts";
import { transaction } from "./database.ts";
import { holdsSealed } from "./sealed_tables.ts";
import { SecretBox } from "./secret_box.ts";

/** Messages that wait for one receiver; beyond them, the oldest fails. */
const MAX_WAITING = 1000;
/** Failed messages that are kept, of all receivers. */
const MAX_FAILED = 1000;

/** The receiver that is mail. Not a name that a webhook can have. */
export const MAIL = "(mail)";

type MailQueue = Pick<WebhookView, "waiting" | "failed" | "problem">;

interface Row {
  readonly name: string;
  readonly settings: string;
  readonly created: string;
  readonly waiting: number;
  readonly failed: number;
  readonly problem: string | null;
}

export interface Delivery {
  readonly number: number;
  readonly id: string;
  readonly body: string;
  /** Attempts so far. */
  readonly attempts: number;
}

interface NewMessage {
  readonly id: string;
  readonly event: string;
  readonly body: string;
}

export class WebhookStore {
  readonly #db: Database;
  readonly #box: SecretBox;
  readonly #due: Statement;
  readonly #list: Statement;

  constructor(db: Database, directory: { readonly keys: string }) {
    this.#db = db;
    this.#box = new SecretBox(directory, { isUsed: () => holdsSealed(db) });
    db.exec(`
      CREATE TABLE IF NOT EXISTS webhooks (
        name TEXT PRIMARY KEY, settings TEXT NOT NULL, secret BLOB NOT NULL, created TEXT NOT NULL, problem TEXT
      ) STRICT;
      CREATE TABLE IF NOT EXISTS webhook_messages (
        number INTEGER PRIMARY KEY AUTOINCREMENT, webhook TEXT NOT NULL REFERENCES webhooks ON DELETE CASCADE,
        id TEXT NOT NULL, event TEXT NOT NULL, body TEXT NOT NULL, created TEXT NOT NULL,
        attempts INTEGER NOT NULL DEFAULT 0, next_ms INTEGER, reason TEXT
      ) STRICT;
      CREATE INDEX IF NOT EXISTS webhook_messages_due ON webhook_messages (webhook, next_ms);
    `);
    // next_ms is null once the message has failed
    this.#due = db.prepare(
      `SELECT number, id, body, attempts FROM webhook_messages
       WHERE webhook = ? AND next_ms <= ? ORDER BY number LIMIT 1`,
    );
    this.#list = db.prepare(
      `SELECT name, settings, created, problem,
         (SELECT count(*) FROM webhook_messages WHERE webhook = name AND next_ms IS NOT NULL) AS waiting,
         (SELECT count(*) FROM webhook_messages WHERE webhook = name AND next_ms IS NULL) AS failed
       FROM webhooks ORDER BY name`,
    );
  }

  list(): WebhookView[] {
    return this.#rows().filter(({ name }) => name !== MAIL).map(({ settings, problem, ...row }) => ({
      ...JSON.parse(settings) as WebhookSettings,
      ...row,
      ...(problem !== null && { problem }),
    }));
  }

  /** Mail as a receiver of messages: what waits for it. Undefined while it is not used. */
  mail(): MailQueue | undefined {
    const row = this.#rows().find(({ name }) => name === MAIL);
    if (!row) return undefined;
    const { waiting, failed, problem } = row;
    return { waiting, failed, ...(problem !== null && { problem }) };
  }

  /** Messages for mail are kept from now on; or, if it is no longer used, forgotten. */
  useMail(isUsed: boolean, created: string): void {
    if (!isUsed) this.delete(MAIL);
    else if (this.mail() === undefined) {
      // it has no secret here, but what every receiver has
      this.#db.prepare("INSERT INTO webhooks (name, settings, secret, created) VALUES (?, ?, ?, ?)")
        .run(MAIL, "{}", this.#box.seal("", ["webhook", MAIL]), created);
    }
  }

  #rows(): Row[] {
    return this.#list.all() as unknown as Row[];
  }

  /** Replaces the webhook of this name, with its secret. */
  put(name: string, { settings, secret, created }: {
    settings: WebhookSettings;
    secret: string;
    created: string;
  }): void {
    const sealed = this.#box.seal(secret, ["webhook", name]);
    this.#db.prepare(
      `INSERT INTO webhooks (name, settings, secret, created) VALUES (?, ?, ?, ?)
       ON CONFLICT (name) DO UPDATE SET settings = excluded.settings, secret = excluded.secret, problem = NULL`,
    ).run(name, JSON.stringify(settings), sealed, created);
  }

  /** Throws RackseedError if the key of the secrets is lost. */
  secret(name: string): string | undefined {
    const row = this.#db.prepare("SELECT secret FROM webhooks WHERE name = ?").get(name) as
      | { secret: Uint8Array }
      | undefined;
    return row && this.#box.open(row.secret, ["webhook", name]);
  }

  /** With its messages. */
  delete(name: string): boolean {
    return this.#db.prepare("DELETE FROM webhooks WHERE name = ?").run(name).changes > 0;
  }

  add(names: readonly string[], { id, event, body }: NewMessage, nowMs: number): void {
    transaction(this.#db, () => {
      for (const name of names) {
        this.#db.prepare(
          `INSERT INTO webhook_messages (webhook, id, event, body, created, next_ms) VALUES (?, ?, ?, ?, ?, ?)`,
        ).run(name, id, event, body, new Date(nowMs).toISOString(), nowMs);
        this.#db.prepare(
          `UPDATE webhook_messages SET next_ms = NULL, reason = 'too many messages wait for this receiver'
           WHERE number IN (SELECT number FROM webhook_messages WHERE webhook = ? AND next_ms IS NOT NULL
             ORDER BY number DESC LIMIT -1 OFFSET ${MAX_WAITING})`,
        ).run(name);
      }
      this.#forgetOldest();
    });
  }

  /** The oldest message that may be tried now. */
  due(name: string, nowMs: number): Delivery | undefined {
    return this.#due.get(name, nowMs) as Delivery | undefined;
  }

  delivered(name: string, { number }: Delivery): void {
    transaction(this.#db, () => {
      this.#db.prepare("DELETE FROM webhook_messages WHERE number = ?").run(number);
      this.#db.prepare("UPDATE webhooks SET problem = NULL WHERE name = ?").run(name);
    });
  }

  /** `nextMs`: when it is tried again; undefined if it has failed for good. */
  failed(
    name: string,
    { number }: Delivery,
    { reason, nextMs }: { reason: string; nextMs?: number | undefined },
  ): void {
    transaction(this.#db, () => {
      this.#db.prepare(
        "UPDATE webhook_messages SET attempts = attempts + 1, next_ms = ?, reason = ? WHERE number = ?",
      ).run(nextMs ?? null, reason, number);
      this.#db.prepare("UPDATE webhooks SET problem = ? WHERE name = ?").run(reason, name);
      this.#forgetOldest();
    });
  }

  /** Messages that failed for good, oldest first. */
  listFailed(): FailedDelivery[] {
    return this.#db.prepare(
      `SELECT id, webhook, event, created, attempts, coalesce(reason, '') AS reason, body
       FROM webhook_messages WHERE next_ms IS NULL ORDER BY number`,
    ).all() as unknown as FailedDelivery[];
  }

  /** Tries failed messages once more: those with these ids, or all. Returns their number. */
  resend(ids: readonly string[] | undefined, nowMs: number): number {
    const again = "UPDATE webhook_messages SET next_ms = ?, attempts = 0 WHERE next_ms IS NULL";
    if (ids === undefined) return Number(this.#db.prepare(again).run(nowMs).changes);
    const one = this.#db.prepare(`${again} AND id = ?`);
    return transaction(this.#db, () => ids.reduce((sum, id) => sum + Number(one.run(nowMs, id).changes), 0));
  }

  /** Messages that wait, of all receivers. */
  get waiting(): number {
    const row = this.#db.prepare("SELECT count(*) AS n FROM webhook_messages WHERE next_ms IS NOT NULL")
      .get();
    return (row as { n: number }).n;
  }

  #forgetOldest(): void {
    this.#db.exec(
      `DELETE FROM webhook_messages WHERE number IN (SELECT number FROM webhook_messages WHERE next_ms IS NULL
        ORDER BY number DESC LIMIT -1 OFFSET ${MAX_FAILED})`,
    );
  }
}
