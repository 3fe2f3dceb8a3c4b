/** `rackseed deployment …` */
import type {
  DeploymentFigures,
  DeploymentProgress,
  DeploymentSummary,
  DeploymentView,
  FailureGroup,
} from "#contract/api.ts";
import type { ApiClient } from "#contract/client.ts";
import { RackseedError } from "#contract/errors.ts";
import { formatRate } from "#contract/rate_text.ts";
import { formatBytes, formatSeconds, formatTime } from "../words/figures.ts";
import { connect, type ConnectionOptions } from "./connection.ts";
import { printOrdered } from "./deploy.ts";
import { namedNodes } from "./each_node.ts";
import { describeSlowest } from "./node_progress.ts";
import { passphraseFromFile } from "./passphrase.ts";
import { print, printFields, printJson, printTable } from "./terminal.ts";
import { visibleLine } from "./visible_text.ts";

interface Options extends ConnectionOptions {
  readonly json?: boolean | undefined;
  readonly signal: AbortSignal;
}
interface SomeNodes extends Options {
  readonly node?: string[] | undefined;
}

const LISTED = 20;
const SOURCES = ["server", "web", "peers", "other"] as const;
const SOURCE_NAMES = {
  server: "the server's seeder",
  web: "HTTP",
  peers: "other nodes",
  other: "unnamed sources",
} as const;

export async function listDeployments(
  { image, limit = LISTED, json, signal, ...options }: Options & {
    image?: string | undefined;
    limit?: number | undefined;
  },
): Promise<void> {
  using client = await connect(options, signal);
  const query = { limit: String(limit), ...(image !== undefined && { image }) } as object;
  const deployments = await client.call("GET /deployments", { query, signal });
  if (json) return printJson(deployments);
  if (deployments.length === 0) return print("no deployments yet; see `rackseed node deploy --help`");
  printTable(
    ["id", "what", "ordered", "by", "state", "done", "failed", "took"],
    deployments.map((deployment) => {
      const { done, failed, all } = countsOf(deployment.nodes);
      return [
        deployment.id,
        `${deployment.kind} ${deployment.image}`,
        formatTime(deployment.created),
        deployment.by ?? "-",
        deployment.paused ? "paused" : deployment.state,
        `${done}/${all}`,
        String(failed),
        tookOf(deployment) ?? "-",
      ];
    }),
  );
}

export async function showDeployment(
  given: string | undefined,
  { json, signal, ...options }: Options,
): Promise<void> {
  using client = await connect(options, signal);
  const id = given ?? await latest(client, signal);
  const [view, progress] = await Promise.all([
    client.call("GET /deployments/:id", { id, signal }),
    client.call("GET /deployments/:id/progress", { id, signal }),
  ]);
  if (json) return printJson({ ...view, progress });
  printView(view, progress);
}

export async function compareDeployments(
  given: string | undefined,
  { with: other, json, signal, ...options }: Options & { with?: string | undefined },
): Promise<void> {
  using client = await connect(options, signal);
  const id = given ?? await latest(client, signal);
  const query = other === undefined ? {} : { with: other };
  const compared = await client.call("GET /deployments/:id/comparison", { id, query, signal });
  if (json) return printJson(compared);
  if (compared.length < 2) print("there is no earlier deployment of this image to compare it with");
  printComparison(compared);
}

export async function cancelDeployment(
  id: string,
  { node, signal, ...options }: SomeNodes,
): Promise<void> {
  using client = await connect(options, signal);
  const body = await someNodes(client, { node, signal });
  const { nodes } = await client.call("POST /deployments/:id/cancel", { id, body, signal });
  print(`cancelled: ${nodes.join(", ")}`);
}

export async function retryDeployment(
  id: string,
  { node, passphraseFile, json, signal, ...options }: SomeNodes & { passphraseFile?: string | undefined },
): Promise<void> {
  const passphrase = passphraseFile === undefined ? undefined : await passphraseFromFile(passphraseFile);
  using client = await connect(options, signal);
  const body = { ...await someNodes(client, { node, signal }), passphrase };
  const answer = await client.call("POST /deployments/:id/retry", { id, body, signal });
  printOrdered(answer, { json, wait: false, verb: "install" });
}

export async function pauseDeployment(
  verb: "pause" | "resume",
  id: string,
  { signal, ...options }: Options,
): Promise<void> {
  using client = await connect(options, signal);
  const { nodes } = await client.call(`POST /deployments/:id/${verb}`, { id, signal });
  const armed = nodes.filter(({ state }) => state === "armed").length;
  const running = nodes.filter(({ state }) => state === "installing").length;
  print(
    verb === "pause"
      ? `paused: ${armed} held, ${running} being installed go on`
      : `resumed: ${armed} install when they boot from the network`,
  );
}

async function someNodes(
  client: ApiClient,
  { node, signal }: { node: string[] | undefined; signal: AbortSignal },
): Promise<{ nodes?: string[] }> {
  return node === undefined ? {} : { nodes: [...await namedNodes(client, { patterns: node, signal })] };
}

/** Id of the newest. Throws RackseedError. */
async function latest(client: ApiClient, signal: AbortSignal): Promise<string> {
  const response = await client.call("GET /deployments", { query: { limit: "1" } as object, signal });
  const [first] = response;
  if (first) return first.id;
  throw new RackseedError("cannot show a deployment", {
    reason: "there is none yet.",
    remedy: "order one: rackseed node deploy NODE --image NAME",
    status: 404,
  });
}

function printView(view: DeploymentView, progress: DeploymentProgress): void {
  const { kind = "deployment", created, by, paused, started, ended, failures = [], slowest } = view;
  const states = Object.fromEntries(
    [...Map.groupBy(view.nodes, ({ state }) => state)].map(([state, nodes]) => [state, nodes.length]),
  );
  const { done, failed, all } = countsOf(states);
  printFields({
    Deployment: view.id,
    What: `${kind} of ${view.image}`,
    Ordered: created && `${formatTime(created)}${by === undefined ? "" : ` by ${by}`}`,
    Nodes: `${done} of ${all} done, ${failed} failed, ${states.installing ?? 0} being installed, ` +
      `${progress.waiting} waiting for their boot`,
    Paused: paused && `since ${formatTime(paused.since)} by ${paused.by}`,
    Took: started && ended && tookOf({ started, ended }),
    "Time left": (states.installing ?? 0) > 0 ? leftOf(progress) : undefined,
    Receiving: ratesOf(progress),
    Received: receivedOf(progress.curve),
  });
  if (slowest) print(describeSlowest(slowest));
  for (const failure of failures) printFailure(failure);
}

function leftOf({ secondsLeft, waiting }: DeploymentProgress): string {
  const left = secondsLeft === undefined ? "unknown yet" : `about ${formatSeconds(secondsLeft)}`;
  return waiting === 0 ? left : `${left}, without the ${waiting} that wait for their boot`;
}

function ratesOf({ rates }: DeploymentProgress): string | undefined {
  const parts = SOURCES.filter((source) => rates[source] > 0)
    .map((source) => `${formatRate(rates[source])} from ${SOURCE_NAMES[source]}`);
  return parts.length === 0 ? undefined : parts.join(", ");
}

function receivedOf(curve: DeploymentProgress["curve"]): string | undefined {
  const parts = SOURCES.filter((source) => (curve[source].at(-1) ?? 0) > 0)
    .map((source) => `${formatBytes(curve[source].at(-1) ?? 0)} from ${SOURCE_NAMES[source]}`);
  return parts.length === 0 ? undefined : parts.join(", ");
}

const NAMES = 12;

function printFailure({ step, title, detail, remedy, nodes }: FailureGroup): void {
  print("");
  print(visibleLine(`${nodes.length} failed${step === undefined ? "" : ` at ${step}`}: ${title}`));
  print(visibleLine(`  cause: ${detail.slice(0, 500)}`));
  print(visibleLine(`  remedy: ${remedy}`));
  const more = nodes.length > NAMES ? ` and ${nodes.length - NAMES} more` : "";
  print(`  nodes: ${nodes.slice(0, NAMES).join(", ")}${more}`);
}

function printComparison(compared: readonly DeploymentFigures[]): void {
  const time = (seconds: number | undefined) => seconds === undefined ? "-" : `${seconds.toFixed(1)} s`;
  printTable(
    ["id", "ordered", "image", "done", "failed", "half within", "90 % within", "took"],
    compared.map((figures) => [
      figures.id,
      formatTime(figures.created),
      figures.image,
      `${figures.done}/${figures.nodes}`,
      String(figures.failed),
      time(figures.p50Seconds),
      time(figures.p90Seconds),
      figures.wallSeconds === undefined ? "-" : formatSeconds(figures.wallSeconds),
    ]),
  );
  const names = new Set(compared.flatMap(({ steps }) => steps.map(({ step }) => step)));
  if (names.size === 0) return;
  print("");
  printTable(
    ["median of step", ...compared.map(({ id }) => id)],
    [...names].map((name) => [
      name,
      ...compared.map(({ steps }) => time(steps.find(({ step }) => step === name)?.seconds)),
    ]),
  );
}

function countsOf(nodes: DeploymentSummary["nodes"]): { done: number; failed: number; all: number } {
  const count = (...states: (keyof typeof nodes)[]) => states.reduce((sum, s) => sum + (nodes[s] ?? 0), 0);
  return {
    done: count("installed", "running"),
    failed: count("failed", "aborted"),
    all: Object.values(nodes).reduce((sum, n) => sum + n, 0),
  };
}

function tookOf({ started, ended }: Pick<DeploymentSummary, "started" | "ended">): string | undefined {
  if (started === undefined || ended === undefined) return undefined;
  return formatSeconds((Date.parse(ended) - Date.parse(started)) / 1000);
}
