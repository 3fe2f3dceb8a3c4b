/** Machines whose agents have announced them as templates. */
import { randomBytes } from "node:crypto";
import type { Database } from "./engine.ts";
import { TemplateAnnouncement, type TemplateView } from "#contract/api.ts";
import { RackseedError } from "#contract/errors.ts";
import { shortList } from "./nodes.ts";

interface Row {
  readonly id: string;
  readonly announcement: string;
  readonly address: string;
  readonly seen: string;
}

/** An agent asks every 30 s; if it is silent for longer, it is offline. */
const ONLINE_MS = 45_000;
/** Beyond this number, the one that was silent longest is dropped. */
const MAX_TEMPLATES = 1000;

export class Templates {
  readonly #db: Database;
  readonly #now: () => number;
  /** Time of the latest contact, by id. */
  readonly #seen = new Map<string, number>();

  constructor(db: Database, { now }: { now: () => number }) {
    this.#db = db;
    this.#now = now;
    db.exec(`CREATE TABLE IF NOT EXISTS templates (
      id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, announcement TEXT NOT NULL, address TEXT NOT NULL,
      seen TEXT NOT NULL
    ) STRICT`);
  }

  /**
   * Stores the machine under its name; it keeps its id when it announces itself again. Throws RackseedError (409) if
   * another machine with that name is online.
   */
  announce(announcement: TemplateAnnouncement, { address }: { address: string }): TemplateView {
    const known = this.find(announcement.name);
    if (known?.online && known.address !== address) {
      throw new RackseedError(`cannot announce the template ${announcement.name}`, {
        reason: `the machine at ${known.address} has that name and is online.`,
        remedy: "give this one another: rackseed agent template --name NAME",
        status: 409,
      });
    }
    const id = known?.id ?? randomBytes(8).toString("hex");
    this.#db.prepare(
      `INSERT INTO templates (id, name, announcement, address, seen) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET announcement = excluded.announcement, address = excluded.address,
         seen = excluded.seen`,
    ).run(id, announcement.name, JSON.stringify(announcement), address, this.#time());
    this.#db.prepare(
      "DELETE FROM templates WHERE id NOT IN (SELECT id FROM templates ORDER BY seen DESC LIMIT ?)",
    ).run(MAX_TEMPLATES);
    this.#seen.set(id, this.#now());
    return this.get(id);
  }

  list(): TemplateView[] {
    const rows = this.#db.prepare("SELECT * FROM templates ORDER BY name").all() as unknown as Row[];
    return rows.map((row) => this.#view(row));
  }

  /** `key`: name or id. */
  find(key: string): TemplateView | undefined {
    const row = this.#db.prepare("SELECT * FROM templates WHERE id = ?1 OR name = ?1").get(key);
    return row && this.#view(row as unknown as Row);
  }

  /** Throws RackseedError (404) that lists the known templates. */
  get(key: string): TemplateView {
    const template = this.find(key);
    if (template) return template;
    const names = this.list().map((t) => t.name);
    throw new RackseedError(`cannot find the template ${key}`, {
      reason: names.length === 0
        ? "no machine has announced itself yet."
        : `the announced templates are ${shortList(names)}.`,
      remedy: "run `rackseed agent template --server URL --token TOKEN` on the machine to capture.",
      status: 404,
    });
  }

  /** Its agent asked for orders, or reported on a capture. Returns whether it was offline before. */
  touch(id: string): boolean {
    const was = this.#isOnline(id);
    this.#seen.set(id, this.#now());
    return !was;
  }

  /** Its agent's waiting connection was closed. */
  leave(id: string): void {
    this.#seen.delete(id);
  }

  #isOnline(id: string): boolean {
    return this.#now() - (this.#seen.get(id) ?? 0) < ONLINE_MS;
  }

  #view({ id, announcement, address, seen }: Row): TemplateView {
    const heard = this.#seen.get(id);
    return {
      ...TemplateAnnouncement.parse(JSON.parse(announcement)),
      id,
      address,
      online: this.#isOnline(id),
      seen: heard === undefined ? seen : new Date(heard).toISOString(),
    };
  }

  #time(): string {
    return new Date(this.#now()).toISOString();
  }
}
