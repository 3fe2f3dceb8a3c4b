/** `rackseed node plan`. */
import { PlanPreview, PlanQuery, type Unlock } from "#contract/api.ts";
import { RackseedError } from "#contract/errors.ts";
import { connect } from "./connection.ts";
import { namedNodes, type NodeOptions } from "./each_node.ts";
import { print, printJson } from "./terminal.ts";
import { checked } from "../words/usage.ts";
import { visibleLine } from "./visible_text.ts";

export async function planNodes(
  patterns: readonly string[],
  { image, unlock, json, signal, ...options }: NodeOptions & { image: string; unlock?: Unlock | undefined },
): Promise<void> {
  const query = checked(PlanQuery, { name: "plan", value: { image, unlock } });
  using client = await connect(options, signal);
  const nodes = await namedNodes(client, { patterns, signal });
  const previews: PlanPreview[] = [];
  for (const node of nodes) {
    previews.push(await client.call("GET /nodes/:node/plan", { node, query, signal }));
  }
  if (json) printJson(previews.length === 1 ? previews[0] : previews);
  else previews.forEach(printPreview);
  const refused = previews.filter(({ outcome }) => outcome === "refused").map(({ node }) => node);
  if (refused.length === 0) return;
  throw new RackseedError(`${image} cannot be installed on ${refused.join(", ")}`, {
    reason: "the plan is refused, see above.",
    remedy: "follow the remedy there; if a node's disks have changed since, boot it from the network once.",
  });
}

function printPreview(
  { node, image, lines, warnings = [], failing = [], problem, remark }: PlanPreview,
): void {
  print(`${node}, ${image}: ${visibleLine(remark)}`);
  for (const what of warnings) print(`  Warning: ${visibleLine(what)}`);
  if (failing.length > 0) print("  Refused without --force: it would write to a disk that is failing");
  for (const line of lines) print(`  ${visibleLine(line)}`);
  if (!problem) return;
  print(`  ${visibleLine(problem.title)}: ${visibleLine(problem.detail)}`);
  print(`  Remedy: ${visibleLine(problem.remedy)}`);
}
