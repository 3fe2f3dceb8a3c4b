/** `rackseed node set`: changes the settings that are given and keeps the rest; "none" clears a setting. */
import { Mac, NodeChange, NodeSettings, NodeView } from "#contract/api.ts";
import { connect } from "./connection.ts";
import { parseDataDisk } from "../words/disk_text.ts";
import { parseInterface } from "../words/interface_text.ts";
import { planAddresses } from "./node_addresses.ts";
import { nodeNames } from "../words/node_names.ts";
import type { NodeOptions } from "./each_node.ts";
import { parsePowerOptions, type PowerOptions, setPower } from "./power_settings.ts";
import { print, printJson } from "./terminal.ts";
import { checked, UsageError } from "../words/usage.ts";

export interface NodeSetOptions extends PowerOptions {
  readonly mac?: string | undefined;
  readonly hostname?: string | undefined;
  readonly address?: string | undefined;
  readonly gateway?: string | undefined;
  readonly dns?: readonly string[] | undefined;
  readonly interfaces?: readonly string[] | undefined;
  readonly identity?: string | undefined;
  readonly group?: string | undefined;
  readonly disks?: readonly string[] | undefined;
  readonly leaveDisks?: readonly string[] | undefined;
  readonly dataDisks?: readonly string[] | undefined;
  readonly mirror?: number | "none" | undefined;
  readonly unlock?: string | undefined;
  readonly bootProgram?: string | undefined;
  readonly rack?: string | undefined;
  readonly uploadLimit?: number | "off" | "none" | undefined;
  readonly finish?: string | undefined;
  readonly requireTpm?: string | undefined;
  readonly backupEverySeconds?: number | "none" | undefined;
}

/** Changes all of the nodes or none. Throws UsageError, or RackseedError if the server refuses. */
export async function setNodes(
  patterns: readonly string[],
  { settings: { power, powerPasswordFile, powerPin, ...settings }, json, signal, ...options }: NodeOptions & {
    settings: NodeSetOptions;
  },
): Promise<void> {
  const parsed = (texts: readonly string[] | undefined, parse: (text: string) => unknown) =>
    texts?.map((text) => text === "none" ? text : parse(text));
  const interfaces = parsed(settings.interfaces, parseInterface);
  const dataDisks = parsed(settings.dataDisks, parseDataDisk);
  using client = await connect(options, signal);
  const nodes = await client.call("GET /nodes", { signal });
  const names = nodeNames(patterns, { nodes });
  const powers = parsePowerOptions({ power, powerPasswordFile, powerPin }, names);
  for (const one of ["mac", "hostname"] as const) {
    if (names.length > 1 && settings[one] !== undefined && settings[one] !== "none") {
      throw new UsageError(`--${one} is for one node, but ${names.length} are named.`);
    }
  }
  const known = names.map((name) =>
    nodes.find((node) => node.name === name || node.id === name || sameMac(node, name)) ??
      nodes.find((node) => settings.mac !== undefined && sameMac(node, settings.mac))
  );
  const addresses = settings.address === undefined ? undefined : planAddresses(settings.address, {
    nodes: names.map((name, i) => ({ name, address: known[i]?.settings.address })),
    taken: new Set(
      nodes.flatMap((node) => known.includes(node) ? [] : node.settings.address?.split("/")[0] ?? []),
    ),
  });
  const body = names.map((node, i): NodeChange => {
    const given = { ...settings, interfaces, dataDisks, ...(addresses && { address: addresses[i] }) };
    return { node, settings: merged(known[i]?.settings, given) };
  });
  let views = await client.call("PUT /nodes", { body, signal });
  if (powers) views = await setPower(client, powers, { nodes: views, signal });
  if (json) return printJson(views.length === 1 ? views[0] : views);
  const created = views.filter((_, i) => known[i] === undefined).map(({ name }) => name);
  const changed = views.filter((_, i) => known[i] !== undefined).map(({ name }) => name);
  for (const [what, list] of [["created", created], ["changed", changed]] as const) {
    if (list.length === 1) print(`${what} the node ${list[0]}`);
    else if (list.length > 1) print(`${what} ${list.length} nodes, ${list[0]} to ${list.at(-1)}`);
  }
}

function merged(before: NodeSettings | undefined, given: object): NodeSettings {
  const entries = Object.entries({
    ...before,
    ...Object.fromEntries(Object.entries(given).filter(([, v]) => v !== undefined)),
  })
    .filter(([, value]) => value !== "none" && !isNone(value));
  return checked(NodeSettings, { name: "settings", value: Object.fromEntries(entries) });
}

function isNone(value: unknown): boolean {
  return Array.isArray(value) && value.length === 1 && value[0] === "none";
}

function sameMac(node: NodeView, text: string): boolean {
  const mac = Mac.safeParse(text);
  return mac.success && node.settings.mac === mac.data;
}
