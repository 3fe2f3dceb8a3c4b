/** The list of nodes: searched, sorted, grouped, as a table or as racks, and the nodes to act on selected. */
import { useLocation } from "preact-iso";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { DeskNode } from "#contract/desk.ts";
import { useImageTags } from "../../api/image_tags.ts";
import { select, selection } from "../../live/selection.ts";
import { nodes, nodesByName } from "../../live/state.ts";
import { mayOrder } from "../../parts/abilities.ts";
import { useShortcuts } from "../../parts/keys.ts";
import { Page } from "../../parts/page.tsx";
import { parseQuery } from "../../search/query.ts";
import { COLUMNS, grouped, GROUPINGS, type ListView, searchOf, sorted, SORTS, viewOf } from "./list_view.ts";
import { t } from "./messages.ts";
import { Racks } from "./racks.tsx";
import { SavedViews } from "./saved_views.tsx";
import { SearchBox } from "./search_box.tsx";
import { SelectionBar } from "./selection_bar.tsx";
import { linesOf, NodeTable } from "./table.tsx";

export function NodesPage() {
  const { url, route } = useLocation();
  const view = useMemo(() => viewOf(new URL(url, location.origin).searchParams), [url]);
  const show = (change: Partial<ListView>) => route(`/nodes${searchOf({ ...view, ...change })}`, true);
  const [text, setText] = useSearchText(view.q, (q) => show({ q }));
  const tags = useImageTags(text);
  const query = useMemo(() => parseQuery(text, { tags }), [text, tags]);
  const found = nodes.value.filter(query.test);
  const groups = grouped(sorted(found, view), view.as === "racks" && view.by === "none" ? "rack" : view.by);
  const shown = groups.flatMap(({ nodes }) => nodes);
  const field = useRef<HTMLInputElement>(null);
  const [current, setCurrent] = useState<string>();
  const last = useRef<string | undefined>(undefined);
  const canSelect = ({ group }: DeskNode) => mayOrder([group]);

  const pick = (node: DeskNode, { isRange }: { isRange: boolean }) => {
    const at = shown.indexOf(node), from = shown.findIndex(({ name }) => name === last.current);
    const isSelected = !selection.value.has(node.name);
    const range = isRange && from >= 0 ? shown.slice(Math.min(at, from), Math.max(at, from) + 1) : [node];
    select(range.filter(canSelect).map(({ name }) => name), isSelected);
    last.current = node.name;
  };
  const step = (by: number) => {
    const at = shown.findIndex(({ name }) => name === current);
    const next = shown[Math.min(shown.length - 1, Math.max(0, at < 0 ? 0 : at + by))];
    if (!next) return;
    setCurrent(next.name);
    showRow(next.name, { position: shown.indexOf(next), of: shown.length });
  };
  const here = current === undefined ? undefined : nodesByName.get(current);
  useShortcuts([
    { key: "/", text: t("focusSearch"), run: () => field.current?.focus() },
    { key: "j", text: t("nextNode"), run: () => step(1) },
    { key: "k", text: t("previousNode"), run: () => step(-1) },
    { key: "x", text: t("pickNode"), run: () => here && canSelect(here) && pick(here, { isRange: false }) },
    { key: "o", text: t("openNode"), run: () => here && route(`/nodes/${here.name}`) },
  ]);

  const selectable = shown.filter(canSelect);
  const areAllSelected = selectable.length > 0 && selectable.every(({ name }) => selection.value.has(name));
  return (
    <Page title={t("title")}>
      <SearchBox field={field} text={text} query={query} onInput={setText} />
      <div class="toolbar">
        {selectable.length > 0 && (
          <label>
            <input
              type="checkbox"
              checked={areAllSelected}
              onClick={() => select(selectable.map(({ name }) => name), !areAllSelected)}
            />{" "}
            {t("selectAll")}
          </label>
        )}
        <span role="status">{t("shown", { shown: found.length, all: nodes.value.length })}</span>
        <ViewChoices view={view} show={show} />
        <SavedViews search={searchOf(view)} />
      </div>
      <SelectionBar nodes={nodes.value.filter(({ name }) => selection.value.has(name))} />
      {found.length === 0 && <p class="empty">{nodes.value.length === 0 ? t("empty") : t("noneFound")}</p>}
      {found.length > 0 && (view.as === "racks"
        ? (
          <Racks
            groups={groups}
            by={view.by === "none" ? "rack" : view.by}
            selected={selection.value}
            current={current}
          />
        )
        : (
          <NodeTable
            lines={linesOf(groups, view.by)}
            by={view.by}
            columns={view.columns}
            selected={selection.value}
            current={current}
            canSelect={canSelect}
            onSelect={pick}
          />
        ))}
    </Page>
  );
}

function ViewChoices({ view, show }: { view: ListView; show: (change: Partial<ListView>) => void }) {
  const columnName = (name: string) =>
    name === "name" || name === "progress" ? t(name === "name" ? "name" : "step") : t(name as "state");
  return (
    <>
      <fieldset class="switch">
        <legend class="hidden">{t("view")}</legend>
        {(["table", "racks"] as const).map((as) => (
          <label key={as}>
            <input type="radio" name="as" checked={view.as === as} onChange={() => show({ as })} />
            {t(as)}
          </label>
        ))}
      </fieldset>
      <label>
        {t("groupBy")}{" "}
        <select
          value={view.by}
          onChange={(event) => show({ by: event.currentTarget.value as ListView["by"] })}
        >
          {GROUPINGS.map((by) => <option key={by} value={by}>{by === "none" ? t("nothing") : t(by)}</option>)}
        </select>
      </label>
      <label>
        {t("sortBy")}{" "}
        <select
          value={`${view.isDescending ? "-" : ""}${view.sort}`}
          onChange={(event) => {
            const chosen = event.currentTarget.value;
            show({ sort: chosen.replace("-", "") as ListView["sort"], isDescending: chosen.startsWith("-") });
          }}
        >
          {SORTS.flatMap((sort) => [
            <option key={sort} value={sort}>{columnName(sort)} ↑</option>,
            <option key={`-${sort}`} value={`-${sort}`}>{columnName(sort)} ↓</option>,
          ])}
        </select>
      </label>
      <details class="menu">
        <summary>{t("columns")}</summary>
        <fieldset>
          <legend class="hidden">{t("columns")}</legend>
          {COLUMNS.map((column) => (
            <label key={column}>
              <input
                type="checkbox"
                checked={view.columns.includes(column)}
                onChange={(event) =>
                  show({
                    columns: COLUMNS.filter((other) =>
                      other === column ? event.currentTarget.checked : view.columns.includes(other)
                    ),
                  })}
              />{" "}
              {t(column)}
            </label>
          ))}
        </fieldset>
      </details>
    </>
  );
}

/** Long enough to type another letter: browsers refuse addresses that change more often than 200 times in 30 s. */
const ADDRESS_MS = 250;

/** The search that is being typed: it finds at once, and stands in the address a moment later. */
function useSearchText(
  q: string,
  show: (q: string) => void,
): [text: string, setText: (text: string) => void] {
  const [text, setText] = useState(q);
  const shown = useRef(q);
  useEffect(() => {
    // another address, by a link or the browser's buttons
    if (q !== shown.current) setText(q);
    shown.current = q;
  }, [q]);
  useEffect(() => {
    if (text === shown.current) return;
    const timer = setTimeout(() => {
      shown.current = text;
      show(text);
    }, ADDRESS_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return [text, setText];
}

/** Scrolls to a row, also to one that is not drawn yet. */
function showRow(name: string, { position, of }: { position: number; of: number }): void {
  const drawn = document.getElementById(`node-${name}`);
  if (drawn) return drawn.scrollIntoView({ block: "nearest" });
  const table = document.querySelector("table.nodes");
  if (!table) return;
  const { top, height } = table.getBoundingClientRect();
  scrollTo({ top: scrollY + top + height * position / Math.max(1, of) - innerHeight / 2 });
}
