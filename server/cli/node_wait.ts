/** Waits until nodes are done, with their progress in one line. */
import type { DeployAnswer, NodeView } from "#contract/api.ts";
import type { ApiClient } from "#contract/client.ts";
import { RackseedError } from "#contract/errors.ts";
import { serverEvents } from "./events.ts";
import { stepOf } from "./node_progress.ts";
import { ProgressLine } from "./terminal.ts";

export interface NodeEnd {
  readonly done: boolean;
  /** Text to follow the node's name. */
  readonly what: string;
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

/** How a node's deployment ended; undefined while it lasts or its clone has not reported yet. */
function endOf(node: NodeView): NodeEnd | undefined {
  const { armed, state, report, firstBoot, power } = node;
  const problem = firstBoot?.problem ?? (state === "armed" ? power?.start?.problem : undefined) ??
    (state === "failed" ? report?.problem : undefined);
  if (problem) return { done: false, what: `${problem.title}: ${problem.detail}` };
  if (armed) return undefined;
  if (node.restore?.dryRun && report?.step === "finish") return { done: true, what: "was compared" };
  if (state === "running") return { done: true, what: `is up as ${firstBoot?.hostname}` };
  if (state !== "installed") return { done: false, what: "was cancelled" };
  return firstBoot ? undefined : { done: true, what: node.restore ? "is restored" : "is installed" };
}
