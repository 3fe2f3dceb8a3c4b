/** Orders for a deployment as a whole: cancel, retry, pause, resume. */
import { getLogger } from "@logtape/logtape";
import type { DeployAnswer, DeployRequest, RetryRequest } from "#contract/api.ts";
import { RackseedError } from "#contract/errors.ts";
import { type Nodes, shortList } from "../../store/nodes.ts";
import type { Assignment } from "../../store/assignment.ts";
import type { Deployments } from "../../store/deployments.ts";
import type { NodeRecord } from "../../store/node_record.ts";
import type { DeploymentOrders, InstallRequest } from "../deployment_orders.ts";
import type { PlansAhead } from "../plan_previews.ts";
import type { BatchViews } from "./batch_views.ts";

const log = getLogger(["rackseed", "nodes"]);

interface BatchOrderSources {
  readonly nodes: Nodes;
  readonly deployments: Deployments;
  readonly orders: Pick<DeploymentOrders, "deploy" | "cancelOrders">;
  readonly views: Pick<BatchViews, "parts">;
  /** These nodes (by id) have changed. */
  readonly onChanges: (ids: readonly string[]) => void;
  /** Held nodes may begin. */
  readonly onResumed: () => void;
}

export class BatchOrders {
  readonly #sources: BatchOrderSources;

  constructor(sources: BatchOrderSources) {
    this.#sources = sources;
  }

  /** Cancels them all or none; returns the nodes whose order is cancelled now. Throws RackseedError (404, 409). */
  cancel(id: string, { nodes: keys }: { nodes?: readonly string[] | undefined }): NodeRecord[] {
    const open = this.#chosen(id, keys, `cannot cancel the deployment ${id}`).filter(isOpen);
    if (open.length === 0) {
      throw new RackseedError(`cannot cancel the deployment ${id}`, {
        reason: "none of these nodes is armed or being installed by it.",
        remedy: `see \`rackseed deployment show ${id}\`.`,
        status: 409,
      });
    }
    log.info("deployment-cancelled", { deployment: id, nodes: open.length });
    const { nodes, orders } = this.#sources, cancelled = open.map(({ node }) => nodes.get(node));
    orders.cancelOrders(cancelled.map((node) => node.id));
    return cancelled;
  }

  /** What is ordered, for the nodes that failed and have no newer order. Throws RackseedError (404, 409). */
  retryRequest(id: string, { nodes: keys, passphrase }: RetryRequest): InstallRequest {
    const { nodes, deployments } = this.#sources, title = `cannot retry the deployment ${id}`;
    if (deployments.onlyReads(id)) {
      throw new RackseedError(title, {
        reason: "it is a backup.",
        remedy: "order the backups again: rackseed node backup NODE --at-boot",
        status: 409,
      });
    }
    const chosen = this.#chosen(id, keys, title);
    const failed = chosen.filter((part) => this.#isFailed(part));
    const others = chosen.filter((part) => !failed.includes(part));
    if (failed.length === 0 || (keys !== undefined && others.length > 0)) {
      const names = others.flatMap(({ node }) => nodes.find(node)?.name ?? []);
      throw new RackseedError(title, {
        reason: `these nodes have not failed, or have another order since: ${shortList(names)}.`,
        remedy: `see \`rackseed deployment show ${id}\`.`,
        status: 409,
      });
    }
    return {
      ...this.#termsOf(id, failed[0]),
      // The disks that are known are those it failed with, and may be replaced since. It plans again when it boots.
      planCheck: false,
      nodes: failed.map(({ node }) => node),
      ...(passphrase && { passphrase }),
    };
  }

  /** Arms the failed nodes once more, by the terms of the first order. Throws RackseedError (409). */
  retry(request: InstallRequest, options: { by: string; ahead: PlansAhead }): DeployAnswer {
    return this.#sources.orders.deploy(request, options);
  }

  /** Throws RackseedError (404, 409). */
  pause(id: string, { by }: { by: string }): void {
    const { deployments } = this.#sources;
    const parts = this.#sources.views.parts(id);
    if (!parts.some(({ state }) => state === "armed")) {
      throw new RackseedError(`cannot pause the deployment ${id}`, {
        reason: "all its nodes have begun, and an installation that runs is not interrupted.",
        remedy: `to stop those, cancel it: rackseed deployment cancel ${id}`,
        status: 409,
      });
    }
    if (!deployments.paused.is(id)) deployments.paused.begin(id, by);
    log.info("deployment-paused", { deployment: id });
    this.#show(parts);
  }

  /** Throws RackseedError (404, 409). */
  resume(id: string): void {
    const { deployments } = this.#sources;
    const parts = this.#sources.views.parts(id);
    if (!deployments.paused.is(id)) {
      throw new RackseedError(`cannot resume the deployment ${id}`, {
        reason: "it is not paused.",
        remedy: `see \`rackseed deployment show ${id}\`.`,
        status: 409,
      });
    }
    deployments.paused.end(id);
    log.info("deployment-resumed", { deployment: id });
    this.#sources.onResumed();
    this.#show(parts);
  }

  /** The node's latest order is this one, and it failed. */
  #isFailed({ deployment, node, state }: Assignment): boolean {
    if (state !== "failed" && state !== "aborted") return false;
    return this.#sources.deployments.progress(node).assignment?.deployment === deployment;
  }

  /** The parts of these nodes, or all. Throws RackseedError (404, 409). */
  #chosen(id: string, keys: readonly string[] | undefined, title: string): Assignment[] {
    const { nodes, views } = this.#sources, parts = views.parts(id);
    if (keys === undefined) return parts;
    const byNode = new Map(parts.map((part) => [part.node, part]));
    const named = [...new Map(keys.map((key) => nodes.get(key)).map((node) => [node.id, node])).values()];
    const foreign = named.filter((node) => !byNode.has(node.id));
    if (foreign.length > 0) {
      throw new RackseedError(title, {
        reason: `these nodes are not part of it: ${shortList(foreign.map(({ name }) => name))}.`,
        remedy: `see \`rackseed deployment show ${id}\`.`,
        status: 409,
      });
    }
    return named.flatMap((node) => byNode.get(node.id) ?? []);
  }

  #termsOf(id: string, part: Assignment | undefined): Omit<InstallRequest, "nodes"> {
    const { deployments } = this.#sources, image = `${part?.image}@${part?.version}`;
    const order = deployments.orderOf(id);
    if (order) return { ...order, image };
    // an order of an earlier release
    const { mode, askSeconds } = deployments.identityOf(id);
    const terms: Partial<DeployRequest> = {
      seed: deployments.seedOf(id),
      identity: mode,
      askSeconds,
      finish: deployments.finishOf(id),
    };
    const isNow = deployments.isNow(id), restore = deployments.restoreOf(id);
    return { ...terms, image, ...(isNow && { now: true }), ...(restore && { restore }) };
  }

  #show(parts: readonly Assignment[]): void {
    this.#sources.onChanges(parts.filter(({ state }) => state === "armed").map(({ node }) => node));
  }
}

function isOpen({ state }: Assignment): boolean {
  return state === "armed" || state === "installing";
}
