/** `rackseed image store …` */
import type { PackStoreView } from "#contract/api/pack_store.ts";
import { RackseedError } from "#contract/errors.ts";
import { formatBytes, formatCount } from "../words/figures.ts";
import { connect, type ConnectionOptions } from "./connection.ts";
import { print, printFields, printJson, remark } from "./terminal.ts";

interface StoreOptions extends ConnectionOptions {
  readonly json?: boolean | undefined;
  readonly signal: AbortSignal;
}

const POLL_MS = 1000;

export async function showStore({ json, signal, ...options }: StoreOptions): Promise<void> {
  using client = await connect(options, signal);
  show(await client.call("GET /pack-store", { signal }), json);
}

export async function moveStore(
  home: "bucket" | "local",
  { json, signal, wait = false, ...options }: StoreOptions & { wait?: boolean | undefined },
): Promise<void> {
  using client = await connect(options, signal);
  let view = await client.call("POST /pack-store", { body: { home }, signal });
  let seen = "";
  while (wait && view.kind === "s3" && !view.isSettled) {
    if (view.problem !== undefined && view.problem !== seen) remark(seen = view.problem);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    signal.throwIfAborted();
    view = await client.call("GET /pack-store", { signal });
  }
  if (wait && view.kind === "s3" && view.lost.length > 0) {
    throw new RackseedError("cannot move all images", {
      reason: `${view.url} no longer has ${view.lost[0]}.`,
      remedy: "put the object back, or delete the versions that need it.",
    });
  }
  show(view, json);
}

function show(view: PackStoreView, json: boolean | undefined): void {
  if (json) return printJson(view);
  if (view.kind === "local") return print("All images are on the local disk of the server.");
  const { url, home, objects, objectBytes, localBytes, cacheBytes, waiting, waitingBytes } = view;
  printFields({
    "Bucket": url,
    "Images belong": home === "bucket" ? "in the bucket" : "on the local disk",
    "In the bucket": `${formatCount(objects)} objects, ${formatBytes(objectBytes)}`,
    "On the local disk": cacheBytes === undefined
      ? formatBytes(localBytes)
      : `${formatBytes(localBytes)}, packs limited to ${formatBytes(cacheBytes)}`,
    "To be uploaded": home === "bucket" && waiting > 0
      ? `${formatCount(waiting)} files, ${formatBytes(waitingBytes)}`
      : undefined,
    "Problem": view.problem,
  });
  for (const { key, reason } of view.refused) print(`not removed: ${key}: ${reason}`);
  for (const key of view.lost) print(`lost: ${key}`);
}
