/** How the list of nodes is shown: all of it stands in the page's address, so that a view can be sent to somebody. */
import type { DeskNode } from "#contract/desk.ts";

export const COLUMNS = [
  "state",
  "step",
  "image",
  "address",
  "group",
  "rack",
  "mac",
  "drift",
  "seen",
] as const;
export type Column = typeof COLUMNS[number];
const USUAL_COLUMNS: readonly Column[] = ["state", "step", "image", "address", "group"];
export const SORTS = ["name", "state", "image", "group", "rack", "drift", "seen", "progress"] as const;
type Sort = typeof SORTS[number];
export const GROUPINGS = ["none", "group", "rack", "state", "image"] as const;
export type Grouping = typeof GROUPINGS[number];

export interface ListView {
  readonly q: string;
  readonly as: "table" | "racks";
  readonly sort: Sort;
  readonly isDescending: boolean;
  readonly by: Grouping;
  readonly columns: readonly Column[];
}

function oneOf<T extends string>(values: readonly T[], given: string | null | undefined, usual: T): T {
  return values.find((value) => value === given) ?? usual;
}

export function viewOf(parameters: URLSearchParams): ListView {
  const sort = parameters.get("sort") ?? "";
  const named = (parameters.get("columns") ?? "").split(",");
  const columns = COLUMNS.filter((column) => named.includes(column));
  return {
    q: (parameters.get("q") ?? "").slice(0, 2000),
    as: oneOf(["table", "racks"], parameters.get("as"), "table"),
    sort: oneOf(SORTS, sort.replace(/^-/, ""), "name"),
    isDescending: sort.startsWith("-"),
    by: oneOf(GROUPINGS, parameters.get("by"), "none"),
    columns: columns.length > 0 ? columns : USUAL_COLUMNS,
  };
}

/** "?q=state:failed"; what is usual is left out. */
export function searchOf({ q, as, sort, isDescending, by, columns }: ListView): string {
  const parameters = new URLSearchParams();
  if (q !== "") parameters.set("q", q);
  if (as !== "table") parameters.set("as", as);
  if (sort !== "name" || isDescending) parameters.set("sort", `${isDescending ? "-" : ""}${sort}`);
  if (by !== "none") parameters.set("by", by);
  if (columns.join() !== USUAL_COLUMNS.join()) parameters.set("columns", columns.join());
  const text = parameters.toString();
  return text === "" ? "" : `?${text}`;
}

const STATE_ORDER: Record<DeskNode["state"], number> = {
  failed: 0,
  aborted: 1,
  installing: 2,
  armed: 3,
  installed: 4,
  running: 5,
  idle: 6,
};
const collator = new Intl.Collator("en", { numeric: true });

/** `nodes`: in the order of their names, which equal ones keep. */
export function sorted(nodes: readonly DeskNode[], { sort, isDescending }: ListView): readonly DeskNode[] {
  const sign = isDescending ? -1 : 1;
  if (sort === "name") return isDescending ? nodes.toReversed() : nodes;
  const key = KEYS[sort];
  return nodes.map((node) => ({ node, key: key(node) }))
    .sort((a, b) => sign * compare(a.key, b.key))
    .map(({ node }) => node);
}

const KEYS: Record<Exclude<Sort, "name">, (node: DeskNode) => string | number | undefined> = {
  state: ({ state }) => STATE_ORDER[state],
  image: ({ image }) => image,
  group: ({ group }) => group,
  rack: ({ rack }) => rack,
  drift: ({ drift }) => drift,
  seen: ({ seen }) => seen,
  progress: ({ progress }) => progress && progress.bytesDone / Math.max(1, progress.bytesTotal),
};

/** What is missing comes last. */
function compare(a: string | number | undefined, b: string | number | undefined): number {
  if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined);
  return typeof a === "number" && typeof b === "number" ? a - b : collator.compare(String(a), String(b));
}

export interface NodeGroup {
  readonly key: string;
  readonly nodes: readonly DeskNode[];
}

export function grouped(nodes: readonly DeskNode[], by: Grouping): NodeGroup[] {
  if (by === "none") return [{ key: "", nodes }];
  const groups = new Map<string, DeskNode[]>();
  for (const node of nodes) {
    const key = node[by] ?? "";
    const group = groups.get(key) ?? [];
    groups.set(key, group);
    group.push(node);
  }
  return [...groups].map(([key, nodes]) => ({ key, nodes }))
    .sort((a, b) => Number(a.key === "") - Number(b.key === "") || collator.compare(a.key, b.key));
}
