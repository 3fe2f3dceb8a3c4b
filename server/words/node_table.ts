/** Nodes as a table for spreadsheets: one row for each, a column for each setting. Pure. */
import { Mac, MachineName, NodeSettings } from "#contract/api.ts";
import type { CsvRow } from "./csv.ts";
import { formatInterface, parseInterface } from "./interface_text.ts";
import { UsageError } from "./usage.ts";

interface Column {
  readonly title: string;
  readonly setting: keyof NodeSettings;
  /** Several values in one cell, with blanks between them. */
  readonly isList?: boolean;
  readonly parse?: (text: string) => unknown;
  readonly format?: (value: never) => string;
}

/** Without settings that hold more than a cell can say: data disks, disks to leave alone, limits, schedules. */
const COLUMNS: readonly Column[] = [
  { title: "mac", setting: "mac" },
  { title: "hostname", setting: "hostname" },
  { title: "group", setting: "group" },
  { title: "rack", setting: "rack" },
  { title: "address", setting: "address" },
  { title: "gateway", setting: "gateway" },
  { title: "dns", setting: "dns", isList: true },
  {
    title: "interfaces",
    setting: "interfaces",
    isList: true,
    parse: parseInterface,
    format: formatInterface,
  },
  { title: "identity", setting: "identity" },
  { title: "disks", setting: "disks", isList: true },
  { title: "unlock", setting: "unlock" },
  { title: "boot-program", setting: "bootProgram" },
];
const NAME = "name";

interface Named {
  readonly name: string;
  readonly settings: NodeSettings;
}

interface NodeRow {
  readonly line: number;
  readonly node: string;
  readonly settings: NodeSettings;
}

/** With the titles first. */
export function tableOfNodes(nodes: readonly Named[]): string[][] {
  const rows = nodes.map((
    { name, settings },
  ) => [name, ...COLUMNS.map((column) => cellOf(column, settings))]);
  return [[NAME, ...COLUMNS.map(({ title }) => title)], ...rows];
}

function cellOf({ setting, isList, format = String }: Column, settings: NodeSettings): string {
  const value = settings[setting];
  if (value === undefined) return "";
  return isList ? (value as never[]).map(format).join(" ") : format(value as never);
}

/**
 * The rows' settings: those that a row has a column for, with an empty cell for none, and the others as they are.
 * Throws UsageError that names every bad row with its line.
 */
export function nodesOfTable(rows: readonly CsvRow[], { known }: { known: readonly Named[] }): NodeRow[] {
  const [head, ...body] = rows;
  const columns = columnsOf(head?.cells ?? []);
  const nodes = new Map(known.map((node) => [node.name.toLowerCase(), node]));
  const problems: string[] = [], found: NodeRow[] = [];
  for (const row of body) {
    try {
      found.push(nodeOf(row, { columns, nodes }));
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      problems.push(`line ${row.line}: ${error.message}`);
    }
  }
  problems.push(...repeated(found));
  if (body.length === 0) problems.push("it has no row below the titles.");
  if (problems.length === 0) return found;
  const more = problems.length - 20;
  throw new UsageError([...problems.slice(0, 20), ...more > 0 ? [`and ${more} more.`] : []].join("\n  "));
}

function columnsOf(titles: readonly string[]): (Column | typeof NAME)[] {
  const list = [NAME, ...COLUMNS.map(({ title }) => title)].join(", ");
  const columns = titles.map((text): Column | typeof NAME => {
    const title = text.trim().toLowerCase();
    const column = title === NAME ? NAME : COLUMNS.find((one) => one.title === title);
    if (column) return column;
    throw new UsageError(`line 1: "${text}" is no column. The first line names them: ${list}.`);
  });
  const twice = columns.find((column, i) => columns.indexOf(column) !== i);
  if (twice) throw new UsageError(`line 1: the column ${twice === NAME ? NAME : twice.title} occurs twice.`);
  if (columns.includes(NAME)) return columns;
  throw new UsageError(`line 1: the column ${NAME} is missing. The first line names the columns: ${list}.`);
}

function nodeOf(
  { line, cells }: CsvRow,
  { columns, nodes }: { columns: readonly (Column | typeof NAME)[]; nodes: ReadonlyMap<string, Named> },
): NodeRow {
  if (cells.length !== columns.length) {
    throw new UsageError(`it has ${cells.length} cells, and the first line names ${columns.length} columns.`);
  }
  const name = cells[columns.indexOf(NAME)]?.trim() ?? "";
  if (!MachineName.safeParse(name).success) throw new UsageError(`"${name}" cannot be a node's name.`);
  const before = nodes.get(name.toLowerCase());
  const settings: Record<string, unknown> = { ...before?.settings };
  columns.forEach((column, i) => {
    if (column === NAME) return;
    const value = valueOf(column, cells[i]?.trim() ?? "");
    if (value === undefined) delete settings[column.setting];
    else settings[column.setting] = value;
  });
  const checked = NodeSettings.safeParse(settings);
  if (checked.success) return { line, node: before?.name ?? name, settings: checked.data };
  const [issue] = checked.error.issues;
  throw new UsageError(`${String(issue?.path[0] ?? "")}: ${issue?.message}.`);
}

function valueOf({ isList, parse = (text: string) => text }: Column, text: string): unknown {
  if (text === "") return undefined;
  return isList ? text.split(/\s+/).map(parse) : parse(text);
}

/** What no two rows may share. */
function repeated(rows: readonly NodeRow[]): string[] {
  const lines = new Map<string, number>();
  return rows.flatMap(({ line, node, settings: { mac, address } }) => {
    const claims = [
      `the name ${node.toLowerCase()}`,
      ...mac === undefined ? [] : [`the MAC address ${Mac.parse(mac)}`],
      ...address?.includes("/") ? [`the address ${address.replace(/\/.*/, "")}`] : [],
    ];
    return claims.flatMap((claim) => {
      const first = lines.get(claim);
      lines.set(claim, first ?? line);
      return first === undefined ? [] : [`line ${line}: ${claim} stands in line ${first} already.`];
    });
  });
}
