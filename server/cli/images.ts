/** `rackseed image …` */
import { ImageRef, VerifyEvent } from "#contract/api.ts";
import type { CaptureProgress } from "#contract/api.ts";
import type { ApiClient } from "#contract/client.ts";
import { messageOf, RackseedError } from "#contract/errors.ts";
import { ImageName } from "#contract/format/manifest.ts";
import { ImageSettings } from "#contract/api/restore.ts";
import { cancelledOnAbort, printPublished, waitForCapture } from "./capture.ts";
import { connect, type ConnectionOptions } from "./connection.ts";
import { linesOf } from "./events.ts";
import { formatBytes, formatCount, formatTime, percent } from "../words/figures.ts";
import { print, printFields, printJson, printTable, ProgressLine, remark } from "./terminal.ts";
import { architectureText } from "../words/machine_text.ts";
import { verdictText } from "../words/rehearsal_text.ts";
import { visibleLine } from "./visible_text.ts";
import { describeLayout } from "../words/layout_text.ts";
import { checked, UsageError } from "../words/usage.ts";

export interface ImageOptions extends ConnectionOptions {
  readonly json?: boolean | undefined;
  readonly signal: AbortSignal;
}

/** Sends a directory or a tar as the content of a capture: the agent's part, passed in by main.ts. */
/** What `image import` reads. */
type ImportKind = "directory" | "tar" | "disk" | "container";

export type SendTree = (path: string, options: {
  readonly client: ApiClient;
  readonly capture: string;
  readonly excludes: readonly string[];
  /** Absent: what the file looks like. */
  readonly kind?: ImportKind | undefined;
  readonly firmware?: "bios" | "uefi" | undefined;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: CaptureProgress) => void;
}) => Promise<unknown>;

export async function listImages({ json, signal, ...options }: ImageOptions): Promise<void> {
  using client = await connect(options, signal);
  const images = await client.call("GET /images", { signal });
  for (const { subject, problem, remedy } of await client.call("GET /notices", { signal })) {
    remark(`warning: ${subject}: ${problem}\n  Remedy: ${remedy}`);
  }
  if (json) return printJson(images);
  if (images.length === 0) {
    return print("no images yet; to capture one: rackseed capture TEMPLATE --image NAME");
  }
  printTable(
    [
      "image",
      "tags",
      "captured",
      "files",
      "content",
      "stored",
      "own",
      "machines",
      "boots nodes",
      "rehearsal",
      "backup of",
      "note",
    ],
    images.map((
      { image, version, created, totals, architecture, bootable, rehearsal, backupOf, tags, note, stored },
    ) => [
      `${image}@${version}`,
      tags.join(" ") || "-",
      formatTime(created),
      formatCount(totals.files),
      formatBytes(totals.fileBytes),
      formatBytes(stored.own + stored.shared),
      formatBytes(stored.own),
      architectureText(architecture) ?? "-",
      bootable ? "yes" : "no",
      rehearsal?.state ?? "-",
      backupOf ?? "-",
      visibleLine(note ?? "-"),
    ]),
  );
}

/** Changes the settings of all versions of an image, or shows them if none is given; "none" clears a setting. */
export async function setImage(
  name: string,
  { keep, own, driftThreshold, rehearsal, json, signal, ...options }: ImageOptions & {
    keep?: readonly string[] | undefined;
    own?: readonly string[] | undefined;
    driftThreshold?: number | undefined;
    /** "default": as without the setting. */
    rehearsal?: NonNullable<ImageSettings["rehearsal"]> | "default" | undefined;
  },
): Promise<void> {
  using client = await connect(options, signal);
  const image = checked(ImageName, { name: "image", value: name });
  let settings = await client.call("GET /images/:name/settings", { name: image, signal });
  if ([keep, own, driftThreshold, rehearsal].some((given) => given !== undefined)) {
    const threshold = driftThreshold === undefined ? {} : { driftThreshold };
    const value = {
      ...settings,
      ...paths("keep", keep),
      ...paths("own", own),
      ...threshold,
      ...rule(rehearsal),
    };
    const body = checked(ImageSettings, { name: "settings", value });
    settings = await client.call("PUT /images/:name/settings", { name: image, body, signal });
  }
  if (json) return printJson(settings);
  printFields({
    Image: name,
    "Kept in restores": settings.keep?.join(" ") || "nothing in particular",
    "Drifted from": `${(settings.driftThreshold ?? 0) + 1} differences on`,
    "Each node's own": settings.own?.join(" ") || "only what `rackseed image identity` lists",
    "Not rehearsed": UNPROVED[settings.rehearsal ?? "default"],
  });
}

const UNPROVED = {
  require: "not deployed",
  warn: "deployed with a warning",
  off: "deployed without a warning",
  default: "deployed, with a warning once a version was rehearsed",
};

function rule(given: ImageSettings["rehearsal"] | "default"): { rehearsal?: ImageSettings["rehearsal"] } {
  if (given === undefined) return {};
  return { rehearsal: given === "default" ? undefined : given };
}

function paths(name: "keep" | "own", given: readonly string[] | undefined): ImageSettings {
  return given === undefined ? {} : { [name]: given.filter((one) => one !== "none") };
}

export async function showImage(ref: string, { json, signal, ...options }: ImageOptions): Promise<void> {
  using client = await connect(options, signal);
  const version = await client.call("GET /images/:ref", { ref: refOf(ref), signal });
  if (json) return printJson(version);
  const uses = await client.call("GET /images/:ref/uses", {
    ref: `${version.image}@${version.version}`,
    signal,
  });
  const { totals, source, layout, stored } = version;
  printFields({
    Image: `${version.image}@${version.version}`,
    Tags: version.tags.join(" ") || undefined,
    Note: version.note,
    Id: version.id,
    Captured: formatTime(version.created),
    "Backup of": version.backupOf,
    From: source && `${source.hostname}, ${source.description}, ${source.firmware.toUpperCase()}`,
    Kernel: source?.kernel,
    Machines: architectureText(version.architecture),
    Entries: formatCount(totals.entries),
    Files: `${formatCount(totals.files)}, ${formatBytes(totals.fileBytes)}`,
    Stored: `${formatBytes(totals.extentBytes)} of file data, ${
      formatBytes(totals.sealedBytes)
    } compressed and sealed`,
    "On the disk": `${formatBytes(stored.own + stored.shared)}, ${
      formatBytes(stored.own)
    } of it for this version only`,
    "Armed with it": shortList(uses.ordered),
    "Installed on": shortList(uses.installed),
    "Restored at every boot of": shortList(uses.everyBoot),
    "Named by schedules": shortList(uses.schedules),
    "Boots nodes": version.bootable ? "yes" : "no",
    Rehearsal: version.rehearsal && verdictText(version.rehearsal),
    "Info hash": version.infoHash,
    "Left out": version.excludes.join(" ") || undefined,
  });
  for (const line of layout ? describeLayout(layout) : []) print(visibleLine(line));
  for (const note of [...version.notes, ...version.bootNotes]) print(`Note: ${note}`);
}

/** At most a few of the names; undefined if there are none. */
function shortList(names: readonly string[]): string | undefined {
  if (names.length === 0) return undefined;
  const more = names.length > 8 ? ` and ${formatCount(names.length - 8)} more` : "";
  return `${names.slice(0, 8).join(", ")}${more}`;
}

export async function deleteImage(
  ref: string,
  { force = false, signal, ...options }: ImageOptions & { force?: boolean | undefined },
): Promise<void> {
  using client = await connect(options, signal);
  const query = force ? { force: "true" as const } : {};
  await client.call("DELETE /images/:ref", { ref: refOf(ref), query, signal });
  print(`deleted ${ref}`);
}

/** Throws RackseedError if anything is damaged. */
export async function verifyImage(ref: string, { json, signal, ...options }: ImageOptions): Promise<void> {
  using client = await connect(options, signal);
  using line = new ProgressLine();
  const response = await client.send("POST", `/images/${encodeURIComponent(refOf(ref))}/verify`, { signal });
  const damages: string[] = [];
  let done: Extract<VerifyEvent, { type: "done" }> | undefined;
  for await (const text of linesOf(response, signal)) {
    const event = VerifyEvent.parse(JSON.parse(text));
    if (event.type === "progress") {
      line.show(`${percent(event.bytesDone, event.bytesTotal)} %, ${formatBytes(event.bytesDone)} read`);
    } else if (event.type === "damage") {
      damages.push(event.what);
      if (!json) line.note(`damaged: ${event.what}`);
    } else done = event;
  }
  line.clear();
  if (json) printJson({ image: ref, ...done, damages });
  if (!done || done.damaged > 0) {
    throw new RackseedError(`${ref} is damaged`, {
      reason: done ? `${done.damaged} parts are damaged.` : "the server stopped before the end.",
      remedy: done
        ? "check the server's disk, then capture again: damaged data is sent again."
        : "check the server's log, then verify again.",
    });
  }
  if (!json) print(`${ref} is sound: ${formatCount(done.extents)} extents, ${formatBytes(done.bytes)}`);
}

export async function exportImage(
  ref: string,
  { output, signal, ...options }: ImageOptions & { output?: string | undefined },
): Promise<void> {
  if (output === undefined && Deno.stdout.isTerminal()) {
    throw new UsageError("will not write a tar to the terminal: give -o FILE, or pipe the output");
  }
  using client = await connect(options, signal);
  const { body } = await client.send("GET", `/images/${encodeURIComponent(refOf(ref))}/export`, { signal });
  if (!body) throw new Error("the server sent no content");
  if (output === undefined) return await toStandardOutput(body, signal);
  const scratch = `${output}.part`;
  try {
    const file = await Deno.open(scratch, { write: true, create: true, truncate: true });
    await body.pipeTo(file.writable, { signal });
    await Deno.rename(scratch, output);
  } catch (error) {
    await Deno.remove(scratch).catch(() => {});
    signal.throwIfAborted();
    throw new RackseedError(`cannot export ${ref} to ${output}`, {
      reason: messageOf(error),
      remedy: "check the folder and its free space, and the server's log.",
      cause: error,
    });
  }
  remark(`wrote ${output}, ${formatBytes((await Deno.stat(output)).size)}`);
}

/** Ends on the signal even if the reader of standard output has stalled. */
export async function toStandardOutput(body: ReadableStream<Uint8Array>, signal: AbortSignal): Promise<void> {
  const { promise: stopped, reject } = Promise.withResolvers<never>();
  const stop = () => reject(signal.reason);
  signal.addEventListener("abort", stop, { once: true });
  try {
    await Promise.race([body.pipeTo(Deno.stdout.writable, { signal }), stopped]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

export async function importImage(
  name: string,
  { path, level, exclude, kind, firmware, sendTree, json, signal, ...options }: ImageOptions & {
    path: string;
    kind?: ImportKind | undefined;
    firmware?: "bios" | "uefi" | undefined;
    level: number;
    exclude: readonly string[];
    sendTree: SendTree;
  },
): Promise<void> {
  const image = checked(ImageName, { name: "NAME", value: name });
  await Deno.stat(path).catch((error) => {
    throw new RackseedError(`cannot import ${path}`, {
      reason: messageOf(error),
      remedy: "name a directory, a tar, a disk image or a container image.",
      cause: error,
    });
  });
  using client = await connect(options, signal);
  const body = { image, level, excludes: [...exclude] };
  const { id } = await client.call("POST /captures", { body, signal });
  const capture = await cancelledOnAbort(client, { capture: id, signal }, async () => {
    await sendAll(id, client);
    return await waitForCapture(client, { id, signal });
  });
  printPublished(capture, { ...(json !== undefined && { json }) });

  async function sendAll(id: string, client: ApiClient): Promise<void> {
    using line = new ProgressLine();
    try {
      await sendTree(path, {
        client,
        capture: id,
        excludes: exclude,
        kind,
        firmware,
        signal,
        onProgress: ({ filesDone, filesTotal, bytesDone, bytesTotal }) =>
          line.show(
            `${percent(bytesDone, bytesTotal)} %, ${formatCount(filesDone)} of ${
              formatCount(filesTotal)
            } files, ` +
              `${formatBytes(bytesDone)} of ${formatBytes(bytesTotal)}`,
          ),
      });
    } catch (error) {
      // cancelled, so that the image can be captured again
      await client.send("DELETE", `/captures/${id}`).catch(() => {});
      throw error;
    }
  }
}

export function refOf(text: string): string {
  return checked(ImageRef, { name: "IMAGE", value: text });
}
