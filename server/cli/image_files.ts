/** `rackseed image files`, `rackseed image cat` and `rackseed image diff --text`. */
import { z } from "zod";
import { API } from "#contract/api.ts";
import { FileDetails, FileView, FoundFiles, TextDiff } from "#contract/api/files.ts";
import type { ApiClient } from "#contract/client.ts";
import { messageOf, RackseedError } from "#contract/errors.ts";
import { displayPath, fromJsonPath } from "#contract/format/byte_path.ts";
import { formatBytes, formatCount, formatTime } from "../words/figures.ts";
import { modeText } from "../words/mode_text.ts";
import { UsageError } from "../words/usage.ts";
import { connect } from "./connection.ts";
import { type ImageOptions, refOf, toStandardOutput } from "./images.ts";
import { print, printFields, printJson, printTable, remark } from "./terminal.ts";
import { visible } from "./visible_text.ts";

interface PathOptions extends ImageOptions {
  readonly path: string;
}

type Query = Readonly<Record<string, string>>;

export async function showFiles(
  ref: string,
  { path, find, json, signal, ...options }: PathOptions & { find?: string | undefined },
): Promise<void> {
  using client = await connect(options, signal);
  const image = encodeURIComponent(refOf(ref));
  const get = <T extends z.ZodType>(kind: string, schema: T, query: Query) =>
    client.get(`/images/${image}/${kind}?${new URLSearchParams(query)}`, schema, { signal });
  await atPath(path, async (query) => {
    if (find !== undefined) {
      const answer = await get("find", FoundFiles, { ...query, name: find });
      if (json) return printJson(answer);
      if (answer.found.length === 0) return print("nothing is named so");
      printFiles(answer.found, (file) => `/${displayPath(fromJsonPath(file.path))}`);
      if (answer.isCut) remark(`there are more than ${formatCount(answer.found.length)}: search a folder`);
      return;
    }
    const entry = await get("file", FileDetails, query);
    const isFolder = entry.type === "directory" || entry.leadsTo !== undefined && entry.type === "symlink" &&
        (await get("file", FileDetails, queryOf(entry.leadsTo))).type === "directory";
    if (!isFolder) return json ? printJson(entry) : printEntry(entry);
    const files = await filesOf(client, `/images/${image}/files?${new URLSearchParams(query)}`, signal);
    if (json) return printJson(files);
    if (files.length === 0) return print("the folder is empty");
    printFiles(files, ({ name, type }) => type === "directory" ? `${name}/` : name);
  });
}

export async function readFile(
  ref: string,
  { path, output, signal, ...options }: PathOptions & { output?: string | undefined },
): Promise<void> {
  using client = await connect(options, signal);
  await atPath(path, async (query) => {
    const address = `/images/${encodeURIComponent(refOf(ref))}/content?${new URLSearchParams(query)}`;
    const { body } = await client.send("GET", address, { signal });
    if (!body) throw new Error("the server sent no content");
    if (output !== undefined) await writeTo(output, { body, subject: `${path} of ${ref}`, signal });
    else if (Deno.stdout.isTerminal()) await toTerminal(body);
    else await toStandardOutput(body, signal);
  });
}

export async function diffText(
  from: string,
  to: string,
  { path, json, signal, ...options }: PathOptions,
): Promise<void> {
  using client = await connect(options, signal);
  const [old, now] = [from, to].map((ref) => encodeURIComponent(refOf(ref)));
  await atPath(path, async (query) => {
    const address = `/images/${old}/diff/${now}/text?${new URLSearchParams(query)}`;
    const answer = await client.get(address, TextDiff, { signal });
    if (json) return printJson(answer);
    if (answer.diff === "") return remark("the content is the same");
    print(visible(answer.diff.replace(/\n$/, "")));
  });
}

/** As it is written; if there is no such path, with \xNN as bytes, which is how other names are shown. */
async function atPath(path: string, work: (query: Query) => Promise<void>): Promise<void> {
  const bytes = bytesOf(path);
  try {
    await work({ path });
  } catch (error) {
    if (bytes === undefined || !(error instanceof RackseedError) || error.status !== 404) throw error;
    await work({ path64: Buffer.from(bytes).toString("base64url") });
  }
}

/** Undefined if nothing in it is written as \xNN. */
function bytesOf(path: string): Uint8Array | undefined {
  const parts = path.split(/\\x([0-9a-f]{2})/);
  if (parts.length === 1) return undefined;
  return Buffer.concat(parts.map((part, i) => Buffer.from(part, i % 2 === 1 ? "hex" : "utf8")));
}

function queryOf(path: FileView["path"]): Query {
  return typeof path === "string"
    ? { path }
    : { path64: Buffer.from(path.base64, "base64").toString("base64url") };
}

/** All pages. */
async function filesOf(client: ApiClient, path: string, signal: AbortSignal): Promise<FileView[]> {
  const files: FileView[] = [];
  for (let next: string | undefined = path; next !== undefined;) {
    const response = await client.send("GET", next, { signal });
    files.push(...z.array(FileView).parse(await response.json()));
    next = /<([^>]+)>; rel="next"/.exec(response.headers.get("link") ?? "")?.[1]?.slice(API.length);
  }
  return files;
}

function printFiles(files: readonly FileView[], nameOf: (file: FileView) => string): void {
  printTable(
    ["mode", "owner", "size", "changed", "name"],
    files.map((file) => [
      modeText(file),
      `${file.uid}:${file.gid}`,
      sizeOf(file),
      timeOf(file),
      [nameOf(file), ...file.target === undefined ? [] : [file.type === "link" ? "=" : "→", file.target]]
        .join(" "),
    ]),
  );
}

function printEntry(entry: FileDetails): void {
  const { path, type, target, leadsTo, storedBytes, sizeBytes, attributes, flags } = entry;
  printFields({
    Path: `/${displayPath(fromJsonPath(path))}`,
    Type: type === "link" ? "file, a further name" : type,
    "Other name": type === "link" ? `/${target}` : undefined,
    Target: type === "symlink" ? target : undefined,
    "Leads to": leadsTo === undefined ? undefined : `/${displayPath(fromJsonPath(leadsTo))}`,
    Mode: modeText(entry),
    Owner: `${entry.uid}:${entry.gid}`,
    Size: sizeBytes === undefined ? undefined : `${formatCount(sizeBytes)} bytes`,
    Stored: storedBytes === undefined || storedBytes === sizeBytes
      ? undefined
      : `${formatBytes(storedBytes)}; the rest is holes`,
    Changed: timeOf(entry),
    Flags: flags,
  });
  for (const { name, sizeBytes, value } of attributes ?? []) {
    const text = value === undefined ? `${sizeBytes} bytes` : valueText(Buffer.from(value, "base64"));
    print(`Attribute: ${visible(name)} = ${text}`);
  }
}

/** Labels are text, others bytes. */
function valueText(value: Uint8Array): string {
  const text = Buffer.from(value).toString("latin1").replace(/\0$/, "");
  return /^[\x20-\x7e]+$/.test(text) ? text : `0x${Buffer.from(value).toString("hex")}`;
}

function sizeOf({ sizeBytes, below, device }: FileView): string {
  if (device) return device.join(", ");
  const bytes = below?.fileBytes ?? sizeBytes;
  return bytes === undefined ? "-" : formatBytes(bytes);
}

/** Beyond what a Date holds, the seconds. */
function timeOf({ mtimeSec }: FileView): string {
  const time = new Date(mtimeSec * 1000);
  return Number.isNaN(time.getTime()) ? `${mtimeSec} s` : formatTime(time.toISOString());
}

/** Only text: what is in an image may be made to take over the terminal. */
async function toTerminal(body: ReadableStream<Uint8Array>): Promise<void> {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  const encoder = new TextEncoder(), out = Deno.stdout.writable.getWriter();
  for await (const chunk of body) {
    let text: string;
    try {
      if (chunk.includes(0)) throw new RangeError("a NUL");
      text = decoder.decode(chunk, { stream: true });
    } catch {
      throw new UsageError("will not write binary data to the terminal: give -o FILE, or pipe the output");
    }
    await out.write(encoder.encode(visible(text)));
  }
  out.releaseLock();
}

/** Zeros become holes. */
async function writeTo(
  output: string,
  { body, subject, signal }: { body: ReadableStream<Uint8Array>; subject: string; signal: AbortSignal },
): Promise<void> {
  const scratch = `${output}.part`;
  try {
    let sizeBytes = 0;
    {
      // as private as it may be in the image
      using file = await Deno.open(scratch, { write: true, create: true, truncate: true, mode: 0o600 });
      for await (const chunk of body) {
        signal.throwIfAborted();
        if (isZero(chunk)) await file.seek(chunk.length, Deno.SeekMode.Current);
        else for (let at = 0; at < chunk.length;) at += await file.write(chunk.subarray(at));
        sizeBytes += chunk.length;
      }
      await file.truncate(sizeBytes);
    }
    await Deno.rename(scratch, output);
    remark(`wrote ${output}, ${formatBytes(sizeBytes)}`);
  } catch (error) {
    await Deno.remove(scratch).catch(() => {});
    signal.throwIfAborted();
    throw new RackseedError(`cannot write ${subject} to ${output}`, {
      reason: messageOf(error),
      remedy: "check the folder and its free space, and the server's log.",
      cause: error,
    });
  }
}

const ZEROS = Buffer.alloc(64 << 10);

function isZero(chunk: Uint8Array): boolean {
  for (let at = 0; at < chunk.length; at += ZEROS.length) {
    const part = chunk.subarray(at, at + ZEROS.length);
    if (ZEROS.compare(part, 0, part.length, 0, part.length) !== 0) return false;
  }
  return true;
}
