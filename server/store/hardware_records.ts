/** What each node's hardware was: its inventories whenever they changed, and the one that an operator last accepted. */
import type { Database } from "./engine.ts";
import { Inventory } from "#contract/api.ts";
import type { HardwareRecord } from "#contract/api/hardware_history.ts";
import { transaction } from "./database.ts";
import { NodeHistory } from "./node_history.ts";

/** Records that are kept of each node. */
const KEPT = 20;

export class HardwareRecords {
  readonly #db: Database;
  readonly #history: NodeHistory;
  /** Accepted inventories of the nodes whose hardware is another one now, by node id; of all others it is the present one. */
  readonly #accepted = new Map<string, Inventory>();

  constructor(db: Database) {
    this.#db = db;
    this.#history = new NodeHistory(db);
    db.exec(`
      CREATE TABLE IF NOT EXISTS hardware (
        number INTEGER PRIMARY KEY AUTOINCREMENT, node TEXT NOT NULL, at TEXT NOT NULL, changes TEXT NOT NULL,
        inventory TEXT NOT NULL
      ) STRICT;
      CREATE INDEX IF NOT EXISTS hardware_of_node ON hardware (node, number);
      CREATE TABLE IF NOT EXISTS accepted_hardware (node TEXT PRIMARY KEY, inventory TEXT NOT NULL) STRICT;
    `);
    for (const row of db.prepare("SELECT node, inventory FROM accepted_hardware").iterate()) {
      this.#accepted.set(row.node as string, Inventory.parse(JSON.parse(row.inventory as string)));
    }
  }

  /** Adds a record; the oldest ones are forgotten. */
  add(node: string, { at, changes, inventory }: HardwareRecord): void {
    transaction(this.#db, () => {
      this.#db.prepare("INSERT INTO hardware (node, at, changes, inventory) VALUES (?, ?, ?, ?)")
        .run(node, at, JSON.stringify(changes), JSON.stringify(inventory));
      this.#db.prepare(
        `DELETE FROM hardware WHERE node = ?1 AND number NOT IN
          (SELECT number FROM hardware WHERE node = ?1 ORDER BY number DESC LIMIT ?2)`,
      ).run(node, KEPT);
      if (changes.length === 0) return;
      this.#history.put(node, `hardware ${at}`, {
        kind: "hardware",
        at,
        result: "done",
        details: [...changes],
      });
    });
  }

  /** Puts a fuller report of the same hardware in the place of the latest record, or makes the first one. */
  replaceLatest(node: string, { at, inventory }: Pick<HardwareRecord, "at" | "inventory">): void {
    const { changes } = this.#db.prepare(
      "UPDATE hardware SET inventory = ? WHERE number = (SELECT max(number) FROM hardware WHERE node = ?)",
    ).run(JSON.stringify(inventory), node);
    // nodes of earlier releases have none
    if (Number(changes) === 0) this.add(node, { at, changes: [], inventory });
  }

  /** Newest first. */
  list(node: string): HardwareRecord[] {
    const rows = this.#db.prepare(
      "SELECT at, changes, inventory FROM hardware WHERE node = ? ORDER BY number DESC",
    ).all(node) as { at: string; changes: string; inventory: string }[];
    return rows.map(({ at, changes, inventory }) => ({
      at,
      changes: JSON.parse(changes),
      inventory: Inventory.parse(JSON.parse(inventory)),
    }));
  }

  /** Undefined if that is the present one. */
  accepted(node: string): Inventory | undefined {
    return this.#accepted.get(node);
  }

  setAccepted(node: string, inventory: Inventory): void {
    this.#db.prepare(
      `INSERT INTO accepted_hardware (node, inventory) VALUES (?, ?)
       ON CONFLICT (node) DO UPDATE SET inventory = excluded.inventory`,
    ).run(node, JSON.stringify(inventory));
    this.#accepted.set(node, inventory);
  }

  /** The present hardware counts as accepted from now on. */
  accept(node: string): void {
    if (!this.#accepted.has(node)) return;
    this.#db.prepare("DELETE FROM accepted_hardware WHERE node = ?").run(node);
    this.#accepted.delete(node);
  }

  forget(node: string): void {
    this.accept(node);
    this.#db.prepare("DELETE FROM hardware WHERE node = ?").run(node);
  }
}
