/** How a node comes to its identity: what its order says of it, what it may be called, what it is remembered as. */
import { getLogger } from "@logtape/logtape";
import type { IdentityClaim, Order } from "#contract/api.ts";
import { DEFAULT_ASK_SECONDS, type Identity } from "#contract/identity.ts";
import { settingsWith, tableIdentity } from "../deployment/table_identity.ts";
import type { Deployments } from "../store/deployments.ts";
import type { Identities } from "../store/identities.ts";
import { nameOfMac, type NodeRecord, type Nodes } from "../store/nodes.ts";
import { MachineName } from "#contract/api.ts";

const log = getLogger(["rackseed", "nodes"]);

interface Stores {
  readonly nodes: Nodes;
  readonly deployments: Deployments;
  readonly identities: Identities;
}

export class NodeIdentity {
  readonly #nodes: Nodes;
  readonly #deployments: Deployments;
  readonly #identities: Identities;

  constructor({ nodes, deployments, identities }: Stores) {
    this.#nodes = nodes;
    this.#deployments = deployments;
    this.#identities = identities;
  }

  /** `own`: of the image's settings. `isBackup`: the image is the node's own. Throws RackseedError. */
  order(
    node: NodeRecord,
    { deployment, own = [], isBackup }: {
      deployment: string;
      own?: readonly string[] | undefined;
      isBackup: boolean;
    },
  ): Order["identity"] {
    const ordered = this.#deployments.identityOf(deployment);
    const mode = ordered.mode ?? node.settings.identity ?? "assign";
    const recorded = mode === "keep" ? this.#identities.get(node.id) : undefined;
    return {
      mode,
      assigned: tableIdentity(node),
      ...(recorded && { recorded }),
      askSeconds: ordered.askSeconds ?? DEFAULT_ASK_SECONDS,
      own: [...own],
      isBackup,
    };
  }

  /**
   * What the node says it is to be goes into the table. A name that stands there without a machine makes this
   * machine the one that it was meant for, with all that the table says of it. Throws RackseedError (409) that
   * names who has the name or an address.
   */
  claim(id: string, { hostname, interfaces, address }: IdentityClaim): {
    node: NodeRecord;
    identity: Identity;
    /** Name of the entry whose place it took. */
    instead?: string;
  } {
    const node = this.#nodes.get(id);
    const entry = this.#freeEntry(hostname, { beside: node.id });
    const { mac, bootProgram, disk } = node.settings;
    const own = { ...mac !== undefined && { mac }, ...bootProgram && { bootProgram }, ...disk && { disk } };
    const base = entry ? { ...entry.settings, ...own } : { ...node.settings, hostname };
    const settings = interfaces
      ? settingsWith(base, { hostname, interfaces })
      : { ...base, ...(address !== undefined && { address }) };
    const unnamed = mac !== undefined && node.name === nameOfMac(mac);
    const name = entry?.name ?? (unnamed ? MachineName.safeParse(hostname).data : undefined) ?? node.name;
    const identity = tableIdentity({ name, settings });
    const after = this.#nodes.become(node.id, { name, settings, instead: entry?.id });
    log.info("identity", { node: name, hostname, was: node.name });
    return { node: after, identity, ...(entry && { instead: entry.name }) };
  }

  async record(id: string, identity: Identity): Promise<void> {
    await this.#identities.put(this.#nodes.get(id).id, identity);
  }

  forget(id: string): void {
    this.#identities.forget(id);
  }

  /** An entry of the table that no machine has yet. */
  #freeEntry(name: string, { beside }: { beside: string }): NodeRecord | undefined {
    const entry = this.#nodes.find(name);
    const isFree = entry !== undefined && entry.id !== beside && entry.settings.mac === undefined &&
      this.#deployments.progress(entry.id).assignment === undefined;
    return isFree ? entry : undefined;
  }
}
