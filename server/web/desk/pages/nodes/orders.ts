/** Orders for many nodes at once that need no page of their own. */
import type { CheckAnswer } from "#contract/api/checks.ts";
import type { DeskNode } from "#contract/desk.ts";
import { call, segment } from "../../api/call.ts";
import { templates } from "../../live/state.ts";
import { problemOf } from "../../parts/problem.tsx";
import { t } from "./messages.ts";

export function checked({ ordered, refused }: CheckAnswer): string {
  const problems = refused.map(({ node, problem }) => `${node}: ${problem.detail}`);
  return withRefusals(t("checksOrdered", { n: ordered.length }), problems);
}

export async function cancel(nodes: readonly DeskNode[]): Promise<string> {
  const problems = await eachNode(nodes, ({ name }) => call("POST", `/nodes/${segment(name)}/cancel`));
  return withRefusals(t("cancelled", { n: nodes.length - problems.length }), problems);
}

/** By the node's agent if one runs there, else at its next boot from the network. */
export async function backUp(
  nodes: readonly DeskNode[],
  body: { readonly excludes?: readonly string[] },
): Promise<string> {
  const online = new Set(templates.value.filter(({ online }) => online).map(({ name }) => name));
  const problems = await eachNode(
    nodes,
    ({ name }) =>
      call("POST", `/nodes/${segment(name)}/${online.has(name) ? "backup" : "boot-backup"}`, { body }),
  );
  return withRefusals(t("orderedBackup", { n: nodes.length - problems.length }), problems);
}

const AT_ONCE = 6;

/** The problems, as text. */
async function eachNode(
  nodes: readonly DeskNode[],
  order: (node: DeskNode) => Promise<unknown>,
): Promise<string[]> {
  const problems: string[] = [], waiting = [...nodes];
  const work = async () => {
    for (let node = waiting.shift(); node; node = waiting.shift()) {
      try {
        await order(node);
      } catch (error) {
        problems.push(`${node.name}: ${problemOf(error).detail}`);
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return problems;
}

const MAX_SHOWN = 5;

function withRefusals(text: string, problems: readonly string[]): string {
  if (problems.length === 0) return text;
  const shown = problems.slice(0, MAX_SHOWN).join(" ");
  const more = problems.length > MAX_SHOWN ? ` (+${problems.length - MAX_SHOWN})` : "";
  return `${text} ${t("refusedSome", { what: `${shown}${more}` })}`;
}
