/** Which node is in which rack, and what each node learns about its own. */
import { createHash } from "node:crypto";
import type { NodeSettings } from "#contract/api.ts";
import { MAX_RACK_MEMBERS, type Racks } from "#contract/api/distribution.ts";
import { networkOf } from "#contract/racks.ts";

/** What racks depend on. */
export interface RackNode {
  readonly settings: { readonly rack?: NodeSettings["rack"] };
  /** Its latest known address. */
  readonly address?: string | undefined;
}

interface RackOptions {
  readonly nodes: () => readonly RackNode[];
  readonly server: () => RackNode;
  /** Prefix length, if the site derives racks from subnets. */
  readonly prefix: () => number | undefined;
  readonly now: () => number;
}

/** With this many nodes or more, answers may be this old. */
const MANY = 100, KEPT_MS = 1000;

export class RackRegistry {
  readonly #options: RackOptions;
  #atMs = -Infinity;
  #count = 0;
  /** Addresses by label. */
  #members = new Map<string, string[]>();
  #cached = new Map<string, Racks>();
  /** Labels by address. */
  #labels = new Map<string, string>();

  constructor(options: RackOptions) {
    this.#options = options;
  }

  /** The racks as sent to the node at `address`. */
  racksOf({ settings: { rack } }: RackNode, address: string): Racks {
    this.#refresh();
    const prefix = this.#options.prefix();
    const own = rack ?? (prefix === undefined ? undefined : networkOf(address, prefix));
    const key = `${prefix ?? ""} ${rack === undefined ? "" : "label"} ${own ?? ""}`;
    const known = this.#cached.get(key);
    if (known) return known;
    const members = rack === undefined ? [] : (this.#members.get(rack) ?? []).slice(0, MAX_RACK_MEMBERS);
    const content = { ...(own !== undefined && { own }), ...(prefix !== undefined && { prefix }), members };
    const revision = createHash("sha256").update(JSON.stringify(content)).digest("base64url").slice(0, 16);
    const racks = { ...content, revision };
    this.#cached.set(key, racks);
    return racks;
  }

  /** The rack of an address, for the server's own seeder; undefined if it is unknown. */
  rackOf(address: string): string | undefined {
    this.#refresh();
    const prefix = this.#options.prefix();
    return this.#labels.get(address) ?? (prefix === undefined ? undefined : networkOf(address, prefix));
  }

  /** The server's own rack. */
  get serverRack(): string | undefined {
    const { settings, address = "" } = this.#options.server();
    return settings.rack ?? this.rackOf(address);
  }

  #refresh(): void {
    const now = this.#options.now();
    if (this.#count >= MANY && now - this.#atMs < KEPT_MS) return;
    const nodes = this.#options.nodes();
    this.#atMs = now;
    this.#count = nodes.length;
    this.#cached = new Map();
    this.#members = new Map();
    this.#labels = new Map();
    for (const { settings: { rack }, address } of [...nodes, this.#options.server()]) {
      if (rack === undefined || address === undefined || networkOf(address, 32) === undefined) continue;
      this.#labels.set(address, rack);
      const members = this.#members.get(rack);
      if (members) members.push(address);
      else this.#members.set(rack, [address]);
    }
    for (const members of this.#members.values()) members.sort();
  }
}
