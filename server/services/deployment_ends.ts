/** Whether a deployment is over, and how it went, for those who report it: webhooks and traces. */
import type { Fleet } from "../fleet/fleet.ts";
import type { ServerData } from "./open_data.ts";

export interface DeploymentEnds {
  /** The deployment that the node is or was last part of, by id. */
  deploymentOf(node: string): string | undefined;
  /** Whether no node of the deployment has anything left to do, a first boot to report included. */
  isOver(deployment: string): boolean;
  resultOf(deployment: string): DeploymentResult;
}

interface DeploymentResult {
  /** "web@1" */
  readonly image: string;
  readonly nodes: number;
  /** Names of nodes that failed or were aborted. */
  readonly failed: readonly string[];
}

export function deploymentEnds(
  { nodes, deployments }: Pick<ServerData, "nodes" | "deployments">,
  fleet: () => Fleet,
): DeploymentEnds {
  return {
    deploymentOf: (name) => {
      const node = nodes.find(name);
      return node && deployments.progress(node.id).assignment?.deployment;
    },
    isOver: (id) =>
      deployments.isOver(id, (node) => {
        const { firstBoot } = fleet().get(node);
        return firstBoot !== undefined && firstBoot.reported === undefined && firstBoot.problem === undefined;
      }),
    resultOf: (id) => {
      const parts = deployments.parts(id), [first] = parts;
      const failed = parts.filter(({ node, state }) =>
        state === "failed" || state === "aborted" ||
        (state === "installed" && fleet().get(node).firstBoot?.problem !== undefined)
      );
      return {
        image: `${first?.image}@${first?.version}`,
        nodes: parts.length,
        failed: failed.flatMap(({ node }) => nodes.find(node)?.name ?? []),
      };
    },
  };
}
