/** The operator's settings for the swarm of the whole site (#contract/api/distribution.ts). */
import type { Database } from "./engine.ts";
import { DEFAULT_SEED, type SwarmChange, SwarmSettings } from "#contract/api/distribution.ts";

const NAME = "swarm";

export class SwarmSettingsStore {
  readonly #db: Database;
  #value: SwarmSettings;

  constructor(db: Database) {
    this.#db = db;
    db.exec("CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT");
    const row = db.prepare("SELECT value FROM settings WHERE name = ?").get(NAME) as
      | { value: string }
      | undefined;
    this.#value = row ? SwarmSettings.parse(JSON.parse(row.value)) : { seed: DEFAULT_SEED };
  }

  get value(): SwarmSettings {
    return this.#value;
  }

  /** An absent setting stays, null clears one. Persists across restarts. */
  change(change: SwarmChange): SwarmSettings {
    const kept = Object.entries({ ...this.#value, ...change })
      .filter(([, value]) => value !== null && value !== undefined);
    const value = SwarmSettings.parse({ seed: DEFAULT_SEED, ...Object.fromEntries(kept) });
    this.#db.prepare(
      "INSERT INTO settings (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
    ).run(NAME, JSON.stringify(value));
    return this.#value = value;
  }
}
