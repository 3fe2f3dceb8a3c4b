/** `rackseed image push`, `pull`, `key` and `torrent`. */
import { ImageKey, type TransferView } from "#contract/api/transfers.ts";
import type { ApiClient } from "#contract/client.ts";
import { messageOf, RackseedError } from "#contract/errors.ts";
import { ImageName } from "#contract/format/manifest.ts";
import { RegistryName } from "#contract/registry_reference.ts";
import { formatBytes, percent } from "../words/figures.ts";
import { checked } from "../words/usage.ts";
import { connect } from "./connection.ts";
import { type ImageOptions, refOf } from "./images.ts";
import { print, printJson, ProgressLine, remark } from "./terminal.ts";

const POLL_MS = 500;

interface TransferOptions extends ImageOptions {
  readonly wait: boolean;
}

export async function pushImage(
  ref: string,
  { to, ...options }: TransferOptions & { to: string },
): Promise<void> {
  const body = { to: checked(RegistryName, { name: "--to", value: to }) };
  using client = await connect(options, options.signal);
  await follow(await client.call("POST /images/:ref/push", { ref: refOf(ref), body }), {
    ...options,
    client,
  });
}

export async function pullImage(
  artifact: string,
  { keyFile, ...options }: TransferOptions & { keyFile?: string | undefined },
): Promise<void> {
  const from = checked(RegistryName, { name: "ARTIFACT", value: artifact });
  const body = { from, ...(keyFile !== undefined && { key: await readKey(keyFile) }) };
  using client = await connect(options, options.signal);
  await follow(await client.call("POST /images/pull", { body }), { ...options, client });
}

/** Stopped by the user, it cancels the transfer. Throws RackseedError if that fails. */
async function follow(
  begun: TransferView,
  { client, wait, json, signal }: TransferOptions & { client: ApiClient },
): Promise<void> {
  using line = new ProgressLine();
  let view = begun;
  const { id } = view;
  while (wait && view.state === "running") {
    if (signal.aborted) {
      await client.call("POST /transfers/:id/cancel", { id }).catch((error) =>
        remark(`it was not cancelled: ${messageOf(error)}`)
      );
      signal.throwIfAborted();
    }
    const { bytesDone, bytesTotal, activity } = view;
    const share = bytesTotal > 0 ? `${percent(bytesDone, bytesTotal)} %, ` : "";
    line.show(`${share}${activity}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    view = await client.call("GET /transfers/:id", { id });
  }
  line.clear();
  if (view.problem) throw RackseedError.fromProblem(view.problem);
  if (json) return printJson(view);
  const { kind, image, artifact, bytesDone, bytesSkipped, digest, state } = view;
  if (state === "running") return print(`${kind === "push" ? "pushing to" : "pulling"} ${artifact}: ${id}`);
  const moved = `${formatBytes(bytesDone - bytesSkipped)} sent, ${formatBytes(bytesSkipped)} were there`;
  print(kind === "push" ? `pushed ${image} to ${artifact}` : `pulled ${image} from ${artifact}`);
  print(`${digest}, ${kind === "push" ? moved : moved.replace("sent", "received")}`);
}

export async function writeKey(
  name: string,
  { output, signal, ...options }: ImageOptions & { output: string },
): Promise<void> {
  const image = checked(ImageName, { name: "NAME", value: name });
  using client = await connect(options, signal);
  const key = await client.call("POST /images/:name/key", { name: image, signal });
  const text = `${JSON.stringify(key, undefined, 2)}\n`;
  await write(output, { bytes: new TextEncoder().encode(text), mode: 0o600, createNew: true });
}

export async function writeTorrent(
  ref: string,
  { output, signal, ...options }: ImageOptions & { output: string },
): Promise<void> {
  using client = await connect(options, signal);
  const path = `/images/${encodeURIComponent(refOf(ref))}/torrent`;
  await write(output, { bytes: await (await client.send("GET", path, { signal })).bytes() });
}

async function write(
  path: string,
  { bytes, ...options }: { bytes: Uint8Array } & Deno.WriteFileOptions,
): Promise<void> {
  try {
    await Deno.writeFile(path, bytes, options);
  } catch (error) {
    throw new RackseedError(`cannot write ${path}`, {
      reason: `${messageOf(error)}.`,
      remedy: options.createNew
        ? "name a file that does not exist yet, in a folder that you may write."
        : "name a file in a folder that you may write.",
      cause: error,
    });
  }
  remark(`wrote ${path}`);
}

async function readKey(path: string): Promise<ImageKey> {
  try {
    return ImageKey.parse(JSON.parse(await Deno.readTextFile(path)));
  } catch (error) {
    const isRead = error instanceof Deno.errors.NotFound || error instanceof Deno.errors.PermissionDenied;
    throw new RackseedError(`cannot read the key in ${path}`, {
      // a parser's message could quote it
      reason: isRead ? `${messageOf(error)}.` : "it is not the file that `rackseed image key` writes.",
      remedy: "name the file that the other server wrote: rackseed image key NAME -o FILE",
      status: 400,
    });
  }
}
