/** `rackseed node hardware` and `rackseed node discover`. */
import { DiscoverRequest, type Inventory, NodeView } from "#contract/api.ts";
import { HardwareRecord } from "#contract/api/hardware_history.ts";
import { formatTime } from "../words/figures.ts";
import {
  describeBoard,
  describeDevice,
  describeDimm,
  describeDisk,
  describeFirmwareVersion,
  describeMachine,
  describeManagement,
  describeMemory,
  describeNic,
  describeProcessors,
} from "../words/hardware_text.ts";
import { describeTpm } from "../words/tpm_text.ts";
import { checked } from "../words/usage.ts";
import { connect } from "./connection.ts";
import { forEachNode, namedNodes, type NodeOptions } from "./each_node.ts";
import { type NodeEnd, waitForNodes } from "./node_wait.ts";
import { print, printFields, printJson, remark } from "./terminal.ts";
import { visibleLine } from "./visible_text.ts";

export async function discoverNodes(
  patterns: readonly string[],
  { image, wait, json, signal, ...options }: NodeOptions & {
    image?: string | undefined;
    wait?: boolean | undefined;
  },
): Promise<void> {
  using client = await connect(options, signal);
  const nodes = await namedNodes(client, { patterns, signal });
  const body = checked(DiscoverRequest, { name: "discover", value: { nodes, image } });
  const answer = await client.call("POST /discoveries", { body, signal });
  if (json) printJson(answer);
  else {
    print(
      `the hardware of ${
        answer.nodes.map(({ node }) => node).join(", ")
      } will be read at the next network boot, ` +
        `with the kernel of ${answer.image}; nothing is written to the disks`,
    );
  }
  if (!wait) return;
  await waitForNodes(client, { nodes: answer.nodes, quiet: json ?? false, end: endOfDiscovery, signal });
  if (json) return;
  for (const { id } of answer.nodes) {
    const { name, inventory, warnings = [] } = await client.call("GET /nodes/:node", { node: id, signal });
    if (inventory) print(`${name}: ${visibleLine(describeMachine(inventory))}`);
    for (const { what } of warnings) remark(`warning: ${name}: ${what}`);
  }
}

function endOfDiscovery({ discover, armed, state, report }: NodeView): NodeEnd | undefined {
  if (!discover) return { done: false, what: "has another order now" };
  if (armed) return undefined;
  const { problem } = report ?? {};
  if (problem) return { done: false, what: `${problem.title}: ${problem.detail}` };
  if (state === "aborted" || report?.step !== "finish") return { done: false, what: "was cancelled" };
  return { done: true, what: "is known" };
}

export async function showHardware(
  patterns: readonly string[],
  { accept, forgetTpm, json, signal, ...options }: NodeOptions & {
    accept?: boolean | undefined;
    forgetTpm?: boolean | undefined;
  },
): Promise<void> {
  using client = await connect(options, signal);
  await forEachNode(await namedNodes(client, { patterns, signal }), {
    title: accept || forgetTpm ? "cannot change all of these nodes" : "cannot show all of these nodes",
    signal,
    work: async (key) => {
      if (forgetTpm) {
        const { name } = await client.call("POST /nodes/:node/forget-tpm", { node: key, signal });
        print(`the TPM of ${name} is forgotten; the next one that it shows is taken for its own`);
      }
      if (accept) {
        const { name } = await client.call("POST /nodes/:node/accept-hardware", { node: key, signal });
        print(`the hardware of ${name} is accepted as it is`);
      }
      if (accept || forgetTpm) return;
      const node = await client.call("GET /nodes/:node", { node: key, signal });
      const history = await client.call("GET /nodes/:node/hardware", { node: key, signal });
      if (json) printJson({ node: node.name, warnings: node.warnings ?? [], history });
      else printHardware(node, history);
    },
  });
}

function printHardware(
  { name, inventory, inventoryAt, tpm, warnings = [] }: NodeView,
  history: readonly HardwareRecord[],
): void {
  if (!inventory) return print(`${name}: not known; to read it: rackseed node discover ${name}`);
  printFields({
    Node: name,
    Machine: describeMachine(inventory),
    Read: inventoryAt && formatTime(inventoryAt),
    Processors: describeProcessors(inventory),
    Memory: describeMemory(inventory),
    Firmware: describeFirmwareVersion(inventory),
    Board: describeBoard(inventory),
    Management: describeManagement(inventory),
    TPM: tpm && describeTpm(tpm),
  });
  for (const line of hardwareLines(inventory)) print(`  ${visibleLine(line)}`);
  for (const { what } of warnings) print(`Warning: ${visibleLine(what)}`);
  if (warnings.length > 0) print(`To stop flagging what changed: rackseed node hardware ${name} --accept`);
  for (const { at, changes } of history) {
    for (const what of changes) print(`${formatTime(at)}: ${visibleLine(what)}`);
  }
}

function hardwareLines({ memory, disks, nics, devices = [] }: Inventory): string[] {
  return [
    ...(memory?.dimms ?? []).map((dimm) => `memory ${describeDimm(dimm)}`),
    ...disks.map((disk) => `disk ${describeDisk(disk)}`),
    ...nics.map((nic) => `NIC ${describeNic(nic)}`),
    ...devices.map((device) => `PCI ${describeDevice(device)}`),
  ];
}
