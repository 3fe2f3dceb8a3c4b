/** `rackseed node check`: orders comparisons of running nodes with their images, waits for them and prints them. */
import { CheckAnswer, CheckReport, CheckRequest, type CheckView } from "#contract/api/checks.ts";
import type { ApiClient } from "#contract/client.ts";
import { RackseedError } from "#contract/errors.ts";
import { connect } from "./connection.ts";
import { namedNodes, type NodeOptions } from "./each_node.ts";
import { serverEvents } from "./events.ts";
import { print, printJson, ProgressLine, remark } from "./terminal.ts";
import { describeCounts, describeItem, describeRunning, describeUnlisted } from "../words/drift_text.ts";
import { checked, UsageError } from "../words/usage.ts";

interface CheckOptions extends NodeOptions {
  readonly keep?: readonly string[] | undefined;
  readonly checkContent?: boolean | undefined;
  readonly threshold?: number | undefined;
  /** False: only order. */
  readonly wait?: boolean | undefined;
  /** Print the newest results without ordering anything. */
  readonly last?: boolean | undefined;
}

/** Throws RackseedError if a node drifted or could not be checked. */
export async function checkNodes(patterns: readonly string[], options: CheckOptions): Promise<void> {
  const { keep, checkContent, threshold, wait = true, last = false, json, signal, ...connection } = options;
  const isOrder = keep !== undefined || checkContent || threshold !== undefined || !wait;
  if (last && isOrder) throw new UsageError("--last orders no check: give it without other options");
  using client = await connect(connection, signal);
  const nodes = await nodesToCheck(client, { patterns, last, signal });
  if (last) return printReports(await reportsOf(client, { nodes, signal }), { json });
  const check = checkContent ? "content" as const : undefined;
  const body = checked(CheckRequest, { name: "check", value: { nodes, keep, check, threshold } });
  const answer = await client.call("POST /checks", { body, signal });
  for (const { node, problem } of answer.refused) {
    remark(`${node}: ${problem.detail} Remedy: ${problem.remedy}`);
  }
  if (!wait) {
    if (json) printJson(answer);
    else for (const { node } of answer.ordered) print(`${node} is being compared with its image`);
    return refuseAll(answer);
  }
  await waitForChecks(client, { ordered: answer.ordered, signal });
  const ordered = answer.ordered.map(({ node }) => node);
  printReports(await reportsOf(client, { nodes: ordered, signal }), { json });
  refuseAll(answer);
}

/** Without names: the nodes whose agents are connected, or, for the newest results, those that have one. */
async function nodesToCheck(
  client: ApiClient,
  { patterns, last, signal }: { patterns: readonly string[]; last: boolean; signal: AbortSignal },
): Promise<string[]> {
  if (patterns.length > 0) return await namedNodes(client, { patterns, signal });
  const nodes = await client.call("GET /nodes", { signal });
  const templates = last ? [] : await client.call("GET /templates", { signal });
  const online = new Set(templates.filter((one) => one.online).map(({ name }) => name));
  const found = nodes.filter(({ name, check, image }) =>
    last ? check !== undefined : image !== undefined && online.has(name)
  );
  if (found.length > 0) return found.map(({ name }) => name);
  throw new RackseedError("there is no node to check", {
    reason: last ? "none was ever checked." : "no node with an image has an agent that is connected.",
    remedy: last ? "check one: rackseed node check NODE" : "see `rackseed node agent NODE`.",
  });
}

async function waitForChecks(
  client: ApiClient,
  { ordered, signal }: { ordered: CheckAnswer["ordered"]; signal: AbortSignal },
): Promise<void> {
  using line = new ProgressLine();
  const open = new Map<string, { check: string; shown: string }>(
    ordered.map(({ node, check }) => [node, { check, shown: "waiting for its agent" }]),
  );
  if (open.size === 0) return;
  for await (const event of serverEvents(client, signal)) {
    if (event.type === "node-removed") open.delete(event.name);
    const waiting = event.type === "node" ? open.get(event.node.name) : undefined;
    if (event.type === "node" && waiting) {
      const { name, check } = event.node;
      if (check && isOver(check, waiting.check)) open.delete(name);
      else if (check) waiting.shown = describeRunning(check) ?? waiting.shown;
    }
    if (open.size === 0) return;
    line.show([...open].map(([name, { shown }]) => `${name} ${shown}`).join(" | "));
  }
}

/** Another check has taken its place, or it has ended. */
function isOver({ id, state }: CheckView, check: string): boolean {
  return id !== check || state === "done" || state === "failed";
}

async function reportsOf(
  client: ApiClient,
  { nodes, signal }: { nodes: readonly string[]; signal: AbortSignal },
): Promise<CheckReport[]> {
  const reports: CheckReport[] = [];
  for (const node of nodes) {
    reports.push(await client.call("GET /nodes/:node/check", { node, signal }));
  }
  return reports;
}

/** Throws RackseedError if one of them drifted or failed. */
function printReports(reports: readonly CheckReport[], { json }: { json: boolean | undefined }): void {
  if (json) printJson(reports);
  else for (const report of reports) printReport(report);
  const failed = reports.filter(({ state }) => state === "failed").map(({ node }) => node);
  const drifted = reports.filter(({ state, result }) => state !== "failed" && result?.drifted)
    .map(({ node }) => node);
  const parts = [
    ...drifted.length > 0 ? [`drifted: ${drifted.join(", ")}`] : [],
    ...failed.length > 0 ? [`not checked: ${failed.join(", ")}`] : [],
  ];
  if (parts.length === 0) return;
  throw new RackseedError("not every node is as its image", {
    reason: `${parts.join("; ")}.`,
    remedy: drifted.length > 0
      ? "put them back with `rackseed node restore NODE`, or allow it: " +
        "rackseed image set IMAGE --keep PATH, --drift-threshold N."
      : "see above.",
  });
}

function printReport({ node, state, problem, result }: CheckReport): void {
  if (state === "failed" && problem) {
    print(`${node}: ${problem.title}: ${problem.detail} Remedy: ${problem.remedy}`);
    return;
  }
  if (!result) return print(`${node}: not compared yet`);
  const { image, entries, differences, notes } = result;
  print(`${node}: ${describeCounts(result)} (${image}, ${entries} entries)`);
  for (const item of differences) print(`  ${describeItem(item)}`);
  const more = describeUnlisted(result, differences);
  if (more !== undefined) print(`  ${more}`);
  for (const note of notes) print(`  ${note}`);
}

function refuseAll({ refused }: CheckAnswer): void {
  if (refused.length === 0) return;
  throw new RackseedError("cannot check all of these nodes", {
    reason: `${refused.length} were refused: ${refused.map(({ node }) => node).slice(0, 20).join(", ")}.`,
    remedy: [...new Set(refused.map(({ problem }) => problem.remedy))].slice(0, 3).join(" "),
  });
}
