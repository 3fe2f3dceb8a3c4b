/** The nodes as racks: a square for each, whose sign and colour show its state. */
import type { DeskNode } from "#contract/desk.ts";
import { useMemo } from "preact/hooks";
import { t as common } from "../../messages/common.ts";
import { stateText } from "../../messages/states.ts";
import { Sign } from "../../parts/state_sign.tsx";
import type { Grouping, NodeGroup } from "./list_view.ts";
import { t } from "./messages.ts";

interface Props {
  readonly groups: readonly NodeGroup[];
  readonly by: Grouping;
  readonly selected: ReadonlySet<string>;
  readonly current: string | undefined;
}

export function Racks({ groups, by, selected, current }: Props) {
  const none = by === "rack" ? t("noRack") : by === "group" ? t("noGroup") : "";
  return (
    <ul class="racks">
      {groups.map(({ key, nodes }) => (
        <Rack
          key={key}
          title={key === "" ? none : key}
          nodes={nodes}
          selected={selected}
          current={nodes.some(({ name }) => name === current) ? current : undefined}
        />
      ))}
    </ul>
  );
}

interface RackProps {
  readonly title: string;
  readonly nodes: readonly DeskNode[];
  readonly selected: ReadonlySet<string>;
  readonly current: string | undefined;
}

/** Drawn again only if something that it shows has changed: progress alone has not, but for whole tenths. */
function Rack({ title, nodes, selected, current }: RackProps) {
  const shown = nodes.map((
    node,
  ) => [node.name, node.state, node.order, isWrong(node), tenths(node), selected.has(node.name)])
    .join();
  return useMemo(() => {
    const wrong = nodes.filter(isWrong).length;
    return (
      <li class="rack">
        <h2>
          {title} <small>{common("nodes", { n: nodes.length })}</small>
        </h2>
        <ul class="squares" aria-label={t("rackLabel", { rack: title, n: nodes.length, wrong })}>
          {nodes.map((node) => (
            <li key={node.name}>
              <a
                href={`/nodes/${node.name}`}
                title={`${node.name}: ${stateText(node)}`}
                aria-label={`${node.name}: ${stateText(node)}`}
                class={classOf(node, {
                  isSelected: selected.has(node.name),
                  isCurrent: node.name === current,
                })}
              >
                <Sign state={node.state} />
              </a>
            </li>
          ))}
        </ul>
      </li>
    );
  }, [title, shown, current]);
}

function isWrong({ state, problem, silentSince }: DeskNode): boolean {
  return state === "failed" || state === "aborted" || problem !== undefined || silentSince !== undefined;
}

function tenths({ state, progress }: DeskNode): number {
  return state === "installing" && progress
    ? Math.floor(10 * progress.bytesDone / Math.max(1, progress.bytesTotal))
    : 0;
}

function classOf(
  node: DeskNode,
  { isSelected, isCurrent }: { isSelected: boolean; isCurrent: boolean },
): string {
  return [
    "square",
    node.state,
    `done-${tenths(node)}`,
    ...node.silentSince === undefined ? [] : ["silent"],
    ...isSelected ? ["selected"] : [],
    ...isCurrent ? ["current"] : [],
  ].join(" ");
}
