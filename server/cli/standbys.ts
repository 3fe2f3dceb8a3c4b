/** `rackseed server standby …` and `rackseed server take-over` */
import type { StandbyOverview } from "#contract/api/standbys.ts";
import { ApiClient } from "#contract/client.ts";
import { RackseedError } from "#contract/errors.ts";
import { formatCount, formatTime } from "../words/figures.ts";
import { connect, type ConnectionOptions, resolveConnection } from "./connection.ts";
import { print, printJson, printTable, remark } from "./terminal.ts";

interface StandbyOptions extends ConnectionOptions {
  readonly json?: boolean | undefined;
  readonly signal: AbortSignal;
}

/** The standby's server has this long to start, and is asked this often. */
const START_MS = 120_000, ASK_MS = 200;

export async function listStandbys({ json, signal, ...options }: StandbyOptions): Promise<void> {
  using client = await connect(options, signal);
  const overview = await client.call("GET /standbys", { signal });
  if (json) return printJson(overview);
  show(overview);
}

export async function addStandby(
  name: string,
  { json, signal, ...options }: StandbyOptions,
): Promise<void> {
  const { server } = resolveConnection(options);
  using client = await connect(options, signal);
  const answer = await client.call("POST /standbys", { body: { name }, signal });
  if (json) return printJson(answer);
  print("On the other machine, with this server at its own address:");
  print(`  rackseed server join ${server} --token ${answer.token}`);
  remark(`good once, until ${formatTime(answer.expires)}; it opens every secret of the site`);
}

export async function removeStandby(name: string, { signal, ...options }: StandbyOptions): Promise<void> {
  using client = await connect(options, signal);
  await client.call("DELETE /standbys/:standby", { standby: name, signal });
}

/** Returns once this server serves. Throws RackseedError. */
export async function takeOver({ signal, ...options }: StandbyOptions): Promise<void> {
  const { server, token } = resolveConnection(options);
  const beganMs = performance.now();
  {
    using client = await ApiClient.connect({ server, token, signal });
    const { status, body } = await client.send("POST", "/take-over", { signal });
    await body?.cancel();
    if (status !== 202) return print("This server serves already.");
  }
  let problem = "it does not answer";
  while (performance.now() - beganMs < START_MS) {
    await new Promise((resolve) => setTimeout(resolve, ASK_MS));
    signal.throwIfAborted();
    try {
      using client = await ApiClient.connect({ server, token, signal });
      const { role, tookOver } = await client.call("GET /standbys", { signal });
      if (role !== "serves") continue;
      print(`This server serves, after ${((performance.now() - beganMs) / 1000).toFixed(1)} s.`);
      if (tookOver) print(`What ${tookOver.of} did after ${formatTime(tookOver.heard)} is not here.`);
      return;
    } catch (error) {
      if (!(error instanceof RackseedError) || error.status !== 503) throw error;
      problem = error.reason;
    }
  }
  throw new RackseedError("cannot take over", {
    reason: `the server has not started within ${START_MS / 1000} s: ${problem}`,
    remedy: "see its log: journalctl -u rackseed",
  });
}

function show({ role, epoch, standbys, following, tookOver }: StandbyOverview): void {
  if (following) {
    const { server, isConnected, isReady, heard, missingFiles } = following;
    print(`This server is a standby of ${server}: ${isConnected ? "connected" : "not connected"}.`);
    if (heard !== undefined) print(`It last heard of it at ${formatTime(heard)}.`);
    if (missingFiles > 0) print(`${formatCount(missingFiles)} files of images are still to be copied.`);
    if (!isReady) print("It cannot take over yet: no whole copy has arrived.");
    return;
  }
  print(`This server ${role}, in epoch ${epoch}.`);
  if (tookOver) {
    const { standby, of, began, heard } = tookOver;
    print(`${standby} took over from ${of} at ${formatTime(began)}, as of ${formatTime(heard)}.`);
  }
  if (standbys.length === 0) return print("It has no standby.");
  printTable(
    ["STANDBY", "STATE", "BEHIND", "FILES TO COPY", "ADDRESS"],
    standbys.map(({ name, state, behindMs, missingFiles, url }) => [
      name,
      state,
      behindMs === undefined ? "" : `${(behindMs / 1000).toFixed(1)} s`,
      missingFiles === undefined ? "" : formatCount(missingFiles),
      url ?? "",
    ]),
  );
}
