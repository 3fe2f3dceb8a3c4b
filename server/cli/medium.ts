/** `rackseed medium …` */
import { type MediumNodeEntry, MediumRequest } from "#contract/api/media.ts";
import type { ApiClient } from "#contract/client.ts";
import { messageOf, RackseedError } from "#contract/errors.ts";
import { MediumId } from "#contract/api/fields.ts";
import { MediumReport } from "#contract/format/medium.ts";
import { formatBytes, formatTime } from "../words/figures.ts";
import { type CsvRow, parseCsv } from "../words/csv.ts";
import { nodesOfTable } from "../words/node_table.ts";
import { checked, UsageError } from "../words/usage.ts";
import { connect, type ConnectionOptions } from "./connection.ts";
import { openOutput } from "./medium_output.ts";
import { print, printJson, printTable, ProgressLine, remark } from "./terminal.ts";

interface MediumOptions extends ConnectionOptions {
  readonly json?: boolean | undefined;
  readonly signal: AbortSignal;
}

export async function writeMedium(
  {
    output: path,
    virtual = false,
    image,
    packs,
    nodes,
    unattended = false,
    hours,
    address,
    gateway,
    dns,
    vlan,
    json,
    ...options
  }:
    & MediumOptions
    & {
      readonly output?: string | undefined;
      /** Nothing is written. */
      readonly virtual?: boolean | undefined;
      readonly image?: string | undefined;
      readonly packs?: string | undefined;
      readonly nodes?: string | undefined;
      readonly unattended?: boolean | undefined;
      readonly hours?: number | undefined;
      readonly address?: string | undefined;
      readonly gateway?: string | undefined;
      readonly dns?: string[] | undefined;
      readonly vlan?: number | undefined;
      readonly claimDevice: (path: string) => Promise<void>;
    },
): Promise<void> {
  const { signal, claimDevice } = options;
  if ((path === undefined) !== virtual) {
    throw new UsageError("say where to write it: -o FILE, or --virtual. See `rackseed medium --help`.");
  }
  const ref = packs ?? image;
  if (ref === undefined || packs !== undefined && image !== undefined) {
    throw new UsageError("name the version: --image IMAGE for a network, or --packs IMAGE to carry it.");
  }
  if (address === undefined && (gateway !== undefined || dns !== undefined)) {
    throw new UsageError("--gateway and --dns belong to --address.");
  }
  const body = checked(MediumRequest, {
    name: "medium",
    value: {
      image: ref,
      packs: packs !== undefined,
      unattended,
      ...(nodes !== undefined && { nodes: nodesIn(await textOf(nodes)) }),
      ...(hours !== undefined && { hours }),
      ...((address ?? vlan) !== undefined && { network: { address, gateway, dns, vlan } }),
    },
  });
  // before the server makes anything
  await using output = path === undefined ? undefined : await openOutput(path, { claimDevice });
  using client = await connect(options, signal);
  const { medium, code, sizeBytes } = await client.call("POST /media", { body, signal });
  if (output !== undefined) await fetchImage(client, { medium: medium.id, sizeBytes, output, signal });
  if (json) return printJson({ medium, code, ...(path !== undefined && { output: path }), sizeBytes });
  print(code);
  const { id, kind, version, expires } = medium;
  remark(
    `${path ?? "this"} is the medium ${id} for ${medium.image}@${version}, ${formatBytes(sizeBytes)}`,
  );
  if (path === undefined) remark(`Insert it within the hour: rackseed node power cycle NODE --medium ${id}`);
  remark(
    unattended
      ? "It carries its code: anyone who has the medium can read what is on it."
      : "Machines ask for this code. It is not shown again, and must not lie with the medium.",
  );
  if (kind === "network" && expires !== undefined) {
    remark(`Machines may enrol by it until ${formatTime(expires)}.`);
  }
}

async function fetchImage(
  client: ApiClient,
  { medium, sizeBytes, output, signal }: {
    medium: string;
    sizeBytes: number;
    output: Awaited<ReturnType<typeof openOutput>>;
    signal: AbortSignal;
  },
): Promise<void> {
  try {
    output.refuseTooSmall(sizeBytes);
    const response = await client.send("GET", `/media/${medium}/image`, { signal });
    using line = new ProgressLine();
    let written = 0;
    for await (const chunk of response.body ?? []) {
      await output.write(chunk);
      written += chunk.length;
      line.show(`${formatBytes(written)} of ${formatBytes(sizeBytes)}`);
    }
    if (written !== sizeBytes) throw new Error(`the server sent ${written} of ${sizeBytes} bytes`);
    await output.finish();
    line.clear();
  } catch (error) {
    await client.send("DELETE", `/media/${medium}`).catch(() => {});
    throw error;
  }
}

export async function listMedia({ json, signal, ...options }: MediumOptions): Promise<void> {
  using client = await connect(options, signal);
  const media = await client.call("GET /media", { signal });
  if (json) return printJson(media);
  if (media.length === 0) return print("no media; see `rackseed medium --help`");
  printTable(
    ["id", "image", "kind", "by", "made", "expires", "last used"],
    media.map(({ id, image, version, kind, by, created, expires, lastUsed }) => [
      id,
      `${image}@${version}`,
      kind,
      by,
      formatTime(created),
      kind === "network" && expires !== undefined ? formatTime(expires) : "",
      lastUsed === undefined ? "" : formatTime(lastUsed),
    ]),
  );
}

export async function revokeMedium(key: string, { signal, ...options }: MediumOptions): Promise<void> {
  const medium = checked(MediumId, { name: "ID", value: key });
  using client = await connect(options, signal);
  await client.call("DELETE /media/:medium", { medium, signal });
  print(`revoked the medium ${medium}`);
}

export async function adoptMachines(
  files: readonly string[],
  { json, signal, ...options }: MediumOptions,
): Promise<void> {
  const reports = await Promise.all(files.map(async (file) => reportIn(file, await textOf(file))));
  using client = await connect(options, signal);
  const nodes = [];
  for (const body of reports) {
    const node = await client.call("POST /media/reports", { body, signal });
    nodes.push(node);
    if (!json) print(`adopted ${node.name}, installed with ${body.image} by the medium ${body.medium}`);
  }
  if (json) printJson(nodes);
}

function reportIn(file: string, text: string): MediumReport {
  try {
    return MediumReport.parse(JSON.parse(text));
  } catch (cause) {
    throw new RackseedError(`cannot adopt a machine by ${file}`, {
      reason: "it is not the report of a machine that a medium installed.",
      remedy: "copy /var/lib/rackseed/medium.json of the machine.",
      cause,
    });
  }
}

const SERIAL = "serial";

/** The columns of node tables, and one for the serial number. Throws UsageError that names the line. */
function nodesIn(text: string): MediumNodeEntry[] {
  const rows = parseCsv(text), [head] = rows;
  const at = head?.cells.findIndex((title) => title.trim().toLowerCase() === SERIAL) ?? -1;
  const without = ({ line, cells }: CsvRow) => ({ line, cells: cells.filter((_, i) => i !== at) });
  const serials = new Map(rows.map(({ line, cells }) => [line, at < 0 ? "" : cells[at]?.trim() ?? ""]));
  return nodesOfTable(rows.map(without), { known: [] }).map(({ line, node, settings }) => {
    const serial = serials.get(line) ?? "";
    if (serial === "" && settings.mac === undefined) {
      throw new UsageError(`line ${line}: ${node} has neither a MAC nor a serial number to know it by.`);
    }
    return { node, settings, ...(serial !== "" && { serial }) };
  });
}

async function textOf(file: string): Promise<string> {
  try {
    return await Deno.readTextFile(file);
  } catch (error) {
    throw new RackseedError(`cannot read ${file}`, {
      reason: `${messageOf(error)}.`,
      remedy: "check the file's name.",
    });
  }
}
