/**
 * The known machines: nodes, which an operator named, and machines that only asked for an address or a boot program
 * ("discovered"). Those are shown, but become nodes only when an operator says so, and are never armed on their own.
 */
import type { NodeRecord } from "./node_record.ts";
import { randomBytes } from "node:crypto";
import type { Database, Statement } from "./engine.ts";
import { columnsOf } from "./schema.ts";
import { Inventory, Mac, MachineName, NodeSettings } from "#contract/api.ts";
import { Sighting } from "#contract/api/machines.ts";
import { RackseedError } from "#contract/errors.ts";
import { addressClaim, Claims, claimsOf, macClaim, nameClaim } from "./claims.ts";
import { transaction } from "./database.ts";
import { NodeHistory } from "./node_history.ts";
import { settingsChanges } from "./settings_changes.ts";
import { type Glimpse, sightingAfter, tellsMore, toForget } from "./sightings.ts";

interface Row {
  readonly id: string;
  readonly name: string;
  readonly settings: string;
  readonly discovered: number;
  readonly address: string | null;
  readonly seen: string | null;
  readonly inventory: string | null;
  readonly inventory_at: string | null;
  readonly sighting: string | null;
}

/** What a sighting led to. */
interface Discovery {
  /** The machine, if it is new or has told more than before. */
  readonly changed?: NodeRecord;
  /** Machines that were forgotten in its favour. */
  readonly forgotten: readonly NodeRecord[];
}

/** Discovered machines that are remembered at most, so that invented MACs cannot fill the disk. */
const MAX_DISCOVERED = 1000;
/** Interval at which a node's sign of life is stored; in between it is only in memory. */
const SEEN_EVERY_MS = 60_000;
/** Interval at which the signs of life of all nodes are written together, because each write waits for the disk. */
const SEEN_TOGETHER_MS = 1000;
const BY_NAME = new Intl.Collator("en", { numeric: true });

/** n2 before n10; never 0 for different names. */
export function compareNames(a: string, b: string): number {
  return BY_NAME.compare(a, b) || (a < b ? -1 : a > b ? 1 : 0);
}

export class Nodes {
  readonly #db: Database;
  readonly #now: () => number;
  readonly #records = new Map<string, NodeRecord>();
  /** Ids by the SMBIOS UUID of the last inventory, in lower case; boards of one series may share one. */
  readonly #byUuid = new Map<string, Set<string>>();
  /** All ids, by name; undefined since a node came, went or was renamed. */
  #byName: readonly string[] | undefined;
  readonly #claims = new Claims();
  readonly #history: NodeHistory;
  readonly #saving: Statement;
  readonly #written = new Map<string, number>();
  /** Nodes whose sign of life is to be written. */
  readonly #due = new Set<string>();
  #seenWrittenMs = 0;

  constructor(db: Database, { now }: { now: () => number }) {
    this.#db = db;
    this.#now = now;
    db.exec(`CREATE TABLE IF NOT EXISTS nodes (
      id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, settings TEXT NOT NULL, discovered INTEGER NOT NULL,
      address TEXT, seen TEXT, inventory TEXT, inventory_at TEXT, sighting TEXT
    ) STRICT`);
    addColumns(db);
    this.#history = new NodeHistory(db);
    for (const row of db.prepare("SELECT * FROM nodes").all() as unknown as Row[]) {
      this.#hold(recordOf(row));
    }
    this.#saving = db.prepare(
      `INSERT INTO nodes (id, name, settings, discovered, address, seen, inventory, inventory_at, sighting)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET name = excluded.name, settings = excluded.settings,
         discovered = excluded.discovered, address = excluded.address, seen = excluded.seen,
         inventory = excluded.inventory, inventory_at = excluded.inventory_at, sighting = excluded.sighting`,
    );
  }

  /** By name. */
  list(): NodeRecord[] {
    this.#byName ??= this.all().toSorted((a, b) => compareNames(a.name, b.name)).map(({ id }) => id);
    return this.#byName.flatMap((id) => this.#records.get(id) ?? []);
  }

  /** In no particular order. */
  all(): readonly NodeRecord[] {
    return [...this.#records.values()];
  }

  /** `key`: name, MAC or id. */
  find(key: string): NodeRecord | undefined {
    const known = this.#records.get(key) ?? this.#owner(nameClaim(key));
    if (known) return known;
    const mac = Mac.safeParse(key);
    return mac.success ? this.byMac(mac.data) : undefined;
  }

  /** Throws RackseedError (404) that lists the known nodes. */
  get(key: string): NodeRecord {
    const node = this.find(key);
    if (node) return node;
    const names = this.list().map((n) => n.name);
    throw new RackseedError(`cannot find the node ${key}`, {
      reason: names.length === 0 ? "no node is known yet." : `the known nodes are ${shortList(names)}.`,
      remedy: `check the name, or create it: rackseed node set ${key} --mac 52:54:00:12:34:56`,
      status: 404,
    });
  }

  byMac(mac: string): NodeRecord | undefined {
    return this.#owner(macClaim(mac));
  }

  /** Those whose last inventory has this SMBIOS UUID. */
  withUuid(uuid: string): NodeRecord[] {
    const ids = this.#byUuid.get(uuid.toLowerCase()) ?? [];
    return [...ids].flatMap((id) => this.#records.get(id) ?? []);
  }

  /** Whether the address is assigned to a node's clone. */
  isAddressAssigned(address: string): boolean {
    return this.#claims.ownerOf(addressClaim(address)) !== undefined;
  }

  /**
   * Replaces the node's settings, and creates the node if it is new. A new name for a MAC that was only discovered names
   * that machine. Throws RackseedError (409) if a name, MAC, host name or address belongs to another node, and (400) if
   * `key` cannot be a name.
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
    this.#noteChange(known, node);
    return node;
  }

  #noteChange(before: NodeRecord | undefined, { id, settings }: NodeRecord): void {
    const details = settingsChanges(before?.settings ?? {}, settings), at = this.#time();
    if (details.length === 0) return;
    this.#history.put(id, `settings ${at}`, { kind: "settings", at, result: "done", details });
  }

  /** As `put` for each in turn, but all or none. */
  putAll(changes: readonly { readonly node: string; readonly settings: NodeSettings }[]): NodeRecord[] {
    const before = new Map(this.#records);
    try {
      return transaction(this.#db, () => changes.map(({ node, settings }) => this.put(node, settings)));
    } catch (error) {
      for (const node of this.#records.values()) if (!before.has(node.id)) this.#drop(node.id);
      for (const node of before.values()) this.#hold(node);
      throw error;
    }
  }

  /**
   * Gives the node a name and settings. `instead`: the id of the node that it replaces, which is deleted. Throws
   * RackseedError (409) as `put` does, and then changes nothing.
   */
  become(
    id: string,
    { name, settings, instead }: { name: string; settings: NodeSettings; instead?: string | undefined },
  ): NodeRecord {
    const node: NodeRecord = { ...this.get(id), name: nameOf(name), settings, discovered: false };
    this.#refuseConflicts(node, instead);
    transaction(this.#db, () => {
      if (instead !== undefined) this.delete(instead);
      this.#save(node);
    });
    return node;
  }

  delete(id: string): void {
    this.#db.prepare("DELETE FROM nodes WHERE id = ?").run(id);
    this.#history.forget(id);
    this.#drop(id);
  }

  #drop(id: string): void {
    const node = this.#records.get(id);
    if (node) this.#claims.remove(node);
    this.#indexUuid(id, { before: node?.inventory, now: undefined });
    this.#records.delete(id);
    this.#byName = undefined;
    this.#written.delete(id);
  }

  /**
   * A machine asked for something by DHCP, TFTP or HTTP. `kept`: whether a machine has an order, so that it is not
   * forgotten however many others appear.
   */
  discover(
    mac: string,
    glimpse: Glimpse,
    { kept = () => false }: { kept?: (machine: NodeRecord) => boolean } = {},
  ): Discovery {
    const { address } = glimpse;
    const known = this.byMac(mac), name = nameOfMac(mac);
    const sighting = sightingAfter(known, glimpse, this.#now());
    if (known) {
      const moved = address !== undefined && known.address !== address;
      this.touch(known.id, { sighting, ...(address !== undefined && { address }) });
      const changed = moved || tellsMore(known.sighting, sighting) ? this.#records.get(known.id) : undefined;
      return { forgotten: [], ...(changed && { changed }) };
    }
    if (this.#owner(nameClaim(name))) return { forgotten: [] };
    const forgotten = this.#makeRoom(kept);
    if (forgotten === undefined) return { forgotten: [] };
    const node: NodeRecord = {
      id: randomBytes(8).toString("hex"),
      name,
      settings: { mac },
      discovered: true,
      seen: this.#time(),
      sighting,
      ...(address !== undefined && { address }),
    };
    this.#save(node);
    return { changed: node, forgotten };
  }

  /** A sign of life of a known node. */
  touch(
    id: string,
    { address, inventory, sighting }: { address?: string; inventory?: Inventory; sighting?: Sighting } = {},
  ): void {
    const old = this.#records.get(id);
    if (!old) return;
    const node = {
      ...old,
      seen: this.#time(),
      ...(address !== undefined && { address }),
      ...(inventory && { inventory, inventoryAt: this.#time() }),
      ...(sighting && { sighting }),
    };
    const isNews = inventory !== undefined || node.address !== old.address ||
      (sighting !== undefined && tellsMore(old.sighting, sighting));
    if (isNews) return this.#save(node);
    this.#records.set(id, node);
    if (this.#now() - (this.#written.get(id) ?? 0) >= SEEN_EVERY_MS) this.#due.add(id);
    if (this.#due.size > 0 && this.#now() - this.#seenWrittenMs >= SEEN_TOGETHER_MS) this.#writeSeen();
  }

  #writeSeen(): void {
    this.#seenWrittenMs = this.#now();
    transaction(this.#db, () => {
      for (const id of this.#due) {
        const node = this.#records.get(id);
        if (node) this.#save(node);
      }
    });
    this.#due.clear();
  }

  #owner(claim: string): NodeRecord | undefined {
    return this.#records.get(this.#claims.ownerOf(claim) ?? "");
  }

  #hold(node: NodeRecord): void {
    const old = this.#records.get(node.id);
    this.#records.set(node.id, node);
    this.#indexUuid(node.id, { before: old?.inventory, now: node.inventory });
    if (old?.name !== node.name) this.#byName = undefined;
    if (old?.name === node.name && old.settings === node.settings) return;
    if (old) this.#claims.remove(old);
    this.#claims.add(node);
  }

  #indexUuid(
    id: string,
    { before, now }: { before: Inventory | undefined; now: Inventory | undefined },
  ): void {
    const old = before?.uuid?.toLowerCase(), uuid = now?.uuid?.toLowerCase();
    if (old === uuid) return;
    if (old !== undefined && this.#byUuid.get(old)?.delete(id) && this.#byUuid.get(old)?.size === 0) {
      this.#byUuid.delete(old);
    }
    if (uuid === undefined) return;
    const ids = this.#byUuid.get(uuid);
    if (ids) ids.add(id);
    else this.#byUuid.set(uuid, new Set([id]));
  }

  #refuseConflicts(node: NodeRecord, instead?: string): void {
    const except = [node.id, ...instead === undefined ? [] : [instead]];
    for (const claim of claimsOf(node)) {
      const other = this.#records.get(this.#claims.ownerOf(claim, { except }) ?? "");
      if (!other) continue;
      throw new RackseedError(`cannot set the node ${node.name}`, {
        reason: `${claim} belongs to the node ${other.name}.`,
        remedy: `choose another, or delete that node: rackseed node delete ${other.name}`,
        status: 409,
      });
    }
  }

  #save(node: NodeRecord): void {
    this.#saving.run(
      node.id,
      node.name,
      JSON.stringify(node.settings),
      node.discovered ? 1 : 0,
      node.address ?? null,
      node.seen ?? null,
      node.inventory ? JSON.stringify(node.inventory) : null,
      node.inventoryAt ?? null,
      node.sighting ? JSON.stringify(node.sighting) : null,
    );
    this.#hold(node);
    this.#written.set(node.id, this.#now());
  }

  /** Forgets machines so that one more can be remembered, and returns them; undefined if none may be forgotten. */
  #makeRoom(kept: (machine: NodeRecord) => boolean): NodeRecord[] | undefined {
    const machines = [...this.#records.values()].filter((node) => node.discovered);
    const forgotten = toForget(machines, { most: MAX_DISCOVERED - 1, kept });
    if (machines.length - forgotten.length >= MAX_DISCOVERED) return undefined;
    if (forgotten.length > 0) {
      transaction(this.#db, () => {
        for (const machine of forgotten) this.delete(machine.id);
      });
    }
    return forgotten;
  }

  #time(): string {
    return new Date(this.#now()).toISOString();
  }
}

export function nameOfMac(mac: string): string {
  return mac.replaceAll(":", "-");
}

function nameOf(text: string): string {
  const name = MachineName.safeParse(text);
  if (name.success) return name.data;
  throw new RackseedError(`cannot create the node ${text}`, {
    reason: "a name is 1 to 63 letters, digits, . _ - and starts with a letter or digit.",
    remedy: "choose such a name.",
    status: 400,
  });
}

/** As many names as a person will read in an error. */
export function shortList(names: readonly string[]): string {
  return names.length <= 20
    ? names.join(", ")
    : `${names.slice(0, 20).join(", ")} and ${names.length - 20} more`;
}

function recordOf(row: Row): NodeRecord {
  return {
    id: row.id,
    name: row.name,
    settings: settingsOf(row.settings),
    discovered: row.discovered === 1,
    ...(row.address !== null && { address: row.address }),
    ...(row.seen !== null && { seen: row.seen }),
    ...(row.inventory !== null && { inventory: Inventory.parse(JSON.parse(row.inventory)) }),
    ...(row.inventory_at !== null && { inventoryAt: row.inventory_at }),
    ...(row.sighting !== null && { sighting: Sighting.parse(JSON.parse(row.sighting)) }),
  };
}

/** Databases of earlier releases lack them. */
function addColumns(db: Database): void {
  const columns = columnsOf(db, "nodes");
  for (const column of ["inventory_at", "sighting"]) {
    if (!columns.includes(column)) db.exec(`ALTER TABLE nodes ADD COLUMN ${column} TEXT`);
  }
}

/** Earlier releases had one disk, under another name. */
function settingsOf(json: string): NodeSettings {
  const { disk, ...settings } = JSON.parse(json);
  return NodeSettings.parse(disk === undefined ? settings : { disks: [disk], ...settings });
}
