/** Deployments and restores by schedule. */
import { messageOf, RackseedError } from "#contract/errors.ts";
import type { DeployAnswer, DeployRequest, FirstBootView } from "#contract/api.ts";
import type { ScheduledOrder } from "#contract/api/schedules.ts";
import type { DeploymentOrders } from "../../fleet/deployment_orders.ts";
import type { CloneReports } from "../../fleet/first_boot/clone_reports.ts";
import type { Images } from "../../fleet/ports.ts";
import type { Assignment } from "../../store/assignment.ts";
import type { Deployments } from "../../store/deployments.ts";
import type { NodeRecord } from "../../store/node_record.ts";
import type { Nodes } from "../../store/nodes.ts";
import type { Ordered, Part, RecordOrder, Work, WorkProgress } from "./work.ts";

type Order<K extends ScheduledOrder["work"]> = Extract<ScheduledOrder, { work: K }>;

export interface InstallSources {
  readonly nodes: Nodes;
  readonly deployments: Deployments;
  readonly images: Pick<Images, "get">;
  readonly orders: DeploymentOrders;
  readonly clones: Pick<CloneReports, "view">;
  readonly power: Starter;
  readonly now: () => number;
}

/** Starts nodes from the network: power/power_control.ts. */
export interface Starter {
  /** Throws RackseedError if one of them cannot be switched. */
  check(nodes: readonly string[], title: string): unknown;
  /** Orders it, and starts its nodes if `power` is given. */
  ordered(
    request: Pick<DeployRequest, "nodes" | "power"> & { image?: string },
    order: () => DeployAnswer,
  ): DeployAnswer;
}

/** An installing node that has been silent for so long has failed: the run must not wait for it without end. */
const SILENT_MS = 60 * 60_000;

export function deployWork(sources: InstallSources): Work<Order<"deploy">> {
  const { orders, images, power } = sources;
  const requestOf = ({ work: _, ...order }: Order<"deploy">) => order;
  return {
    action: "node.deploy",
    check: (nodes, order) => {
      if (order.power) power.check(namesOf(nodes), "cannot deploy and start these nodes");
      orders.check({ ...requestOf(order), nodes: namesOf(nodes) });
    },
    reviews: (nodes, order) => {
      const { passphrase: _, ...terms } = requestOf(order);
      return [{ ...terms, kind: "deployment", nodes: namesOf(nodes) }];
    },
    pin: (order) => ({ ...order, image: pinned(order.image, images) }),
    begin: (nodes, order, { record, by }) =>
      orderEach(
        nodes,
        sources,
        (names) => {
          const request = { ...requestOf(order), nodes: names };
          return power.ordered(request, () => orders.deploy(request, { also: recording(record), by }));
        },
      ),
    ...following(sources),
  };
}

export function restoreWork(sources: InstallSources): Work<Order<"restore">> {
  const { orders, images, deployments, power } = sources;
  const requestOf = ({ work: _, ...order }: Order<"restore">) => order;
  const groupsOf = (nodes: readonly NodeRecord[], { image }: Order<"restore">) =>
    image === undefined ? byAssignedImage(nodes, deployments) : [[...nodes]];
  return {
    action: "node.restore",
    check: (nodes, order) => {
      for (const group of groupsOf(nodes, order)) {
        orders.checkRestore({ ...requestOf(order), nodes: namesOf(group) });
      }
    },
    reviews: (nodes, order) => {
      const { passphrase: _, ...terms } = requestOf(order);
      return groupsOf(nodes, order).map((group) => ({ ...terms, kind: "restore", nodes: namesOf(group) }));
    },
    pin: (order) => order.image === undefined ? order : { ...order, image: pinned(order.image, images) },
    begin: (nodes, order, { record, by }) =>
      groupsOf(nodes, order).flatMap((group) =>
        orderEach(
          group,
          sources,
          (names) => {
            const request = { ...requestOf(order), nodes: names };
            return power.ordered(
              { nodes: [] },
              () => orders.restore(request, { also: recording(record), by }),
            );
          },
        )
      ),
    ...following(sources),
  };
}

function recording(record: RecordOrder): (deployment: string, nodes: readonly NodeRecord[]) => void {
  return (deployment, nodes) => record(nodes.map(({ id }) => id), deployment);
}

/** All nodes of a run get the same version, however long it takes. */
export function pinned(ref: string, images: Pick<Images, "get">): string {
  const { image, version } = images.get(ref);
  return `${image}@${version}`;
}

/** Nodes with the same image can be restored by one order. */
function byAssignedImage(nodes: readonly NodeRecord[], deployments: Deployments): NodeRecord[][] {
  return [
    ...Map.groupBy(nodes, ({ id }) => {
      const assigned = deployments.assigned(id);
      return assigned && `${assigned.image}@${assigned.version}`;
    }).values(),
  ];
}

/**
 * One order for all of the nodes, so that they are one batch of the swarm; if it is refused, one for each, so that one
 * node does not keep the others waiting. Nodes with another order are left alone.
 */
function orderEach(
  nodes: readonly NodeRecord[],
  { orders }: Pick<InstallSources, "orders">,
  order: (names: string[]) => DeployAnswer,
): Ordered[] {
  const busy = nodes.filter(({ id }) => !orders.isFree(id));
  const free = nodes.filter((node) => !busy.includes(node));
  const refused = busy.map(({ id }) => ({
    node: id,
    problem: "it has another order, pending or under way",
  }));
  if (free.length === 0) return refused;
  try {
    const { deployment } = order(namesOf(free));
    return [...refused, ...free.map(({ id }) => ({ node: id, handle: deployment }))];
  } catch (error) {
    if (free.length > 1) {
      return [...refused, ...free.flatMap((node) => orderEach([node], { orders }, order))];
    }
    return [...refused, ...free.map(({ id }) => ({ node: id, problem: problemOf(error) }))];
  }
}

export function problemOf(error: unknown): string {
  return error instanceof RackseedError ? `${error.title}: ${error.reason}` : messageOf(error);
}

function namesOf(nodes: readonly NodeRecord[]): string[] {
  return nodes.map(({ name }) => name);
}

/** How an ordered deployment goes, and how it is taken back; for everything that arms nodes. */
export function following(
  sources: Pick<InstallSources, "nodes" | "deployments" | "clones" | "orders" | "now">,
): Pick<Work, "progress" | "takeBack"> {
  const { nodes, deployments, orders } = sources;
  return {
    progress: (parts) => {
      // one query for each deployment, not for each node
      const handles = [...new Set(parts.map(({ handle }) => handle))];
      const known = new Map(
        handles.flatMap((handle) => deployments.parts(handle)).map((part) => [keyOf(part), part]),
      );
      return parts.map(({ node, handle }) =>
        progressOf(known.get(keyOf({ node, deployment: handle })), nodes.find(node), sources)
      );
    },
    takeBack: ({ node, handle }: Part) => {
      const active = deployments.active(node);
      if (active?.deployment === handle && active.state === "armed") orders.takeBack(node);
    },
  };
}

function keyOf({ node, deployment }: { node: string; deployment: string }): string {
  return `${deployment} ${node}`;
}

function progressOf(
  part: Assignment | undefined,
  node: NodeRecord | undefined,
  { deployments, clones, now }: Pick<InstallSources, "deployments" | "clones" | "now">,
): WorkProgress {
  if (node === undefined) return { state: "failed", problem: "the node was deleted" };
  if (part === undefined) return { state: "cancelled" };
  switch (part.state) {
    case "armed":
      return { state: "ordered" };
    case "installing":
      return isSilent(node, now())
        ? { state: "failed", problem: `it has not reported since ${node.seen}` }
        : { state: "begun" };
    case "installed":
      // a dry run leaves the node's system as it was
      return deployments.restoreOf(part.deployment)?.dryRun
        ? { state: "done" }
        : installed(clones.view(part, node));
    case "running":
      return { state: "done" };
    case "cancelled":
    case "aborted":
      return { state: "cancelled" };
    case "failed": {
      const problem = deployments.progress(node.id).report?.problem;
      return {
        state: "failed",
        problem: problem ? `${problem.title}: ${problem.detail}` : "it failed; see its log",
      };
    }
  }
}

/** Done if its system is not expected to report. */
function installed(firstBoot: FirstBootView | undefined): WorkProgress {
  if (firstBoot?.problem) {
    return { state: "failed", problem: `${firstBoot.problem.title}: ${firstBoot.problem.detail}` };
  }
  return { state: firstBoot === undefined || firstBoot.reported !== undefined ? "done" : "begun" };
}

function isSilent({ seen }: NodeRecord, nowMs: number): boolean {
  return seen !== undefined && nowMs - Date.parse(seen) >= SILENT_MS;
}
