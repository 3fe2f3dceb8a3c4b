/** `rackseed node …` */
import { z } from "zod";
import {
  DeployAnswer,
  DeploymentView,
  DeployRequest,
  Mac,
  NodeView,
  RestoreRequest,
  StepReport,
  TemplateView,
} from "#contract/api.ts";
import type { ApiClient } from "#contract/client.ts";
import type { IdentityMode } from "#contract/identity.ts";
import type { SeedPolicy, Slowness } from "#contract/api/distribution.ts";
import { type Problem, RackseedError } from "#contract/errors.ts";
import { formatRate } from "#contract/rate_text.ts";
import { STEPS } from "#contract/api/steps.ts";
import { connect, type ConnectionOptions } from "./connection.ts";
import { serverEvents } from "./events.ts";
import { formatBytes, formatSeconds, formatTime, percent } from "../words/figures.ts";
import { formatInterface } from "../words/interface_text.ts";
import { hasGroup, nodeNames } from "./node_names.ts";
import { stateOf } from "../words/node_state.ts";
import { print, printFields, printJson, printTable, ProgressLine, remark } from "./terminal.ts";
import { checked } from "../words/usage.ts";
import { visibleLine } from "./visible_text.ts";

export interface NodeOptions extends ConnectionOptions {
  readonly json?: boolean | undefined;
  readonly signal: AbortSignal;
}

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
    Disk: settings.disk,
    "Boot program": settings.bootProgram,
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
      visibleLine(`Disk ${disk.name}: ${formatBytes(disk.sizeBytes)} ${disk.model ?? ""} ${disk.content}`),
    );
  }
  for (const report of log) printReport(report);
}

export async function deleteNodes(
  patterns: readonly string[],
  { signal, ...options }: NodeOptions,
): Promise<void> {
  using client = await connect(options, signal);
  await forEachNode(await namedNodes(client, { patterns, signal }), {
    title: "cannot delete all of these nodes",
    signal,
    work: async (key) => {
      await client.send("DELETE", `/nodes/${encodeURIComponent(key)}`, { signal });
      print(`deleted the node ${key}`);
    },
  });
}

export async function deploy(
  patterns: readonly string[],
  { image, seed, identity, askTimeout, firstBootTimeout, force, wait, json, signal, ...options }:
    & NodeOptions
    & {
      image: string;
      seed?: SeedPolicy | undefined;
      identity?: IdentityMode | undefined;
      /** Seconds. */
      askTimeout?: number | undefined;
      /** Seconds. */
      firstBootTimeout?: number | undefined;
      force?: boolean | undefined;
      wait?: boolean | undefined;
    },
): Promise<void> {
  const order = checked(DeployRequest, {
    name: "deploy",
    value: {
      nodes: [...patterns],
      image,
      seed,
      firstBootSeconds: firstBootTimeout,
      identity,
      askSeconds: askTimeout,
      force,
    },
  });
  using client = await connect(options, signal);
  const body = { ...order, nodes: await namedNodes(client, { patterns, signal }) };
  const answer = await client.post("/deployments", { body, schema: DeployAnswer, signal });
  printOrdered(answer, { json, wait, verb: "install" });
  if (!wait) return;
  await waitForNodes(client, { nodes: answer.nodes, quiet: json ?? false, signal });
  const batch = await client.get(`/deployments/${answer.deployment}`, DeploymentView, { signal });
  if (json) printJson(batch);
  else if (batch.slowest) print(describeSlowest(batch.slowest));
}

export async function restore(
  patterns: readonly string[],
  { image, version, keep, dryRun, checkContent, force, wait, json, signal, ...options }: NodeOptions & {
    image?: string | undefined;
    version?: number | undefined;
    keep?: readonly string[] | undefined;
    dryRun?: boolean | undefined;
    checkContent?: boolean | undefined;
    force?: boolean | undefined;
    wait?: boolean | undefined;
  },
): Promise<void> {
  const check = checkContent ? "content" as const : undefined;
  const value = { nodes: [...patterns], image, version, keep, dryRun, check, force };
  const order = checked(RestoreRequest, { name: "restore", value });
  using client = await connect(options, signal);
  const body = { ...order, nodes: await namedNodes(client, { patterns, signal }) };
  const answer = await client.post("/restores", { body, schema: DeployAnswer, signal });
  const verb = dryRun ? "report what would change" : "restore";
  printOrdered(answer, { json, wait, verb });
  if (!wait) return;
  const names = answer.nodes.map(({ node }) => node);
  await waitForNodes(client, { nodes: answer.nodes, quiet: json ?? false, signal });
  const logs = await Promise.all(names.map(async (node) => {
    const path = `/nodes/${encodeURIComponent(node)}/log`;
    return { node, log: await client.get(path, z.array(StepReport), { signal }) };
  }));
  if (json) return printJson(logs);
  for (const { node, log } of logs) {
    // the first plan describes the disk, not the changes
    const changes = log.filter((report) => report.plan && report.step !== "plan");
    for (const { plan = [] } of changes) for (const line of plan) print(`${node}: ${line}`);
  }
}

function printOrdered(
  answer: DeployAnswer,
  { json, wait, verb }: { json: boolean | undefined; wait: boolean | undefined; verb: string },
): void {
  const { image, nodes } = answer;
  if (json) return printJson(answer);
  print(`${image} is ordered for ${nodes.map((n) => n.node).join(", ")}`);
  // with --wait the nodes do boot from the network, and others may read the log: print no token
  if (wait) return print(`They ${verb} when they boot from the network.`);
  print(
    `They ${verb} when they boot from the network. On a machine that cannot, run rackseed agent install with`,
  );
  for (const { node, token } of nodes) print(`  ${node}  --token ${token}`);
}

export async function cancelNodes(
  patterns: readonly string[],
  { signal, ...options }: NodeOptions,
): Promise<void> {
  using client = await connect(options, signal);
  await forEachNode(await namedNodes(client, { patterns, signal }), {
    title: "cannot cancel the orders of all of these nodes",
    signal,
    work: async (key) => {
      const path = `/nodes/${encodeURIComponent(key)}/cancel`;
      const node = await client.post(path, { body: {}, schema: NodeView, signal });
      print(`cancelled; ${node.name} is ${node.state}`);
    },
  });
}

/** Does `work` for every node, even after it failed for one; then throws RackseedError for those that failed. */
export async function forEachNode(
  keys: readonly string[],
  { title, signal, work }: {
    title: string;
    signal: AbortSignal;
    work: (key: string) => Promise<void>;
  },
): Promise<void> {
  const failures: RackseedError[] = [];
  for (const key of keys) {
    try {
      await work(key);
    } catch (error) {
      if (signal.aborted || keys.length === 1 || !(error instanceof RackseedError)) throw error;
      failures.push(error);
      remark(`error: ${error.title}: ${error.reason}`);
    }
  }
  const [first] = failures;
  if (first === undefined) return;
  throw new RackseedError(title, {
    reason: `${failures.length} of ${keys.length} failed, see above; the others are done.`,
    remedy: [...new Set(failures.map((failure) => failure.remedy))].slice(0, 3).join(" "),
    status: first.status,
  });
}

export async function listTemplates({ json, signal, ...options }: NodeOptions): Promise<void> {
  using client = await connect(options, signal);
  const templates = await client.get("/templates", z.array(TemplateView), { signal });
  if (json) return printJson(templates);
  if (templates.length === 0) {
    return print("no templates yet; run `rackseed agent template` on a machine to capture");
  }
  printTable(
    ["template", "state", "address", "system", "obstacles"],
    templates.map((t) => [
      t.name,
      t.online ? "online" : "offline",
      t.address,
      t.source?.description ?? "-",
      t.lacks.join("; ") || "none",
    ]),
  );
}

export interface NodeEnd {
  readonly done: boolean;
  /** Text to follow the node's name. */
  readonly what: string;
}

/** How a node's deployment ended; undefined while it lasts or its clone has not reported yet. */
function endOf(node: NodeView): NodeEnd | undefined {
  const { armed, state, report, firstBoot } = node;
  const problem = firstBoot?.problem ?? (state === "failed" ? report?.problem : undefined);
  if (problem) return { done: false, what: `${problem.title}: ${problem.detail}` };
  if (armed) return undefined;
  if (node.restore?.dryRun && report?.step === "finish") return { done: true, what: "was compared" };
  if (state === "running") return { done: true, what: `is up as ${firstBoot?.hostname}` };
  if (state !== "installed") return { done: false, what: "was cancelled" };
  return firstBoot ? undefined : { done: true, what: node.restore ? "is restored" : "is installed" };
}

/** Expands ranges and groups. */
export async function namedNodes(
  client: ApiClient,
  { patterns, signal }: { patterns: readonly string[]; signal: AbortSignal },
): Promise<string[]> {
  const nodes = hasGroup(patterns) ? await client.get("/nodes", z.array(NodeView), { signal }) : [];
  return nodeNames(patterns, { nodes });
}

/**
 * Returns when all nodes are done as `end` sees it, by default when their clones run. Throws RackseedError if any
 * failed.
 */
export async function waitForNodes(
  client: ApiClient,
  { nodes, quiet, end: endNow = endOf, signal }: {
    nodes: DeployAnswer["nodes"];
    quiet: boolean;
    end?: (node: NodeView) => NodeEnd | undefined;
    signal: AbortSignal;
  },
): Promise<void> {
  using line = new ProgressLine();
  // by id: with --identity ask, a node may be renamed meanwhile
  const open = new Map<string, { name: string; view?: NodeView }>(nodes.map((n) => [n.id, { name: n.node }]));
  const failed: string[] = [];
  for await (const event of serverEvents(client, signal)) {
    if (event.type === "node-removed") {
      const [id] = [...open].find(([, { name }]) => name === event.name) ?? [];
      if (id !== undefined && open.delete(id)) failed.push(`${event.name} was removed`);
    }
    if (event.type === "node" && open.has(event.node.id)) {
      const { node } = event;
      open.set(node.id, { name: node.name, view: node });
      const end = endNow(node);
      if (end) {
        open.delete(node.id);
        if (!end.done) failed.push(`${node.name}: ${end.what}`);
        else if (!quiet) line.note(`${node.name} ${end.what}`);
      }
    }
    if (open.size === 0) break;
    const views = [...open.values()].flatMap(({ view }) => view ?? []);
    line.show(views.map((node) => `${node.name} ${stepOf(node)}`).join(" | "));
  }
  if (failed.length === 0) return;
  throw new RackseedError(`${failed.length} of ${nodes.length} nodes failed`, {
    reason: failed.join("\n  "),
    remedy: "see `rackseed node show NODE`, then order it again.",
  });
}

/** The address set by the operator, else the one it last reported from. */
function addressOf({ settings, address }: NodeView): string {
  const isSet = settings.address?.includes("/") ?? false;
  return (isSet ? settings.address : address ?? settings.address) ?? "-";
}

function stepOf({ state, report, firstBoot, silentSince }: NodeView): string {
  if (!report || state === "idle" || state === "armed") return state === "armed" ? "waiting for boot" : "-";
  if (firstBoot?.problem) return firstBoot.reported === undefined ? "NOT HEARD FROM" : "see node show";
  if (state === "installed") return firstBoot ? "waiting for first boot" : "done";
  if (state === "running") return "done";
  if (state === "aborted") return `cancelled at ${report.step}`;
  const { step, progress } = report;
  const done = progress ? ` ${percent(progress.bytesDone, progress.bytesTotal)} %` : "";
  const silent = silentSince === undefined ? "" : `, SILENT since ${formatTime(silentSince)}`;
  return `${step} (${STEPS.indexOf(step) + 1}/${STEPS.length})${done}${silent}`;
}

function firstBootOf({ firstBoot }: NodeView): string | undefined {
  if (firstBoot === undefined) return undefined;
  const { due, reported, hostname, problem } = firstBoot;
  if (reported !== undefined) return `up as ${hostname} since ${formatTime(reported)}`;
  return problem ? `not heard from; it was due at ${formatTime(due)}` : `expected by ${formatTime(due)}`;
}

/** What limits, or limited, its speed. */
function paceOf({ limit, slowest }: NodeView): string {
  return [limit, slowest && "slowest"].filter(Boolean).join(", ") || "-";
}

export function describeSlowest({ node, limit, seconds, typicalSeconds, reason }: Slowness): string {
  const times = `${formatSeconds(seconds)}, typical ${formatSeconds(typicalSeconds)}`;
  return `slowest is ${node} (${times})${limit ? `, by its ${LIMITS[limit]}` : ""}: ${reason}`;
}

const LIMITS = { link: "link", disk: "disk", cpu: "processor" };

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

export function sameMac(node: NodeView, text: string): boolean {
  const mac = Mac.safeParse(text);
  return mac.success && node.settings.mac === mac.data;
}
