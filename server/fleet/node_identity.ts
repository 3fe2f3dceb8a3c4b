/** A node's identity: what its order says, which name and addresses it may claim, and what is recorded for it. */
import { getLogger } from "@logtape/logtape";
import type { IdentityClaim, NodeSettings, Order } from "#contract/api.ts";
import { RackseedError } from "#contract/errors.ts";
import { DEFAULT_ASK_SECONDS, type Identity, type IdentityMode } from "#contract/identity.ts";
import { settingsWith, tableIdentity } from "./table_identity.ts";
import type { AgentTokens } from "../store/agent_tokens.ts";
import type { Assignment } from "../store/assignment.ts";
import type { Deployments } from "../store/deployments.ts";
import type { Identities } from "../store/identities.ts";
import { diskChoices } from "./disk_choices.ts";
import { present } from "./present.ts";
import { nameOfMac, type Nodes } from "../store/nodes.ts";
import type { NodeRecord } from "../store/node_record.ts";
import { MachineName } from "#contract/api.ts";

const log = getLogger(["rackseed", "nodes"]);

interface Stores {
  readonly nodes: Nodes;
  readonly deployments: Deployments;
  readonly identities: Identities;
  readonly agents: Pick<AgentTokens, "has">;
}

export class NodeIdentity {
  readonly #nodes: Nodes;
  readonly #deployments: Deployments;
  readonly #identities: Identities;
  readonly #agents: Pick<AgentTokens, "has">;

  constructor({ nodes, deployments, identities, agents }: Stores) {
    this.#nodes = nodes;
    this.#deployments = deployments;
    this.#identities = identities;
    this.#agents = agents;
  }

  /** `own`: from the image's settings. `isBackup`: the image is a backup of this very node. Throws RackseedError. */
  order(
    node: NodeRecord,
    { deployment, own = [], isBackup }: {
      deployment: string;
      own?: readonly string[] | undefined;
      isBackup: boolean;
    },
  ): Order["identity"] {
    const ordered = this.#deployments.identityOf(deployment);
    const mode = this.#mode(node, deployment);
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
   * Enters the name and addresses of a node that keeps its identity, or whose identity was typed at its console. A
   * typed name that belongs to an entry without a machine makes this machine that entry, with all of its settings.
   * Throws RackseedError (409) if the node's identity is assigned, or another node has the name or an address.
   */
  claim(assignment: Assignment, { hostname, interfaces, address }: IdentityClaim): {
    node: NodeRecord;
    identity: Identity;
    /** Name of the entry whose place the node took. */
    instead?: string;
  } {
    const node = this.#nodes.get(assignment.node);
    const mode = this.#mode(node, assignment.deployment);
    if (mode === "assign") throw identityIsAssigned(node);
    const entry = mode === "ask" ? this.#entryWithoutMachine(hostname, { except: node.id }) : undefined;
    const own = machineSettings(node.settings);
    const { mac } = own;
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

  #mode(node: NodeRecord, deployment: string): IdentityMode {
    return this.#deployments.identityOf(deployment).mode ?? node.settings.identity ?? "assign";
  }

  /** The entry with that name, if it never had a machine: no MAC, never seen, never deployed, no agent. */
  #entryWithoutMachine(name: string, { except }: { except: string }): NodeRecord | undefined {
    const entry = this.#nodes.find(name);
    if (entry === undefined || entry.id === except) return undefined;
    const hasMachine = entry.settings.mac !== undefined || entry.seen !== undefined ||
      entry.inventory !== undefined || this.#agents.has(entry.id) ||
      this.#deployments.progress(entry.id).assignment !== undefined;
    return hasMachine ? undefined : entry;
  }
}

/** The settings that belong to the machine, whatever it is called. */
function machineSettings(settings: NodeSettings) {
  const { mac, bootProgram, unlock } = settings;
  return {
    ...diskChoices(settings),
    ...present("mac", mac),
    ...present("bootProgram", bootProgram),
    ...present("unlock", unlock),
  };
}

function identityIsAssigned({ name }: NodeRecord): RackseedError {
  return new RackseedError(`cannot change the identity of ${name}`, {
    reason: "this server assigns its name and addresses.",
    remedy: `let it keep them or ask for them: rackseed node deploy ${name} --identity keep (or ask)`,
    status: 409,
  });
}
