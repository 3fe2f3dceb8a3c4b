/** `rackseed capture`, and waiting for a capture, which `image import` and `node backup` share. */
import { CaptureRequest, CaptureView } from "#contract/api.ts";
import type { ApiClient } from "#contract/client.ts";
import { RackseedError } from "#contract/errors.ts";
import { connect, type ConnectionOptions } from "./connection.ts";
import { serverEvents } from "./events.ts";
import { formatBytes, formatCount, formatSeconds, percent } from "../words/figures.ts";
import { Rate } from "./rate.ts";
import { print, printJson, ProgressLine, remark } from "./terminal.ts";
import { checked } from "../words/usage.ts";

export interface CaptureOptions extends ConnectionOptions {
  readonly image: string;
  readonly level: number;
  readonly exclude: readonly string[];
  readonly force?: boolean | undefined;
  readonly json?: boolean;
}

export async function captureTemplate(
  template: string,
  { signal, ...options }: CaptureOptions & { signal: AbortSignal },
): Promise<void> {
  const request = checked(CaptureRequest, {
    name: "capture",
    value: {
      template,
      image: options.image,
      level: options.level,
      excludes: options.exclude,
      force: options.force,
    },
  });
  using client = await connect(options, signal);
  const known = (await client.call("GET /templates", { signal }))
    .find((t) => t.name === template || t.id === template);
  const started = await client.call("POST /captures", { body: request, signal });
  for (const obstacle of known?.lacks ?? []) remark(`obstacle: ${obstacle}`);
  if (known?.online === false) remark(`${known.name} is offline; waiting for its agent…`);
  const capture = await cancelledOnAbort(
    client,
    { capture: started.id, signal },
    () => waitForCapture(client, { id: started.id, signal }),
  );
  printPublished(capture, options);
}

/** Follows the capture until it is published. Throws RackseedError if it fails. */
export async function waitForCapture(
  client: ApiClient,
  { id, signal }: { id: string; signal: AbortSignal },
): Promise<CaptureView> {
  using line = new ProgressLine();
  const rate = new Rate();
  for await (const event of serverEvents(client, signal)) {
    if (event.type !== "capture" || event.capture.id !== id) continue;
    const { capture } = event;
    switch (capture.state) {
      case "published":
        return capture;
      case "failed":
      case "cancelled":
        throw capture.problem ? RackseedError.fromProblem(capture.problem) : cancelled(capture);
      default:
        line.show(describe(capture, rate));
    }
  }
  throw cancelled({ id });
}

/** Runs `work`; if Ctrl-C ends it, also cancels the capture at the server. */
export async function cancelledOnAbort<T>(
  client: ApiClient,
  { capture, signal }: { capture: string; signal: AbortSignal },
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (signal.aborted) await client.send("DELETE", `/captures/${capture}`).catch(() => {});
    throw error;
  }
}

export function printPublished(capture: CaptureView, { json = false }: { json?: boolean }): void {
  if (json) return printJson(capture);
  const { progress } = capture;
  for (const note of capture.notes) remark(`note: ${note}`);
  const amount = progress
    ? `: ${formatCount(progress.filesDone)} files, ${formatBytes(progress.bytesDone)}, of which ${
      formatBytes(progress.bytesSent)
    } were sent`
    : "";
  print(`published ${capture.image}@${capture.version}${amount}`);
}

function describe({ state, progress, activity }: CaptureView, rate: Rate): string {
  if (state === "publishing") return `publishing${activity ? `: ${activity}` : ""}`;
  if (!progress) return "waiting for the template's agent";
  const { phase, filesDone, filesTotal, bytesDone, bytesTotal, bytesSent } = progress;
  if (phase === "walking") return `counting: ${formatCount(filesTotal)} files, ${formatBytes(bytesTotal)}`;
  rate.add(bytesDone, performance.now());
  const speed = rate.perSecond, left = rate.secondsLeft(bytesTotal);
  return [
    `${percent(bytesDone, bytesTotal)} %`,
    `${formatBytes(bytesDone)} of ${formatBytes(bytesTotal)}`,
    `${formatCount(filesDone)} of ${formatCount(filesTotal)} files`,
    `${formatBytes(bytesSent)} sent`,
    ...(speed === undefined ? [] : [`${formatBytes(speed)}/s`]),
    ...(left === undefined ? [] : [`${formatSeconds(left)} left`]),
    ...(phase === "finishing" ? ["finishing"] : []),
  ].join(", ");
}

function cancelled({ id }: { id: string }): RackseedError {
  return new RackseedError(`capture ${id} was cancelled`, {
    reason: "someone cancelled it.",
    remedy: "capture again; data that was already sent is not sent again.",
  });
}
