/** `rackseed machine`: machines that appeared, and how they become nodes. */
import { AdoptRequest, MachineView } from "#contract/api/machines.ts";
import { Mac } from "#contract/api.ts";
import { formatTime } from "../words/figures.ts";
import { describeFirmware, describeOrder, describeProtocols } from "../words/machine_text.ts";
import { checked, UsageError } from "../words/usage.ts";
import { connect } from "./connection.ts";
import type { NodeOptions } from "./each_node.ts";
import { type AdoptionOrder, nameMachines, switchPort } from "./naming_rule.ts";
import { planAddresses } from "./node_addresses.ts";
import { print, printJson, printTable, remark } from "./terminal.ts";

export async function listMachines({ json, signal, ...options }: NodeOptions): Promise<void> {
  using client = await connect(options, signal);
  const machines = await client.call("GET /machines", { signal });
  if (json) return printJson(machines);
  if (machines.length === 0) return print("no machine has appeared that is not a node");
  printTable(
    [
      "mac",
      "vendor",
      "firmware",
      "asked by",
      "seen",
      "first seen",
      "last seen",
      "address",
      "switch port",
      "order",
    ],
    machines.map((machine) => [
      machine.mac,
      machine.vendor ?? "-",
      describeFirmware(machine),
      describeProtocols(machine),
      `${machine.sighting.appearances}×`,
      formatTime(machine.sighting.first),
      formatTime(machine.seen),
      machine.address ?? "-",
      switchPort(machine) ?? "-",
      describeOrder(machine) ?? "-",
    ]),
  );
}

interface AdoptOptions extends NodeOptions {
  readonly name?: string | undefined;
  readonly names?: string | undefined;
  readonly order: AdoptionOrder;
  readonly address?: string | undefined;
  readonly group?: string | undefined;
  readonly rack?: string | undefined;
  readonly dryRun?: boolean | undefined;
}

/** Makes nodes of all the machines that the rule has a name for, or of none. */
export async function adoptMachines(texts: readonly string[], options: AdoptOptions): Promise<void> {
  const { name, names, order, address, group, rack, dryRun, json, signal, ...connection } = options;
  const macs = texts.map((value) => checked(Mac, { name: "MAC", value }));
  const pattern = patternOf(macs, { name, names });
  using client = await connect(connection, signal);
  const machines = chosen(await client.call("GET /machines", { signal }), macs);
  const nodes = await client.call("GET /nodes", { signal });
  const taken = new Set(nodes.map((node) => node.name.toLowerCase()));
  const { named, left } = nameMachines(machines, { pattern, order, taken });
  const addresses = address === undefined ? [] : planAddresses(address, {
    nodes: named,
    taken: new Set(nodes.flatMap(({ settings }) => settings.address?.split("/")[0] ?? [])),
  });
  const value = named.map(({ machine: { mac }, name: node }, i) => ({
    node,
    mac,
    settings: {
      ...(addresses[i] !== undefined && { address: addresses[i] }),
      ...(group !== undefined && { group }),
      ...(rack !== undefined && { rack }),
    },
  }));
  for (const line of left) remark(`not adopted: ${line}`);
  if (value.length === 0) return print("no machine to adopt");
  const body = checked(AdoptRequest, { name: "adoption", value });
  if (!dryRun) {
    const adopted = await client.call("POST /machines/adopt", { body, signal });
    if (json) return printJson(adopted);
  } else if (json) return printJson(body);
  for (const { node, mac, settings } of body) {
    print(
      `${mac} ${dryRun ? "would be" : "is"} the node ${node}${
        settings.address ? `, ${settings.address}` : ""
      }`,
    );
  }
}

/** Throws UsageError unless exactly one of the two says how the machines are called. */
function patternOf(
  macs: readonly string[],
  { name, names }: Pick<AdoptOptions, "name" | "names">,
): string {
  if (name !== undefined && names === undefined) {
    if (macs.length === 1) return name;
    throw new UsageError("--name is for one machine: give its MAC, or --names for several.");
  }
  if (names !== undefined && name === undefined) return names;
  throw new UsageError("give --name for one machine, or --names 'node[001-128]' for several.");
}

/** Those with the MACs; without MACs, all that asked to boot from the network. Throws UsageError. */
function chosen(machines: readonly MachineView[], macs: readonly string[]): MachineView[] {
  if (macs.length === 0) return machines.filter(({ sighting }) => sighting.boots);
  return macs.map((mac) => {
    const machine = machines.find((one) => one.mac === mac);
    if (machine) return machine;
    throw new UsageError(`${mac} has not appeared, or is a node already. See \`rackseed machine list\`.`);
  });
}
