/** Traces of deployments and captures, for the collector that the operator named. */
import { getLogger } from "@logtape/logtape";
import settings from "../../deno.json" with { type: "json" };
import type { CaptureView, NodeView, ServerEvent } from "#contract/api.ts";
import { messageOf } from "#contract/errors.ts";
import { CaptureSpans } from "../traces/capture_spans.ts";
import { NodeSpans } from "../traces/node_spans.ts";
import type { WorkSpan } from "../traces/work_span.ts";
import type { DeploymentEnds } from "./deployment_ends.ts";
import type { ServerData } from "./open_data.ts";
import type { StartContext } from "./start_context.ts";

const log = getLogger(["rackseed", "traces"]);

interface Traces {
  /** Follows the server's events. Never throws. */
  observe(event: ServerEvent): void;
  /** Takes over what there is at the start. */
  begin(now: { nodes: readonly NodeView[]; captures: readonly CaptureView[] }): void;
}

export async function startTraces(
  { options: { traceEndpoint: endpoint }, stack, now }: StartContext,
  { data: { deployments }, ends }: { data: ServerData; ends: DeploymentEnds },
): Promise<Traces> {
  if (endpoint === undefined) return { observe: () => {}, begin: () => {} };
  // the SDK is loaded only where it is used
  const { Collector } = await import("../traces/collector.ts");
  const { version } = settings, host = Deno.hostname();
  const collector = stack.use(new Collector({ endpoint, version, host }));
  const emit = (span: WorkSpan) => collector.send(span);
  const orderOf = (node: string) => {
    const deployment = ends.deploymentOf(node);
    const orderedMs = deployment === undefined ? undefined : deployments.orderedMs(deployment);
    return deployment === undefined || orderedMs === undefined ? undefined : { deployment, orderedMs };
  };
  const nodes = new NodeSpans({ ...ends, emit, orderOf, now }), captures = new CaptureSpans({ emit, now });
  return {
    begin(present) {
      nodes.begin(present.nodes);
      captures.begin(present.captures);
    },
    observe(event) {
      try {
        nodes.observe(event);
        captures.observe(event);
      } catch (error) {
        log.error("not-traced", { type: event.type, error: messageOf(error) });
      }
    },
  };
}
