/** Machines that appeared and are no nodes: they are shown, and become nodes when an operator says so, never else. */
import { getLogger } from "@logtape/logtape";
import type { Adoption, MachineView } from "#contract/api/machines.ts";
import { RackseedError } from "#contract/errors.ts";
import type { Deployments } from "../store/deployments.ts";
import { type Nodes, shortList } from "../store/nodes.ts";
import type { NodeRecord } from "../store/node_record.ts";
import { vendorOfMac } from "./mac_vendors.ts";
import { present } from "./present.ts";
import { tableIdentity } from "./table_identity.ts";

const log = getLogger(["rackseed", "nodes"]);

interface MachineSources {
  readonly nodes: Nodes;
  readonly deployments: Pick<Deployments, "progress" | "discoverTerms">;
}

export class Machines {
  readonly #nodes: Nodes;
  readonly #deployments: MachineSources["deployments"];

  constructor({ nodes, deployments }: MachineSources) {
    this.#nodes = nodes;
    this.#deployments = deployments;
  }

  /** In the order of their first appearance. */
  list(): MachineView[] {
    return this.#nodes.all().filter(({ discovered }) => discovered)
      .map((machine) => this.view(machine))
      .sort((a, b) => a.sighting.first.localeCompare(b.sighting.first) || a.mac.localeCompare(b.mac));
  }

  get count(): number {
    return this.#nodes.all().reduce((sum, { discovered }) => sum + Number(discovered), 0);
  }

  view({ id, settings, sighting, seen, address, inventory, inventoryAt }: NodeRecord): MachineView {
    const { mac = "" } = settings, last = seen ?? new Date(0).toISOString();
    const state = this.#deployments.progress(id).assignment?.state ?? "idle";
    // an order that is over has left it as it was
    const isOver = state === "cancelled" || state === "installed";
    return {
      id,
      mac,
      ...present("vendor", vendorOfMac(mac)),
      // rows of earlier releases have none
      sighting: sighting ?? { first: last, appearances: 1, by: [] },
      seen: last,
      state: isOver ? "idle" : state,
      ...present("address", address),
      ...present("inventory", inventory),
      ...present("inventoryAt", inventoryAt),
    };
  }

  /** Throws RackseedError (404) unless this is the MAC of a machine that is no node. */
  get(mac: string): NodeRecord {
    const machine = this.#nodes.byMac(mac);
    if (machine?.discovered) return machine;
    throw new RackseedError(`cannot find the machine ${mac}`, {
      reason: machine ? `it is the node ${machine.name} already.` : "no machine with this MAC has appeared.",
      remedy: "see `rackseed machine list`.",
      status: 404,
    });
  }

  /**
   * Makes all of these machines nodes, or none. Throws RackseedError: 404 if one has not appeared or is a node already,
   * 409 if a name or an address is taken.
   */
  adopt(adoptions: readonly Adoption[]): NodeRecord[] {
    this.#refuseNames(adoptions.map(({ node }) => node));
    const changes = adoptions.map(({ node, mac, settings }) => {
      this.get(mac);
      tableIdentity({ name: node, settings });
      return { node, settings: { ...settings, mac } };
    });
    const nodes = this.#nodes.putAll(changes);
    for (const { name, settings: { mac } } of nodes) log.info("adopted", { node: name, mac });
    return nodes;
  }

  #refuseNames(names: readonly string[]): void {
    const taken = names.flatMap((name) => this.#nodes.find(name)?.name ?? []);
    const twice = names.filter((name, i) => names.indexOf(name) !== i);
    if (taken.length === 0 && twice.length === 0) return;
    throw new RackseedError("cannot adopt these machines", {
      reason: taken.length > 0
        ? `these names belong to nodes already: ${shortList(taken)}.`
        : `these names are given twice: ${shortList(twice)}.`,
      remedy: "choose others. To give an existing node this machine: rackseed node set NAME --mac MAC",
      status: 409,
    });
  }

  /** Earlier releases left machines that they had installed what they were. */
  adoptInstalled(): void {
    for (const machine of this.#nodes.all()) {
      const { assignment } = machine.discovered ? this.#deployments.progress(machine.id) : {};
      if (assignment && !this.#deployments.discoverTerms(assignment.deployment)) this.adoptOrdered(machine);
    }
  }

  /** An operator's order to write or read a machine's disks makes it a node, which is named by its MAC. */
  adoptOrdered(node: NodeRecord): void {
    if (!node.discovered) return;
    this.#nodes.become(node.id, node);
    log.info("adopted", { node: node.name, mac: node.settings.mac });
  }
}
