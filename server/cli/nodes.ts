/** `rackseed node list` and `rackseed node show`. */
import { NodeView, StepReport } from "#contract/api.ts";
import type { Problem } from "#contract/errors.ts";
import { formatRate } from "#contract/rate_text.ts";
import { connect } from "./connection.ts";
import type { NodeOptions } from "./each_node.ts";
import { describeSlowest, firstBootOf, paceOf, stepOf } from "./node_progress.ts";
import { print, printFields, printJson, printTable, remark } from "./terminal.ts";
import { visibleLine } from "./visible_text.ts";
import { describeCounts, describeDrift, describeRunning } from "../words/drift_text.ts";
import { formatSeconds, formatTime } from "../words/figures.ts";
import { describeEncryption, formatDataDisk } from "../words/disk_text.ts";
import { describeController, describeDisk, describeMachine, switchPortOf } from "../words/hardware_text.ts";
import { formatInterface } from "../words/interface_text.ts";
import { describeEveryBoot, stateOf } from "../words/node_state.ts";
import { describeStart, formatPower } from "../words/power_text.ts";
import { describeTpm } from "../words/tpm_text.ts";

export async function listNodes(
  { switchPort, json, signal, ...options }: NodeOptions & { switchPort?: boolean | undefined },
): Promise<void> {
  using client = await connect(options, signal);
  const nodes = await client.call("GET /nodes", { signal });
  if (json) return printJson(nodes);
  if (nodes.length === 0) {
    return print("no nodes yet; to add one: rackseed node set NAME --mac 52:54:00:12:34:56");
  }
  if (switchPort) return printSwitchPorts(nodes);
  printTable(
    ["node", "mac", "state", "step", "limited by", "image", "drift", "address", "last seen"],
    nodes.map((node) => [
      node.name,
      node.settings.mac ?? "-",
      stateOf(node),
      stepOf(node),
      paceOf(node),
      node.image ?? "-",
      driftOf(node),
      addressOf(node),
      node.seen ? formatTime(node.seen) : "never",
    ]),
  );
  for (const { image = "-", slowest } of nodes) if (slowest) print(`${image}: ${describeSlowest(slowest)}`);
  for (const { name, warnings = [] } of nodes) {
    const [first] = warnings, more = warnings.length - 1;
    if (first) remark(`warning: ${name}: ${first.what}${more > 0 ? `, and ${more} more` : ""}`);
  }
}

const BY_PORT = new Intl.Collator("en", { numeric: true });

/** Each NIC that heard a switch, by switch and port; then the nodes of which no port is known. */
function printSwitchPorts(nodes: readonly NodeView[]): void {
  const ports = nodes.flatMap(({ name, inventory }) =>
    (inventory?.nics ?? []).flatMap((nic) => {
      const { neighbour, name: nicName, mac } = nic;
      return neighbour
        ? [{
          at: switchPortOf(nic) ?? "",
          row: [neighbour.system ?? neighbour.chassis, neighbour.port, name, nicName, mac],
        }]
        : [];
    })
  );
  printTable(
    ["switch", "port", "node", "nic", "mac"],
    ports.toSorted((a, b) => BY_PORT.compare(a.at, b.at)).map(({ row }) => row),
  );
  const silent = nodes.filter(({ inventory }) => !inventory?.nics.some(({ neighbour }) => neighbour))
    .map(({ name }) => name);
  if (silent.length > 0) {
    remark(`no switch port is known of ${silent.join(", ")}; to read them: rackseed node discover`);
  }
}

export async function showNode(key: string, { json, signal, ...options }: NodeOptions): Promise<void> {
  using client = await connect(options, signal);
  const node = await client.call("GET /nodes/:node", { node: key, signal });
  const log = await client.call("GET /nodes/:node/log", { node: key, signal });
  if (json) return printJson({ ...node, log });
  const { settings, inventory } = node;
  printFields({
    Node: node.name,
    MAC: settings.mac,
    State: stateOf(node),
    Image: node.image,
    "Host name": settings.hostname,
    Address: settings.address,
    Gateway: settings.gateway,
    DNS: settings.dns?.join(" "),
    Interfaces: settings.interfaces?.map(formatInterface).join(" "),
    Identity: settings.identity,
    Group: settings.group,
    Disks: settings.disks?.join(" "),
    "Data disks": settings.dataDisks?.map(formatDataDisk).join(" "),
    "Left alone": settings.leaveDisks?.join(" "),
    Mirrors: settings.mirror === undefined ? undefined : `${settings.mirror} disks each`,
    Unlock: settings.unlock,
    Encrypted: node.encryption && encryptionOf(node),
    "Boot program": settings.bootProgram,
    Power: node.power && formatPower(node.power.settings),
    Started: node.power && describeStart(node.power),
    Finish: settings.finish,
    TPM: node.tpm && describeTpm(node.tpm),
    Rack: settings.rack,
    Backup: settings.backupEverySeconds === undefined
      ? undefined
      : `every ${formatSeconds(settings.backupEverySeconds)}`,
    "Upload limit": limitText(settings.uploadLimit),
    "Heard from": node.address && `${node.address}${node.seen ? `, ${formatTime(node.seen)}` : ""}`,
    Machine: inventory && describeMachine(inventory),
    "First boot": firstBootOf(node),
    Drift: node.check?.result && describeDrift(node.check.result),
    Check: node.check && describeRunning(node.check),
    Seeding: node.seeding?.reason,
    "Limited by": node.limit,
    "Of its batch": node.slowest && describeSlowest(node.slowest),
    "Every boot": node.everyBoot && describeEveryBoot(node),
    Restore: node.restore &&
      [node.restore.dryRun ? "dry run" : "yes", ...node.restore.keep.map((path) => `keeps ${path}`)].join(
        ", ",
      ),
  });
  if (node.tpm?.problem) printProblem(node.tpm.problem);
  if (node.firstBoot?.problem) printProblem(node.firstBoot.problem);
  if (node.power?.start?.problem) printProblem(node.power.start.problem);
  for (const { what } of node.warnings ?? []) print(`Warning: ${visibleLine(what)}`);
  for (const disk of inventory?.disks ?? []) print(visibleLine(`Disk ${describeDisk(disk)}`));
  for (const controller of inventory?.controllers ?? []) {
    print(visibleLine(`Controller ${describeController(controller)}`));
  }
  for (const report of log) printReport(report);
}

function encryptionOf({ name, encryption }: NodeView): string | undefined {
  return encryption && describeEncryption(encryption, { hint: `rackseed node recovery-key ${name}` });
}

/** Of a check of another image, nothing is shown. */
function driftOf({ image, check }: NodeView): string {
  const result = check?.result;
  return result === undefined || result.image !== image ? "-" : describeCounts(result);
}

/** The address set by the operator, else the one it last reported from. */
function addressOf({ settings, address }: NodeView): string {
  const isSet = settings.address?.includes("/") ?? false;
  return (isSet ? settings.address : address ?? settings.address) ?? "-";
}

function limitText(limit: number | "off" | undefined): string | undefined {
  if (limit === undefined) return undefined;
  return limit === "off" ? "off, regardless of the site's limit" : formatRate(limit);
}

export function printReport({ step, state, elapsedMs, message, problem, plan, log }: StepReport): void {
  const said = message ? `  ${visibleLine(message)}` : "";
  print(`${state.padEnd(8)} ${step.padEnd(11)} ${formatSeconds(elapsedMs / 1000)}${said}`);
  for (const line of plan ?? []) print(`  plan: ${visibleLine(line)}`);
  if (problem) printProblem(problem);
  for (const line of log ?? []) print(`  log: ${visibleLine(line)}`);
}

function printProblem({ title, detail, remedy }: Problem): void {
  print(`  ${visibleLine(title)}: ${visibleLine(detail)}`);
  print(`  Remedy: ${visibleLine(remedy)}`);
}
