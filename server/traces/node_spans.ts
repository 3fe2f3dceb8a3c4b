/** Deployments as spans: the whole, each node's part from its order to its end, and each step of that. */
import type { NodeView, ServerEvent } from "#contract/api.ts";
import type { WorkSpan } from "./work_span.ts";

interface Order {
  readonly deployment: string;
  readonly orderedMs: number;
}

interface DeploymentResult {
  /** "web@1" */
  readonly image: string;
  readonly nodes: number;
  /** Names of nodes that failed or were aborted. */
  readonly failed: readonly string[];
}

interface NodeSpanOptions {
  readonly emit: (span: WorkSpan) => void;
  /** The node's latest order, except those that were cancelled before they began. */
  readonly orderOf: (node: string) => Order | undefined;
  /** Whether no node of the deployment has anything left to do, a first boot to report included. */
  readonly isOver: (deployment: string) => boolean;
  readonly resultOf: (deployment: string) => DeploymentResult;
  readonly now: () => number;
}

interface Last {
  readonly order: Order | undefined;
  /** Whether nothing of that order is left to do. */
  readonly isOver: boolean;
  /** Its latest step that ended, "plan done"; undefined while one runs. */
  readonly ended: string | undefined;
}

export class NodeSpans {
  readonly #options: NodeSpanOptions;
  readonly #last = new Map<string, Last>();

  constructor(options: NodeSpanOptions) {
    this.#options = options;
  }

  /** Takes over what there is when the server starts; nothing of it is sent. */
  begin(nodes: readonly NodeView[]): void {
    for (const node of nodes) this.#last.set(node.name, this.#lastOf(node, undefined));
  }

  observe(event: ServerEvent): void {
    if (event.type === "node" && !event.node.isMachine) this.#node(event.node);
    else if (event.type === "node-removed") this.#last.delete(event.name);
  }

  #node(node: NodeView): void {
    const before = this.#last.get(node.name), now = this.#lastOf(node, before);
    this.#last.set(node.name, now);
    if (before === undefined) return;
    const { order } = now;
    if (order === undefined || order.deployment !== before.order?.deployment) {
      // its order was cancelled before it began, or another took its place
      if (before.order && !before.isOver) this.#whole(before.order);
      return;
    }
    if (now.ended !== undefined && now.ended !== before.ended) this.#step(node, order);
    if (!before.isOver && now.isOver) this.#end(node, order);
  }

  #step({ name, image, report }: NodeView, { deployment }: Order): void {
    if (!report) return;
    const { step, elapsedMs, problem, times } = report;
    const endMs = this.#options.now(), startMs = endMs - elapsedMs;
    this.#options.emit({
      // a node that lost power repeats steps
      path: [deployment, name, `${step} ${startMs}`],
      name: step,
      startMs,
      endMs,
      attributes: {
        "rackseed.node": name,
        "rackseed.image": image,
        "rackseed.fetched_bytes": times?.fetchedBytes,
      },
      problem: problem?.title,
    });
  }

  #end(node: NodeView, order: Order): void {
    const { name, image, state, report, firstBoot } = node;
    const problem = firstBoot?.problem ?? (state === "failed" ? report?.problem : undefined);
    this.#options.emit({
      path: [order.deployment, name],
      name: kindOf(node),
      startMs: order.orderedMs,
      endMs: this.#options.now(),
      attributes: { "rackseed.node": name, "rackseed.image": image, "rackseed.state": state },
      problem: problem?.title ?? (state === "aborted" ? "it was cancelled while it ran" : undefined),
    });
    this.#whole(order);
  }

  /** Sends the deployment itself if no node has anything left to do, and one has begun. */
  #whole({ deployment, orderedMs }: Order): void {
    const { emit, isOver, resultOf, now } = this.#options;
    if (!isOver(deployment)) return;
    const { image, nodes, failed } = resultOf(deployment);
    if (nodes === 0) return;
    emit({
      path: [deployment],
      name: "deployment",
      startMs: orderedMs,
      endMs: now(),
      attributes: {
        "rackseed.deployment": deployment,
        "rackseed.image": image,
        "rackseed.nodes": nodes,
        "rackseed.failed_nodes": failed.length,
      },
      problem: failed.length === 0 ? undefined : `${failed.length} of ${nodes} nodes failed`,
    });
  }

  #lastOf(node: NodeView, before: Last | undefined): Last {
    const { name, state, report } = node;
    const ended = report === undefined || report.state === "running"
      ? undefined
      : `${report.step} ${report.state}`;
    // thousands of nodes that install report all the time, and keep their order meanwhile
    const isProgress = state === "installing" && before?.isOver === false && before.ended === ended;
    const order = isProgress ? before.order : this.#options.orderOf(name);
    return { order, isOver: isOver(node), ended };
  }
}

/** Whether nothing of the node's order is left to do. */
function isOver({ state, firstBoot }: NodeView): boolean {
  if (state === "armed" || state === "installing") return false;
  const isAwaited = firstBoot !== undefined && firstBoot.reported === undefined &&
    firstBoot.problem === undefined;
  return state !== "installed" || !isAwaited;
}

function kindOf({ backup, discover, restore }: NodeView): string {
  return discover ? "discover" : backup ? "backup" : restore ? "restore" : "deploy";
}
