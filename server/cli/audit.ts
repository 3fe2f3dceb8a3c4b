/** `rackseed audit …` */
import { AuditEnd, type AuditEntry, AuditLine } from "#contract/api/audit.ts";
import { AuditChain, type KnownLine } from "#contract/audit_chain.ts";
import { messageOf, RackseedError } from "#contract/errors.ts";
import { describeAction } from "../words/audit_text.ts";
import { formatTime } from "../words/figures.ts";
import { connect, type ConnectionOptions } from "./connection.ts";
import { print, printJson, printTable } from "./terminal.ts";

/** Entries that are asked for in one call. */
const PER_PAGE = 1000;
/** Names that one cell of the table shows. */
const SHOWN_NAMES = 4;

interface AuditOptions extends ConnectionOptions {
  readonly json?: boolean | undefined;
  readonly signal: AbortSignal;
}

interface ShowOptions extends AuditOptions {
  /** ISO 8601. */
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  /** Its code, such as "node.deploy". */
  readonly action?: string | undefined;
  readonly user?: string | undefined;
  readonly node?: string | undefined;
  readonly limit: number;
}

export async function showAudit(
  { since, until, action, user, node, limit, json, signal, ...options }: ShowOptions,
): Promise<void> {
  using client = await connect(options, signal);
  const entries: AuditEntry[] = [];
  let cursor: number | undefined;
  while (entries.length < limit) {
    const query = {
      since,
      until,
      action,
      user,
      node,
      cursor,
      limit: Math.min(PER_PAGE, limit - entries.length),
    };
    const page = await client.call("GET /audit", { query, signal });
    entries.push(...page.entries);
    if (page.next === undefined) break;
    cursor = page.next;
  }
  if (json) return printJson(entries);
  if (entries.length === 0) return print("nothing is recorded of that");
  printTable(["when", "who", "from", "what", "on", "outcome"], entries.map(cellsOf));
}

function cellsOf({ at, who, address, action, nodes, images, subject, outcome }: AuditEntry): string[] {
  // the subject first: behind many nodes it would be cut off
  const on = [...subject === undefined ? [] : [subject], ...nodes, ...images];
  const more = on.length > SHOWN_NAMES ? [`and ${on.length - SHOWN_NAMES} more`] : [];
  return [
    formatTime(at),
    who,
    address,
    describeAction(action),
    [...on.slice(0, SHOWN_NAMES), ...more].join(", ") || "–",
    outcome === undefined
      ? "not known"
      : outcome.result === "done"
      ? "done"
      : `${outcome.result} (${outcome.status})`,
  ];
}

export async function exportAudit(file: string, { signal, ...options }: AuditOptions): Promise<void> {
  using client = await connect(options, signal);
  const { body } = await client.send("GET", "/audit/export", { signal });
  try {
    await Deno.writeFile(file, body ?? new Uint8Array(), { createNew: true, mode: 0o600, signal });
  } catch (error) {
    throw new RackseedError(`cannot write the audit log to ${file}`, {
      reason: `${messageOf(error)}.`,
      remedy: "give the path of a new file on a disk with room.",
    });
  }
  print(`wrote ${file}`);
}

/** Throws RackseedError if anything is wrong, after it was printed. */
export async function verifyAudit(
  { file, expect, json, signal, ...options }: AuditOptions & {
    readonly file?: string | undefined;
    readonly expect?: KnownLine | undefined;
  },
): Promise<void> {
  const { faults, last } = file === undefined
    ? await verifyServer(options, { expect, signal })
    : await verifyLines((await open(file)).readable, expect);
  if (json) printJson({ lines: last.number, last, faults });
  else for (const fault of faults) print(fault);
  if (faults.length === 0) {
    if (!json) {
      print(`${last.number} lines are complete and unchanged; the last is ${last.number}:${last.hash}`);
    }
    return;
  }
  throw new RackseedError("the audit log was tampered with", {
    reason: `${faults.length} ${faults.length === 1 ? "fault was" : "faults were"} found in it.`,
    remedy:
      "compare it with an earlier export or with the server's log, and find out who can write its disk.",
  });
}

async function verifyServer(
  options: ConnectionOptions,
  { expect, signal }: { expect: KnownLine | undefined; signal: AbortSignal },
): Promise<Verdict> {
  using client = await connect(options, signal);
  const { body } = await client.send("GET", "/audit/export", { signal });
  return await verifyLines(body ?? ReadableStream.from([]), expect);
}

interface Verdict {
  readonly faults: readonly string[];
  readonly last: KnownLine;
}

/** Reads an export line by line. */
export async function verifyLines(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  expect: KnownLine | undefined,
): Promise<Verdict> {
  const chain = new AuditChain(expect);
  const faults: string[] = [];
  let rest = "", isComplete = false;
  const take = (line: string) => {
    const value = parsed(line);
    const end = AuditEnd.safeParse(value), entry = AuditLine.safeParse(value);
    const fault = entry.success
      ? chain.add(entry.data)
      : end.success
      ? chain.end(end.data.written)
      : `what follows line ${chain.last.number} is no line of an audit log`;
    isComplete = end.success;
    if (fault !== undefined) faults.push(fault);
  };
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    lines.forEach(take);
  }
  if (rest !== "") take(rest);
  if (!isComplete) faults.push(`the export breaks off after line ${chain.last.number}`);
  return { faults, last: chain.last };
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

async function open(file: string): Promise<Deno.FsFile> {
  try {
    return await Deno.open(file);
  } catch (error) {
    throw new RackseedError(`cannot read ${file}`, {
      reason: `${messageOf(error)}.`,
      remedy: "give a file that `rackseed audit export` wrote.",
    });
  }
}
