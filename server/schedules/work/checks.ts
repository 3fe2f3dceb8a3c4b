/** Checks by schedule: the agents on the nodes compare them with their images. */
import type { ScheduledOrder } from "#contract/api/schedules.ts";
import type { Checks } from "../../fleet/checks/checks.ts";
import { problemOf } from "./installs.ts";
import type { Ordered, Part, Work, WorkProgress } from "./work.ts";

type CheckOrder = Extract<ScheduledOrder, { work: "check" }>;

export interface CheckSources {
  readonly checks: Pick<Checks, "order" | "latest">;
}

/** A node that drifted was checked: the webhook `node.drifted` tells of it. */
export function checkWork({ checks }: CheckSources): Work<CheckOrder> {
  return {
    action: "node.check",
    // which agents are connected shows at each run
    check: () => {},
    reviews: () => [],
    pin: (order) => order,
    begin: (nodes, { work: _, ...terms }) =>
      nodes.map(({ id: node }): Ordered => {
        try {
          const { ordered: [ordered] } = checks.order({ ...terms, nodes: [node] });
          return ordered ? { node, handle: ordered.check } : { node, problem: "it was not ordered" };
        } catch (error) {
          return { node, problem: problemOf(error) };
        }
      }),
    progress: (parts) => parts.map((part) => progressOf(part, checks)),
    // one that waits for its agent ends by itself
    takeBack: () => {},
  };
}

function progressOf({ node, handle }: Part, checks: Pick<Checks, "latest">): WorkProgress {
  const latest = checks.latest(node);
  // another one was ordered since
  if (latest?.id !== handle) return { state: "cancelled" };
  const { state, problem } = latest;
  if (state === "done") return { state };
  if (state !== "failed") return { state: "begun" };
  return { state, problem: problem ? `${problem.title}: ${problem.detail}` : "its check failed" };
}
