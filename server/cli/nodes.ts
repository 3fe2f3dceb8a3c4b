/** `rackseed node list` and `rackseed node show`. */
import { z } from "zod";
import { NodeView, StepReport } from "#contract/api.ts";
import type { Problem } from "#contract/errors.ts";
import { formatRate } from "#contract/rate_text.ts";
import { connect } from "./connection.ts";
import type { NodeOptions } from "./each_node.ts";
import { describeSlowest, firstBootOf, paceOf, stepOf } from "./node_progress.ts";
import { print, printFields, printJson, printTable } from "./terminal.ts";
import { visibleLine } from "./visible_text.ts";
import { formatBytes, formatSeconds, formatTime } from "../words/figures.ts";
import { describeEncryption, formatDataDisk } from "../words/disk_text.ts";
import { describeController, nameOfDisk } from "../words/hardware_text.ts";
import { formatInterface } from "../words/interface_text.ts";
import { stateOf } from "../words/node_state.ts";

export async function listNodes({ json, signal, ...options }: NodeOptions): Promise<void> {
  using client = await connect(options, signal);
  const nodes = await client.get("/nodes", z.array(NodeView), { signal });
  if (json) return printJson(nodes);
  if (nodes.length === 0) {
    return print("no nodes yet; to add one: rackseed node set NAME --mac 52:54:00:12:34:56");
  }
  printTable(
    ["node", "mac", "state", "step", "limited by", "image", "address", "last seen"],
    nodes.map((node) => [
      node.name,
      node.settings.mac ?? "-",
      stateOf(node),
      stepOf(node),
      paceOf(node),
      node.image ?? "-",
      addressOf(node),
      node.seen ? formatTime(node.seen) : "never",
    ]),
  );
  for (const { image = "-", slowest } of nodes) if (slowest) print(`${image}: ${describeSlowest(slowest)}`);
}

export async function showNode(key: string, { json, signal, ...options }: NodeOptions): Promise<void> {
  using client = await connect(options, signal);
  const path = `/nodes/${encodeURIComponent(key)}`;
  const node = await client.get(path, NodeView, { signal });
  const log = await client.get(`${path}/log`, z.array(StepReport), { signal });
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
    Finish: settings.finish,
    Rack: settings.rack,
    Backup: settings.backupEverySeconds === undefined
      ? undefined
      : `every ${formatSeconds(settings.backupEverySeconds)}`,
    "Upload limit": limitText(settings.uploadLimit),
    "Heard from": node.address && `${node.address}${node.seen ? `, ${formatTime(node.seen)}` : ""}`,
    Machine: inventory &&
      `${inventory.model ?? inventory.kind}, ${inventory.firmware.toUpperCase()}, ${inventory.cpus} CPUs, ${
        formatBytes(inventory.memoryBytes)
      }`,
    "First boot": firstBootOf(node),
    Seeding: node.seeding?.reason,
    "Limited by": node.limit,
    "Of its batch": node.slowest && describeSlowest(node.slowest),
    Restore: node.restore &&
      [node.restore.dryRun ? "dry run" : "yes", ...node.restore.keep.map((path) => `keeps ${path}`)].join(
        ", ",
      ),
  });
  if (node.firstBoot?.problem) printProblem(node.firstBoot.problem);
  for (const disk of inventory?.disks ?? []) {
    print(
      visibleLine(
        `Disk ${nameOfDisk(disk)}: ${formatBytes(disk.sizeBytes)} ${disk.model ?? ""} ${disk.content}`,
      ),
    );
  }
  for (const controller of inventory?.controllers ?? []) {
    print(visibleLine(`Controller ${describeController(controller)}`));
  }
  for (const report of log) printReport(report);
}

function encryptionOf({ name, encryption }: NodeView): string | undefined {
  return encryption && describeEncryption(encryption, { hint: `rackseed node recovery-key ${name}` });
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

function printReport({ step, state, elapsedMs, message, problem, plan, log }: StepReport): void {
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
