/** What changes of nodes and captures mean for the outside. Pure: the same changes make the same news. */
import type { CaptureView, NodeView, ServerEvent } from "#contract/api.ts";
import type { WebhookEvent } from "#contract/api/webhooks.ts";

export interface News {
  readonly event: WebhookEvent;
  readonly data: Readonly<Record<string, unknown>>;
}

interface WatchOptions {
  readonly emit: (news: News) => void;
  /** The deployment that the node is or was last part of, by id. */
  readonly deploymentOf: (node: string) => string | undefined;
  /** Whether no node of the deployment has anything left to do, a first boot to report included. */
  readonly isOver: (deployment: string) => boolean;
  readonly resultOf: (deployment: string) => DeploymentResult;
}

interface DeploymentResult {
  /** "web@1" */
  readonly image: string;
  readonly nodes: number;
  /** Names of nodes that failed or were aborted. */
  readonly failed: readonly string[];
}

interface Last {
  readonly state: NodeView["state"];
  readonly isSilent: boolean;
  /** Its system has not reported its first boot in time. */
  readonly isLate: boolean;
  /** Its deployment was to start it, and could not. */
  readonly isUnstarted: boolean;
  /** What changed in its hardware, and disks that are failing. */
  readonly warnings: readonly string[];
  /** The time of its newest comparison with its image. */
  readonly comparedAt: string | undefined;
}

/** Deployments whose end was reported: a node of one may still change. */
const REMEMBERED = 1000;

export class EventWatch {
  readonly #options: WatchOptions;
  readonly #nodes = new Map<string, Last>();
  /** Captures under way. */
  readonly #captures = new Set<string>();
  readonly #ended = new Set<string>();

  constructor(options: WatchOptions) {
    this.#options = options;
  }

  /** Takes over what there is when the server starts; it is no news. */
  begin({ nodes, captures }: { nodes: readonly NodeView[]; captures: readonly CaptureView[] }): void {
    for (const node of nodes) this.#nodes.set(node.name, lastOf(node));
    for (const { id, state } of captures) if (isActive(state)) this.#captures.add(id);
  }

  observe(event: ServerEvent): void {
    if (event.type === "node") this.#node(event.node);
    else if (event.type === "node-removed") this.#nodes.delete(event.name);
    else if (event.type === "capture") this.#capture(event.capture);
  }

  #node(node: NodeView): void {
    const before = this.#nodes.get(node.name), now = lastOf(node);
    this.#nodes.set(node.name, now);
    if (before === undefined) return;
    const { name, image, report, firstBoot, silentSince } = node;
    if (now.isSilent && !before.isSilent) {
      this.#options.emit({ event: "node.silent", data: { node: name, image, since: silentSince } });
    }
    if (now.isUnstarted && !before.isUnstarted) {
      const problem = node.power?.start?.problem;
      this.#options.emit({ event: "node.failed", data: { node: name, image, problem } });
    }
    const news = now.warnings.filter((what) => !before.warnings.includes(what));
    if (news.length > 0) this.#options.emit({ event: "node.hardware", data: { node: name, changes: news } });
    if (now.comparedAt !== before.comparedAt) this.#compared(node);
    const isLate = now.isLate && !before.isLate;
    const isOver = ["installing", "installed"].includes(before.state) && before.state !== now.state;
    if (!isOver && !isLate) return;
    if (now.state === "failed" || isLate) {
      const problem = report?.problem ?? firstBoot?.problem;
      this.#options.emit({ event: "node.failed", data: { node: name, image, step: report?.step, problem } });
    }
    // a backup is a capture, and reported as one; a discovery deploys nothing
    if (!node.backup && !node.discover) this.#deployment(name);
  }

  #compared({ name, check }: NodeView): void {
    if (!check?.result?.drifted) return;
    const { drifted: _, ...result } = check.result;
    this.#options.emit({ event: "node.drifted", data: { node: name, ...result } });
  }

  #deployment(node: string): void {
    const id = this.#options.deploymentOf(node);
    if (id === undefined || this.#ended.has(id) || !this.#options.isOver(id)) return;
    this.#ended.add(id);
    const [oldest] = this.#ended;
    if (oldest !== undefined && this.#ended.size > REMEMBERED) this.#ended.delete(oldest);
    const { image, nodes, failed } = this.#options.resultOf(id);
    this.#options.emit({
      event: failed.length === 0 ? "deployment.done" : "deployment.failed",
      data: { deployment: id, image, nodes, failed: failed.slice(0, 100) },
    });
  }

  #capture({ id, state, image, version, template, problem }: CaptureView): void {
    if (isActive(state)) {
      this.#captures.add(id);
      return;
    }
    if (!this.#captures.delete(id) || state === "cancelled") return;
    const event = state === "published" ? "capture.done" : "capture.failed";
    this.#options.emit({ event, data: { capture: id, image, version, template, problem } });
  }
}

function lastOf({ state, silentSince, firstBoot, power, warnings = [], check }: NodeView): Last {
  const isLate = state === "installed" && firstBoot?.problem !== undefined;
  const isUnstarted = state === "armed" && power?.start?.problem !== undefined;
  return {
    state,
    isSilent: silentSince !== undefined,
    isLate,
    isUnstarted,
    warnings: warnings.map(({ what }) => what),
    comparedAt: check?.result?.at,
  };
}

function isActive(state: CaptureView["state"]): boolean {
  return state === "waiting" || state === "receiving" || state === "publishing";
}
