/** What is wrong with the nodes, grouped by cause, the worst first, and what to do about it. */
import type { DeskNode } from "#contract/desk.ts";
import { t } from "./messages.ts";

interface Wrong {
  readonly key: string;
  readonly title: string;
  /** Absent if the nodes differ in it. */
  readonly detail?: string;
  readonly remedy: string;
  /** The search that finds these nodes. */
  readonly query: string;
  readonly nodes: readonly DeskNode[];
}

export function wrongNodes(nodes: readonly DeskNode[]): Wrong[] {
  return [...failures(nodes), ...kinds(nodes)];
}

/** Nodes with the same problem at the same step are one cause. */
function failures(nodes: readonly DeskNode[]): Wrong[] {
  const causes = new Map<string, DeskNode[]>();
  for (const node of nodes) {
    if (!node.problem) continue;
    const key = `${node.step ?? ""}: ${node.problem.title.replaceAll(node.name, "")}`;
    const cause = causes.get(key) ?? [];
    causes.set(key, cause);
    cause.push(node);
  }
  return [...causes].sort(([, a], [, b]) => b.length - a.length).map(([key, found]) => {
    const { problem, step } = found[0] as DeskNode;
    const title = problem?.title ?? "";
    const isOne = found.length === 1;
    return {
      key,
      title: t("failedTitle", { n: found.length, what: `${step}: ${title}` }),
      ...isOne && problem && { detail: problem.detail },
      remedy: problem?.remedy ?? "",
      query: isOne ? `name:=${found[0]?.name}` : `problem:"${title.replaceAll('"', "").slice(0, 80)}"`,
      nodes: found,
    };
  });
}

function kinds(nodes: readonly DeskNode[]): Wrong[] {
  const kind = (
    key: "silent" | "aborted" | "hardware" | "drift",
    query: string,
    is: (node: DeskNode) => boolean,
  ): Wrong => {
    const found = nodes.filter((node) => !node.problem && is(node));
    return {
      key,
      title: t(`${key}Title`, { n: found.length }),
      remedy: t(`${key}Remedy`),
      query,
      nodes: found,
    };
  };
  return [
    kind("silent", "is:silent", ({ silentSince }) => silentSince !== undefined),
    kind("aborted", "state:aborted", ({ state }) => state === "aborted"),
    kind("hardware", "warnings:>0", ({ warnings = 0 }) => warnings > 0),
    kind("drift", "is:drifted", ({ drift = 0 }) => drift > 0),
  ].filter(({ nodes }) => nodes.length > 0);
}
