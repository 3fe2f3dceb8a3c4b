/** Nodes that failed, grouped by cause. Pure. */
import type { FailureGroup } from "#contract/api.ts";
import type { Problem } from "#contract/errors.ts";
import type { Step } from "#contract/api/steps.ts";

export interface Failure {
  readonly node: string;
  readonly step?: Step | undefined;
  readonly problem?: Pick<Problem, "title" | "detail" | "remedy"> | undefined;
  /** An operator cancelled it while it was being installed. */
  readonly isAborted?: boolean | undefined;
  readonly canRetry: boolean;
}

const ABORTED = {
  title: "cancelled during the installation",
  detail: "an operator cancelled the order, and the disk is incomplete.",
  remedy: "deploy the node again.",
};
const UNTOLD = {
  title: "failed without a report",
  detail: "nothing is known of the cause.",
  remedy: "see the node's console, then deploy it again.",
};

/** The largest group first. */
export function groupFailures(failures: readonly Failure[]): FailureGroup[] {
  const groups = Map.groupBy(failures, (failure) => {
    const { title } = problemOf(failure);
    return JSON.stringify([failure.step, normalised(title, failure.node), failure.canRetry]);
  });
  return [...groups.values()].flatMap((group): FailureGroup[] => {
    const [first] = group;
    if (!first) return [];
    const { title, detail, remedy } = problemOf(first);
    const isSame = group.every((failure) => problemOf(failure).title === title);
    return [{
      ...(first.step !== undefined && { step: first.step }),
      title: isSame ? title : normalised(title, first.node),
      detail,
      remedy,
      nodes: group.map(({ node }) => node),
      canRetry: first.canRetry,
    }];
  }).sort((a, b) => b.nodes.length - a.nodes.length || (a.title < b.title ? -1 : 1));
}

function problemOf({ problem, isAborted }: Failure): Pick<Problem, "title" | "detail" | "remedy"> {
  return isAborted ? ABORTED : problem ?? UNTOLD;
}

/**
 * The title without what differs from node to node, its name, devices, addresses, ids and numbers: "cannot format /dev/…
 * of …".
 */
export function normalised(title: string, node: string): string {
  const isNode = (word: string) => word === node;
  return title
    .replace(/\/dev\/[\w/:.-]+/g, "/dev/…")
    .replace(/\b[0-9a-f]{2}(?::[0-9a-f]{2}){5}\b/gi, "…")
    .replace(/\b\d{1,3}(?:\.\d{1,3}){3}\b/g, "…")
    .replace(/\b[0-9a-f]{8,}(?:-[0-9a-f]{4,})*\b/gi, "…")
    .replace(/[\w.-]+/g, (word) => isNode(word) || isNode(word.replace(/[.-]+$/, "")) ? "…" : word)
    .replace(/\b\d+(?:[.,]\d+)?\b/g, "…");
}
