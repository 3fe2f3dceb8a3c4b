/** `rackseed node power`. */
import { PowerRequest, PowerResult } from "#contract/api/power.ts";
import { RackseedError } from "#contract/errors.ts";
import { checked, UsageError } from "../words/usage.ts";
import { connect } from "./connection.ts";
import { namedNodes, type NodeOptions } from "./each_node.ts";
import { linesOf } from "./events.ts";
import { print, printJson, remark } from "./terminal.ts";

export interface PowerCommandOptions extends NodeOptions {
  readonly action: PowerRequest["action"];
  readonly hard?: boolean | undefined;
  readonly boot?: PowerRequest["boot"];
  /** Instead of `boot`: a medium's id. */
  readonly medium?: string | undefined;
  readonly atOnce?: number | undefined;
  /** Seconds. */
  readonly pause?: number | undefined;
}

/** Throws RackseedError if one of the nodes failed; the others are done. */
export async function switchNodes(
  patterns: readonly string[],
  { action, hard, boot, medium, atOnce, pause, json, signal, ...options }: PowerCommandOptions,
): Promise<void> {
  if (boot !== undefined && medium !== undefined) {
    throw new UsageError("--boot and --medium exclude each other: a machine boots from one of them.");
  }
  using client = await connect(options, signal);
  const nodes = await namedNodes(client, { patterns, signal });
  const from = medium === undefined ? { boot } : { boot: "medium", medium };
  const value = { nodes, action, hard, ...from, atOnce, pauseSeconds: pause };
  const body = checked(PowerRequest, { name: "node power", value });
  const response = await client.send("POST", "/power", { json: body, signal });
  const results: PowerResult[] = [];
  for await (const line of linesOf(response, signal)) {
    const result = PowerResult.parse(JSON.parse(line));
    results.push(result);
    if (!json) show(result);
  }
  if (json) printJson(results);
  const failed = results.filter(({ problem }) => problem);
  if (failed.length === 0) return;
  throw new RackseedError("not all of these nodes were switched", {
    reason: `${failed.length} of ${results.length} failed, see above; the others are done.`,
    remedy: [...new Set(failed.map(({ problem }) => problem?.remedy))].slice(0, 3).join(" "),
  });
}

function show({ node, state, note, problem }: PowerResult): void {
  if (problem) remark(`error: ${problem.title}: ${problem.detail}`);
  else print(`${node} is ${state === "unknown" ? "in an unknown state" : state}`);
  if (note !== undefined) remark(`${node}: ${note}`);
}
