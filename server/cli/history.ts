/** `rackseed node history` and `rackseed node log`. */
import { HistoryEntry, type NodeView } from "#contract/api.ts";
import type { ApiClient } from "#contract/client.ts";
import { formatSeconds, formatTime } from "../words/figures.ts";
import { describeEvent, secondsOf } from "../words/history_text.ts";
import { connect } from "./connection.ts";
import type { NodeOptions } from "./each_node.ts";
import { printReport } from "./nodes.ts";
import { print, printJson, printTable } from "./terminal.ts";
import { visibleLine } from "./visible_text.ts";

const PER_PAGE = 1000;
const SHOWN_DETAILS = 3;
const WAIT_SECONDS = 20;

export async function showHistory(
  key: string,
  { limit, json, signal, ...options }: NodeOptions & { limit: number },
): Promise<void> {
  using client = await connect(options, signal);
  const entries: HistoryEntry[] = [];
  let path: string | undefined = `/nodes/${encodeURIComponent(key)}/history?limit=${
    Math.min(PER_PAGE, limit)
  }`;
  while (path !== undefined && entries.length < limit) {
    const response = await client.send("GET", path, { signal });
    entries.push(...HistoryEntry.array().parse(await response.json()));
    path = /^<\/api\/v1(\S+)>; rel="next"$/.exec(response.headers.get("link") ?? "")?.[1];
  }
  const shown = entries.slice(0, limit);
  if (json) return printJson(shown);
  if (shown.length === 0) return print("nothing was ordered for it, and nothing happened to it yet");
  printTable(["when", "what", "who", "image", "result", "took", "details"], shown.map(cellsOf));
}

function cellsOf(entry: HistoryEntry): string[] {
  const { at, by = "-", image = "-", result, step, problem, details = [] } = entry,
    seconds = secondsOf(entry);
  const more = details.length > SHOWN_DETAILS ? [`and ${details.length - SHOWN_DETAILS} more`] : [];
  const said = problem
    ? [`${problem.title}: ${problem.detail}`]
    : [...details.slice(0, SHOWN_DETAILS), ...more];
  return [
    formatTime(at),
    describeEvent(entry),
    by,
    image,
    step === undefined ? result : `${result} at ${step}`,
    seconds === undefined ? "-" : formatSeconds(seconds),
    visibleLine(said.join("; ")) || "-",
  ];
}

export async function showLog(
  key: string,
  { follow = false, json, signal, ...options }: NodeOptions & { follow?: boolean | undefined },
): Promise<void> {
  using client = await connect(options, signal);
  const node = await client.call("GET /nodes/:node", { node: key, signal });
  const steps = await client.call("GET /nodes/:node/log", { node: key, signal });
  if (json) printJson(steps);
  else {
    if (steps.length === 0) print(`${node.name} has reported no step yet`);
    for (const report of steps) printReport(report);
  }
  if (follow) await followLog(client, { node, json, signal });
}

/** Prints the lines of the log until the node's order has ended and no line is left. */
async function followLog(
  client: ApiClient,
  { node: { id }, json, signal }: { node: NodeView; json: boolean | undefined; signal: AbortSignal },
): Promise<void> {
  let after = 0;
  for (;;) {
    const { armed } = await client.call("GET /nodes/:node", { node: id, signal });
    const waitSeconds = armed ? WAIT_SECONDS : 0;
    const query = { after, waitSeconds };
    const { lines, next } = await client.call("GET /nodes/:node/console", { node: id, query, signal });
    for (const line of lines) {
      print(json ? JSON.stringify(line) : `${line.at.slice(11, 19)} ${visibleLine(line.text)}`);
    }
    after = next;
    if (!armed && lines.length === 0) return;
  }
}
