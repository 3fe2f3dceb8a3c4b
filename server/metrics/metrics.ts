/** The server's figures in the text format of Prometheus. */
import { Registry } from "prom-client";
import type { CaptureView, NodeView, ServerEvent } from "#contract/api.ts";
import { CaptureMetrics } from "./capture_metrics.ts";
import { addFacts, type ServerFacts } from "./fact_metrics.ts";
import { LogMetrics } from "./log_metrics.ts";
import { NodeMetrics } from "./node_metrics.ts";
import { ScheduleMetrics } from "./schedule_metrics.ts";
import { TrafficMetrics } from "./traffic_metrics.ts";

export class Metrics {
  readonly #registry = new Registry();
  readonly #nodes = new NodeMetrics(this.#registry);
  readonly #captures = new CaptureMetrics(this.#registry);
  readonly traffic = new TrafficMetrics(this.#registry);
  readonly log = new LogMetrics(this.#registry);
  readonly schedules = new ScheduleMetrics(this.#registry);

  /** Of the text: the version of the format that it is in. */
  readonly contentType = this.#registry.contentType;

  /** Takes over what there is when the server starts; nothing of it is counted. */
  begin({ nodes, captures }: { nodes: readonly NodeView[]; captures: readonly CaptureView[] }): void {
    for (const node of nodes) this.#nodes.begin(node);
    for (const capture of captures) this.#captures.begin(capture);
  }

  /** Asks for these facts at each scrape from now on. */
  ask(facts: ServerFacts): void {
    addFacts(this.#registry, facts);
  }

  observe(event: ServerEvent): void {
    if (event.type === "node" && !event.node.isMachine) this.#nodes.observe(event.node);
    else if (event.type === "node-removed") this.#nodes.remove(event.name);
    else if (event.type === "capture") this.#captures.observe(event.capture);
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }
}
