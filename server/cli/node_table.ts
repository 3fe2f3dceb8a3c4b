/** `rackseed node export` and `rackseed node import`: nodes as a table, in CSV. */
import { messageOf, RackseedError } from "#contract/errors.ts";
import { formatCsv, parseCsv } from "../words/csv.ts";
import { nodesOfTable, tableOfNodes } from "../words/node_table.ts";
import { UsageError } from "../words/usage.ts";
import { connect } from "./connection.ts";
import type { NodeOptions } from "./each_node.ts";
import { nodeNames } from "../words/node_names.ts";
import { print, printJson } from "./terminal.ts";

/** The API's limit. */
const MAX_NODES = 10_000;
const MAX_BYTES = 16 << 20;

/** Writes to standard output, or to a file that must not exist yet. */
export async function exportNodes(
  patterns: readonly string[],
  { output, signal, ...options }: NodeOptions & { output?: string | undefined },
): Promise<void> {
  using client = await connect(options, signal);
  const nodes = await client.call("GET /nodes", { signal });
  const names = patterns.length === 0 ? nodes.map(({ name }) => name) : nodeNames(patterns, { nodes });
  const chosen = names.map((key) => {
    const node = nodes.find(({ name }) => name.toLowerCase() === key.toLowerCase());
    if (node) return node;
    throw new UsageError(`there is no node ${key}. See \`rackseed node list\`.`);
  });
  const bytes = new TextEncoder().encode(formatCsv(tableOfNodes(chosen)));
  if (output === undefined) return await Deno.stdout.writable.getWriter().write(bytes);
  try {
    await Deno.writeFile(output, bytes, { createNew: true });
  } catch (error) {
    throw new RackseedError(`cannot write ${output}`, {
      reason: error instanceof Deno.errors.AlreadyExists
        ? "the file exists already."
        : `${messageOf(error)}.`,
      remedy: "name another file.",
    });
  }
  print(`${chosen.length} nodes are in ${output}`);
}

/** Changes and creates all nodes of the table, or none. */
export async function importNodes(
  file: string,
  { dryRun, json, signal, ...options }: NodeOptions & { dryRun?: boolean | undefined },
): Promise<void> {
  const table = parseCsv(await textOf(file));
  using client = await connect(options, signal);
  const known = await client.call("GET /nodes", { signal });
  const rows = nodesOfTable(table, { known });
  if (rows.length > MAX_NODES) throw new UsageError(`${file} has more than ${MAX_NODES} nodes.`);
  const names = new Set(known.map(({ name }) => name)), created = rows.filter(({ node }) => !names.has(node));
  const counts = `${created.length} new and ${rows.length - created.length} known nodes`;
  if (dryRun) return json ? printJson(rows) : print(`${file} is in order: ${counts}; nothing was changed`);
  const body = rows.map(({ node, settings }) => ({ node, settings }));
  try {
    const views = await client.call("PUT /nodes", { body, signal });
    if (json) return printJson(views);
    print(`imported ${counts}`);
  } catch (error) {
    throw withLine(error, rows);
  }
}

/** The server's refusals name the node. */
function withLine(error: unknown, rows: readonly { line: number; node: string }[]): unknown {
  if (!(error instanceof RackseedError)) return error;
  const row = rows.find(({ node }) => error.title.endsWith(` the node ${node}`));
  if (!row) return error;
  const { status, remedy } = error;
  return new RackseedError(`${error.title} (line ${row.line})`, {
    reason: `${error.reason} Nothing was imported.`,
    remedy,
    status,
  });
}

/** `file`: "-" for standard input. */
async function textOf(file: string): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  try {
    const stream = file === "-" ? Deno.stdin.readable : (await Deno.open(file)).readable;
    for await (const part of stream) {
      parts.push(part);
      bytes += part.length;
      if (bytes > MAX_BYTES) throw new UsageError(`${file} is larger than ${MAX_BYTES >> 20} MiB.`);
    }
    return new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(parts));
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const isText = error instanceof TypeError;
    throw new RackseedError(`cannot read ${file}`, {
      reason: isText ? "it is not text in UTF-8." : `${messageOf(error)}.`,
      remedy: isText ? "save it as CSV in UTF-8." : "check the file's name.",
    });
  }
}
