/** The nodes as a table of any length; narrow screens show each row as a card. */
import { useRef } from "preact/hooks";
import type { DeskNode } from "#contract/desk.ts";
import { t as common } from "../../messages/common.ts";
import { useMedia } from "../../parts/media.ts";
import { useVirtualRows } from "../../parts/virtual_rows.ts";
import { Cell } from "./cells.tsx";
import type { Column, Grouping, NodeGroup } from "./list_view.ts";
import { t } from "./messages.ts";

/** In pixels; nodes.css sets them. */
const ROW = 58, CARD = 148;

type Line = { readonly node: DeskNode } | { readonly group: string; readonly count: number };

/** Groups become lines of their own between the nodes. */
export function linesOf(groups: readonly NodeGroup[], by: Grouping): Line[] {
  return groups.flatMap(({ key, nodes }) => [
    ...by === "none" ? [] : [{ group: key, count: nodes.length }],
    ...nodes.map((node) => ({ node })),
  ]);
}

interface Props {
  readonly lines: readonly Line[];
  readonly by: Grouping;
  readonly columns: readonly Column[];
  readonly selected: ReadonlySet<string>;
  /** The node that the keyboard is at. */
  readonly current: string | undefined;
  readonly canSelect: (node: DeskNode) => boolean;
  readonly onSelect: (node: DeskNode, options: { isRange: boolean }) => void;
}

export function NodeTable({ lines, by, columns, selected, current, canSelect, onSelect }: Props) {
  const isNarrow = useMedia("(max-width: 48rem)");
  const height = isNarrow ? CARD : ROW;
  const body = useRef<HTMLTableSectionElement>(null);
  const { first, end } = useVirtualRows(body, { rows: lines.length, height });
  return (
    <table class="nodes" aria-rowcount={lines.length + 1}>
      <thead>
        <tr aria-rowindex={1}>
          <th scope="col" class="pick">
            <span class="hidden">{t("select", { name: "" })}</span>
          </th>
          <th scope="col">{t("name")}</th>
          {columns.map((column) => <th scope="col" key={column} class={`col-${column}`}>{t(column)}</th>)}
        </tr>
      </thead>
      <tbody ref={body}>
        <Gap height={first * height} columns={columns.length + 2} />
        {lines.slice(first, end).map((line, i) => {
          const index = first + i + 2;
          if (!("node" in line)) {
            return (
              <GroupRow key={`group ${line.group}`} line={line} by={by} columns={columns} index={index} />
            );
          }
          const { node } = line;
          return (
            <tr
              key={node.name}
              id={`node-${node.name}`}
              aria-rowindex={index}
              aria-selected={selected.has(node.name)}
              class={node.name === current ? "current" : undefined}
            >
              <td class="pick">
                <input
                  type="checkbox"
                  checked={selected.has(node.name)}
                  disabled={!canSelect(node)}
                  aria-label={t("select", { name: node.name })}
                  onClick={(event) => onSelect(node, { isRange: event.shiftKey })}
                />
              </td>
              <th scope="row">
                <a href={`/nodes/${node.name}`}>{node.name}</a>
              </th>
              {columns.map((column) => (
                <td key={column} class={`col-${column}`}>
                  <Cell node={node} column={column} />
                </td>
              ))}
            </tr>
          );
        })}
        <Gap height={(lines.length - end) * height} columns={columns.length + 2} />
      </tbody>
    </table>
  );
}

function GroupRow({ line, by, columns, index }: {
  line: { group: string; count: number };
  by: Grouping;
  columns: readonly Column[];
  index: number;
}) {
  const none = by === "rack" ? t("noRack") : by === "group" ? t("noGroup") : "–";
  return (
    <tr class="group" aria-rowindex={index}>
      <th colSpan={columns.length + 2} scope="rowgroup">
        {line.group === "" ? none : line.group} <small>{common("nodes", { n: line.count })}</small>
      </th>
    </tr>
  );
}

/** Takes the place of rows that are not drawn. */
function Gap({ height, columns }: { height: number; columns: number }) {
  if (height <= 0) return null;
  return (
    <tr aria-hidden="true" class="gap">
      <td colSpan={columns} style={{ height: `${height}px` }}></td>
    </tr>
  );
}
