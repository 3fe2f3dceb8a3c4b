/** `rackseed image rehearse`, `rackseed image rehearsals` and `rackseed image rehearsal`. */
import { type Probe, RehearsalRequest, type RehearsalView } from "#contract/api/rehearsals.ts";
import type { ApiClient } from "#contract/client.ts";
import { messageOf, RackseedError } from "#contract/errors.ts";
import { formatSeconds, formatTime } from "../words/figures.ts";
import { probeText, rehearsalState } from "../words/rehearsal_text.ts";
import { checked, UsageError } from "../words/usage.ts";
import { connect } from "./connection.ts";
import { type ImageOptions, refOf } from "./images.ts";
import { print, printFields, printJson, printTable, ProgressLine, remark } from "./terminal.ts";
import { visibleLine } from "./visible_text.ts";

const POLL_MS = 1000;

interface RehearseOptions extends ImageOptions {
  readonly probe?: readonly Probe[] | undefined;
  /** Bytes. */
  readonly memory?: number | undefined;
  /** Seconds. */
  readonly installTimeout?: number | undefined;
  readonly bootTimeout?: number | undefined;
  readonly emulate?: boolean | undefined;
  readonly wait?: boolean | undefined;
}

/** The node's newest backup, or another one. As `rehearseImage`. */
export async function rehearseBackup(
  key: string,
  { version, ...options }: RehearseOptions & { version?: number | undefined },
): Promise<void> {
  const { signal } = options;
  using client = await connect(options, signal);
  const { name } = await client.call("GET /nodes/:node", { node: key, signal });
  const backups = await client.call("GET /images", { query: { backupOf: name }, signal });
  const newest = Math.max(...backups.map((backup) => backup.version));
  const backup = backups.find((one) => one.version === (version ?? newest));
  if (backup) return await rehearseImage(`${backup.image}@${backup.version}`, options);
  throw new RackseedError(`cannot rehearse the backup of ${name}`, {
    reason: version === undefined ? "it has none." : `it has none with the number ${version}.`,
    remedy: version === undefined
      ? `back it up first: rackseed node backup ${name}`
      : "see which there are: rackseed image list",
    status: 404,
  });
}

/** With `wait`, throws RackseedError unless the version is proved. */
export async function rehearseImage(ref: string, options: RehearseOptions): Promise<void> {
  const { probe, memory, installTimeout, bootTimeout, emulate, wait, json, signal, ...connection } = options;
  const image = refOf(ref);
  const body = checked(RehearsalRequest, {
    name: "rehearse",
    value: {
      probes: probe,
      memoryMiB: memory === undefined ? undefined : Math.round(memory / 2 ** 20),
      installSeconds: installTimeout,
      bootSeconds: bootTimeout,
      emulate,
    },
  });
  using client = await connect(connection, signal);
  const ordered = await client.call("POST /images/:ref/rehearsals", { ref: image, body, signal });
  const { id, image: name, version, ahead = 0 } = ordered;
  if (!wait) {
    if (json) return printJson(ordered);
    print(`${name}@${version} is being rehearsed: ${id}`);
    if (ahead > 0) print(`${ahead} before it`);
    return;
  }
  const ended = await waitFor(client, { id, signal });
  if (json) printJson(ended);
  else printRehearsal(ended);
  refuseUnproved(ended);
}

/** Stopped by the user, it cancels the rehearsal. */
async function waitFor(
  client: ApiClient,
  { id, signal }: { id: string; signal: AbortSignal },
): Promise<RehearsalView> {
  using line = new ProgressLine();
  for (;;) {
    if (signal.aborted) {
      await client.call("POST /rehearsals/:id/cancel", { id }).catch((error) =>
        remark(`it was not cancelled: ${messageOf(error)}`)
      );
      signal.throwIfAborted();
    }
    const view = await client.call("GET /rehearsals/:id", { id });
    if (view.ended !== undefined) return view;
    line.show(`${view.image}@${view.version} ${rehearsalState(view)}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

export async function listRehearsals(
  ref: string | undefined,
  { json, signal, ...options }: ImageOptions,
): Promise<void> {
  using client = await connect(options, signal);
  const list = ref === undefined
    ? await client.call("GET /rehearsals", { signal })
    : await client.call("GET /images/:ref/rehearsals", { ref: refOf(ref), signal });
  if (json) return printJson(list);
  if (list.length === 0) {
    return print("none yet; to rehearse a version: rackseed image rehearse NAME@VERSION");
  }
  printTable(
    ["image", "ordered", "by", "state", "took", "id"],
    list.map((one) => [
      `${one.image}@${one.version}`,
      formatTime(one.ordered),
      one.by,
      one.state,
      tookOf(one) ?? "-",
      one.id,
    ]),
  );
}

interface ShowOptions extends ImageOptions {
  readonly console?: boolean | undefined;
  /** A file to write. */
  readonly screenshot?: string | undefined;
  readonly cancel?: boolean | undefined;
}

export async function showRehearsal(id: string, options: ShowOptions): Promise<void> {
  const { console, screenshot, cancel, json, signal, ...connection } = options;
  if ([console, screenshot, cancel].filter(Boolean).length > 1) {
    throw new UsageError("give one of --console, --screenshot and --cancel.");
  }
  using client = await connect(connection, signal);
  const path = `/rehearsals/${encodeURIComponent(id)}`;
  if (console) {
    return print((await (await client.send("GET", `${path}/console`, { signal })).text()).trimEnd());
  }
  if (screenshot !== undefined) {
    const { body } = await client.send("GET", `${path}/screenshot`, { signal });
    await Deno.writeFile(screenshot, body ?? new Uint8Array());
    return remark(`wrote ${screenshot}`);
  }
  const view = cancel
    ? await client.call("POST /rehearsals/:id/cancel", { id, signal })
    : await client.call("GET /rehearsals/:id", { id, signal });
  if (json) printJson(view);
  else printRehearsal(view);
}

function printRehearsal(view: RehearsalView): void {
  const { image, version, id, by, ordered, firmware, memoryMiB, probes, problem } = view;
  printFields({
    Image: `${image}@${version}`,
    State: rehearsalState(view),
    Took: tookOf(view),
    Ordered: `${formatTime(ordered)} by ${by}`,
    Machine: `${firmware.toUpperCase()}, ${memoryMiB} MiB`,
    Id: id,
  });
  for (const { probe, passed, seen, seconds } of probes) {
    const after = seconds === undefined ? "" : ` (${formatSeconds(seconds)} after power-on)`;
    print(
      `${passed ? "passed" : "open"}: ${visibleLine(probeText(probe))}${
        seen ? `: ${visibleLine(seen)}` : ""
      }${after}`,
    );
  }
  if (problem) print(`${visibleLine(problem.title)}: ${visibleLine(problem.detail)}`);
}

function tookOf({ started, ended }: RehearsalView): string | undefined {
  if (started === undefined || ended === undefined) return undefined;
  return formatSeconds((Date.parse(ended) - Date.parse(started)) / 1000);
}

function refuseUnproved({ id, image, version, state, problem }: RehearsalView): void {
  if (state === "proved") return;
  throw new RackseedError(`${image}@${version} is not proved`, {
    reason: problem?.detail ?? `its rehearsal is ${state}.`,
    remedy: `${problem?.remedy ?? ""} See rackseed image rehearsal ${id} --console`.trim(),
  });
}
