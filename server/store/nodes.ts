/**
 * The machines that are known: those an operator named, and those that merely asked for an address or a boot
 * program ("discovered"), which are shown and never armed by themselves.
 */
import { randomBytes } from "node:crypto";
import type { DatabaseSync } from "node:sqlite";
import { Inventory, Mac, MachineName, NodeSettings } from "#contract/api.ts";
import { RackseedError } from "#contract/errors.ts";
import { transaction } from "./database.ts";

export interface NodeRecord {
  readonly id: string;
  readonly name: string;
  readonly settings: NodeSettings;
  /** Nobody has named or configured it yet. */
  readonly discovered: boolean;
  /** Where it was last heard from. */
  readonly address?: string;
  readonly seen?: string;
  readonly inventory?: Inventory;
}

interface Row {
  readonly id: string;
  readonly name: string;
  readonly settings: string;
  readonly discovered: number;
  readonly address: string | null;
  readonly seen: string | null;
  readonly inventory: string | null;
}

/** More machines than this that nobody named are not remembered: whoever invents MACs fills no disk. */
const MAX_DISCOVERED = 1000;
/** A sign of life is written down this often; in between it is held in memory. */
const SEEN_EVERY_MS = 60_000;

export class Nodes {
  readonly #db: DatabaseSync;
  readonly #now: () => number;
  readonly #records = new Map<string, NodeRecord>();
  readonly #written = new Map<string, number>();

  constructor(db: DatabaseSync, { now }: { now: () => number }) {
    this.#db = db;
    this.#now = now;
    db.exec(`CREATE TABLE IF NOT EXISTS nodes (
      id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, settings TEXT NOT NULL, discovered INTEGER NOT NULL,
      address TEXT, seen TEXT, inventory TEXT
    ) STRICT`);
    for (const row of db.prepare("SELECT * FROM nodes").all() as unknown as Row[]) {
      this.#records.set(row.id, recordOf(row));
    }
  }

  /** By name. */
  list(): NodeRecord[] {
    return [...this.#records.values()].sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }));
  }

  /** `key`: name, MAC or id. */
  find(key: string): NodeRecord | undefined {
    const mac = Mac.safeParse(key);
    if (mac.success) return this.byMac(mac.data);
    return this.#records.get(key) ?? this.#byName(key);
  }

  /** Throws RackseedError (404) that names the nodes which exist. */
  get(key: string): NodeRecord {
    const node = this.find(key);
    if (node) return node;
    const names = this.list().map((n) => n.name);
    throw new RackseedError(`cannot find the node ${key}`, {
      reason: names.length === 0 ? "no node is known yet." : `known are: ${shortList(names)}.`,
      remedy: `check the name, or make it: rackseed node set ${key} --mac 52:54:00:12:34:56`,
      status: 404,
    });
  }

  byMac(mac: string): NodeRecord | undefined {
    return this.#records.values().find((node) => node.settings.mac === mac);
  }

  /** Whether a node's clone is to bear this address. */
  isBorne(address: string): boolean {
    return this.#records.values().some(({ settings }) => settings.address?.split("/")[0] === address);
  }

  /**
   * Gives the node these settings in place of its old ones, and makes it where it is new. A new name for a MAC
   * that was only discovered names that machine. Throws RackseedError (409) where a name, MAC, host name or
   * address is another node's, and (400) where `key` can be no name.
   */
  put(key: string, settings: NodeSettings): NodeRecord {
    const discovered = settings.mac === undefined ? undefined : this.byMac(settings.mac);
    const known = this.find(key) ?? (discovered?.discovered ? discovered : undefined);
    const mac = Mac.safeParse(key);
    const name = known && (known.name === key || known.id === key || mac.success)
      ? known.name
      : nameOf(mac.success ? nameOfMac(mac.data) : key);
    const ownMac = settings.mac ?? (mac.success ? mac.data : undefined);
    const node: NodeRecord = {
      ...known,
      id: known?.id ?? randomBytes(8).toString("hex"),
      name,
      settings: { ...settings, ...(ownMac !== undefined && { mac: ownMac }) },
      discovered: false,
    };
    this.#refuseConflicts(node);
    this.#save(node);
    return node;
  }

  delete(id: string): void {
    this.#db.prepare("DELETE FROM nodes WHERE id = ?").run(id);
    this.#records.delete(id);
    this.#written.delete(id);
  }

  /**
   * A machine asked for something by DHCP or over the boot port. Returns its record where it was not known
   * before or where its address changed, so that watchers can be told.
   */
  discover(mac: string, { address }: { address?: string } = {}): NodeRecord | undefined {
    const known = this.byMac(mac);
    if (known) {
      const moved = address !== undefined && known.address !== address;
      this.touch(known.id, { ...(address !== undefined && { address }) });
      return moved ? this.#records.get(known.id) : undefined;
    }
    const name = nameOfMac(mac);
    if (this.#byName(name)) return undefined;
    this.#dropOldestDiscovered();
    const node: NodeRecord = {
      id: randomBytes(8).toString("hex"),
      name,
      settings: { mac },
      discovered: true,
      seen: this.#time(),
      ...(address !== undefined && { address }),
    };
    this.#save(node);
    return node;
  }

  /** A sign of life of a known node. */
  touch(id: string, { address, inventory }: { address?: string; inventory?: Inventory } = {}): void {
    const old = this.#records.get(id);
    if (!old) return;
    const node = {
      ...old,
      seen: this.#time(),
      ...(address !== undefined && { address }),
      ...(inventory && { inventory }),
    };
    const due = this.#now() - (this.#written.get(id) ?? 0) >= SEEN_EVERY_MS;
    if (inventory || due || node.address !== old.address) this.#save(node);
    else this.#records.set(id, node);
  }

  #byName(name: string): NodeRecord | undefined {
    const folded = name.toLowerCase();
    return this.#records.values().find((node) => node.name.toLowerCase() === folded);
  }

  #refuseConflicts(node: NodeRecord): void {
    for (const other of this.#records.values()) {
      if (other.id === node.id) continue;
      const what = conflict(node, other);
      if (!what) continue;
      throw new RackseedError(`cannot set the node ${node.name}`, {
        reason: `${what} belongs to the node ${other.name}.`,
        remedy: `choose another, or remove that node: rackseed node delete ${other.name}`,
        status: 409,
      });
    }
  }

  #save(node: NodeRecord): void {
    this.#db.prepare(
      `INSERT INTO nodes (id, name, settings, discovered, address, seen, inventory) VALUES (?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET name = excluded.name, settings = excluded.settings,
         discovered = excluded.discovered, address = excluded.address, seen = excluded.seen,
         inventory = excluded.inventory`,
    ).run(
      node.id,
      node.name,
      JSON.stringify(node.settings),
      node.discovered ? 1 : 0,
      node.address ?? null,
      node.seen ?? null,
      node.inventory ? JSON.stringify(node.inventory) : null,
    );
    this.#records.set(node.id, node);
    this.#written.set(node.id, this.#now());
  }

  #dropOldestDiscovered(): void {
    const found = [...this.#records.values()].filter((node) => node.discovered);
    if (found.length < MAX_DISCOVERED) return;
    const oldest = found.sort((a, b) => (a.seen ?? "").localeCompare(b.seen ?? ""));
    transaction(this.#db, () => {
      for (const node of oldest.slice(0, found.length - MAX_DISCOVERED + 1)) this.delete(node.id);
    });
  }

  #time(): string {
    return new Date(this.#now()).toISOString();
  }
}

/** The host name that the clone is given. */
export function hostnameOf(node: NodeRecord): string {
  return node.settings.hostname ?? node.name.replace(/[^a-zA-Z0-9.-]/g, "-").replace(/[-.]+$/, "");
}

/** What two nodes would share and must not, in words. */
function conflict(node: NodeRecord, other: NodeRecord): string | undefined {
  if (node.name.toLowerCase() === other.name.toLowerCase()) return `the name ${node.name}`;
  const { mac } = node.settings;
  if (mac !== undefined && mac === other.settings.mac) return `the MAC address ${mac}`;
  const hostname = hostnameOf(node);
  if (hostname.toLowerCase() === hostnameOf(other).toLowerCase()) return `the host name ${hostname}`;
  const address = fixedAddress(node);
  if (address !== undefined && address === fixedAddress(other)) return `the address ${address}`;
  return undefined;
}

function fixedAddress({ settings: { address } }: NodeRecord): string | undefined {
  return address === undefined || address === "dhcp" ? undefined : address.replace(/\/.*/, "");
}

function nameOfMac(mac: string): string {
  return mac.replaceAll(":", "-");
}

function nameOf(text: string): string {
  const name = MachineName.safeParse(text);
  if (name.success) return name.data;
  throw new RackseedError(`cannot make the node ${text}`, {
    reason: "a name is 1 to 63 letters, digits, . _ - and starts with a letter or digit.",
    remedy: "choose such a name.",
    status: 400,
  });
}

/** As many names as a person reads in an error. */
export function shortList(names: readonly string[]): string {
  return names.length <= 20
    ? names.join(", ")
    : `${names.slice(0, 20).join(", ")} and ${names.length - 20} more`;
}

function recordOf(row: Row): NodeRecord {
  return {
    id: row.id,
    name: row.name,
    settings: NodeSettings.parse(JSON.parse(row.settings)),
    discovered: row.discovered === 1,
    ...(row.address !== null && { address: row.address }),
    ...(row.seen !== null && { seen: row.seen }),
    ...(row.inventory !== null && { inventory: Inventory.parse(JSON.parse(row.inventory)) }),
  };
}
