/** `rackseed node deploy`. */
import { DeployAnswer, DeployRequest, NodeView, type Unlock } from "#contract/api.ts";
import type { SeedPolicy } from "#contract/api/distribution.ts";
import type { Finish } from "#contract/api/restarts.ts";
import type { ApiClient } from "#contract/client.ts";
import type { IdentityMode } from "#contract/identity.ts";
import { connect } from "./connection.ts";
import { namedNodes, type NodeOptions } from "./each_node.ts";
import { describeSlowest } from "./node_progress.ts";
import { waitForNodes } from "./node_wait.ts";
import { askPassphrase, passphraseFromFile } from "./passphrase.ts";
import { showReview } from "./review.ts";
import { print, printJson, remark } from "./terminal.ts";
import { visibleLine } from "./visible_text.ts";
import { checked, UsageError } from "../words/usage.ts";

interface DeployOptions extends NodeOptions {
  readonly image: string;
  readonly seed?: SeedPolicy | undefined;
  readonly identity?: IdentityMode | undefined;
  /** Seconds. */
  readonly askTimeout?: number | undefined;
  /** Seconds. */
  readonly firstBootTimeout?: number | undefined;
  readonly unlock?: Unlock | undefined;
  readonly passphraseFile?: string | undefined;
  readonly power?: boolean | undefined;
  readonly atOnce?: number | undefined;
  /** Seconds. */
  readonly pause?: number | undefined;
  /** Seconds. */
  readonly arriveTimeout?: number | undefined;
  readonly planCheck?: boolean | undefined;
  readonly force?: boolean | undefined;
  readonly now?: boolean | undefined;
  readonly finish?: Finish | undefined;
  readonly review?: boolean | undefined;
  readonly reviewed?: string | undefined;
  readonly wait?: boolean | undefined;
}

export async function deploy(patterns: readonly string[], options: DeployOptions): Promise<void> {
  const { image, seed, identity, unlock, planCheck, force, passphraseFile, wait, json, signal } = options;
  const { now, finish, review, reviewed } = options;
  const { askTimeout: askSeconds, firstBootTimeout: firstBootSeconds } = options;
  const order = checked(DeployRequest, {
    name: "deploy",
    value: {
      nodes: [...patterns],
      image,
      seed,
      firstBootSeconds,
      identity,
      askSeconds,
      unlock,
      planCheck,
      force,
      power: powerTerms(options),
      now,
      finish,
      reviewed,
    },
  });
  using client = await connect(options, signal);
  const nodes = await namedNodes(client, { patterns, signal });
  if (review) {
    return await showReview(client, { body: { ...order, nodes, kind: "deployment" }, json, signal });
  }
  const passphrase = passphraseFile === undefined
    ? await askIfNeeded(client, { nodes, order, signal })
    : await passphraseFromFile(passphraseFile);
  // not checked with the rest: its error would show the passphrase
  const body = { ...order, nodes, passphrase };
  const answer = await client.call("POST /deployments", { body, signal });
  printOrdered(answer, { json, wait, starts: options.power, now, verb: "install" });
  if (!wait) return;
  await waitForNodes(client, { nodes: answer.nodes, quiet: json ?? false, signal });
  const batch = await client.call("GET /deployments/:id", { id: answer.deployment, signal });
  if (json) printJson(batch);
  else if (batch.slowest) print(describeSlowest(batch.slowest));
  if (!json) await remindOfKeys(client, { nodes, signal });
}

function powerTerms({ power, atOnce, pause, arriveTimeout }: DeployOptions): object | undefined {
  if (power) return { atOnce, pauseSeconds: pause, arriveSeconds: arriveTimeout };
  if (atOnce === undefined && pause === undefined && arriveTimeout === undefined) return undefined;
  throw new UsageError("--at-once, --pause and --arrive-timeout need --power.");
}

/** A recovery key that nobody wrote down is of no use on the day when the server is gone. */
async function remindOfKeys(
  client: ApiClient,
  { nodes, signal }: { nodes: readonly string[]; signal: AbortSignal },
): Promise<void> {
  const views = await namedViews(client, { nodes, signal });
  const names = views.filter(({ encryption }) => encryption && !encryption.keyShown).map(({ name }) => name);
  if (names.length > 0) {
    remark(`nobody has seen the recovery key of ${shortList(names)}: rackseed node recovery-key`);
  }
}

async function namedViews(
  client: ApiClient,
  { nodes, signal }: { nodes: readonly string[]; signal: AbortSignal },
): Promise<NodeView[]> {
  const known = await client.call("GET /nodes", { signal });
  return known.filter(({ name, id, settings: { mac } }) =>
    nodes.some((key) => key === name || key === id || key.toLowerCase() === mac)
  );
}

/** A passphrase, from the terminal, if one of the nodes opens its volumes by one and the image has any. */
async function askIfNeeded(
  client: ApiClient,
  { nodes, order: { image, unlock }, signal }: {
    nodes: readonly string[];
    order: DeployRequest;
    signal: AbortSignal;
  },
): Promise<string | undefined> {
  if (unlock !== undefined && unlock !== "passphrase") return undefined;
  const { layout } = await client.call("GET /images/:ref", { ref: image, signal });
  if (!layout?.encrypted?.length) return undefined;
  if (unlock === undefined) {
    const named = await namedViews(client, { nodes, signal });
    if (!named.some(({ settings }) => settings.unlock === "passphrase")) return undefined;
  }
  return await askPassphrase(`the encrypted volumes of ${shortList(nodes)}`);
}

function shortList(names: readonly string[]): string {
  return names.length <= 3 ? names.join(", ") : `${names.length} nodes`;
}

/** Plans that a person still reads. */
const MAX_PLANS = 16;

export function printOrdered(
  answer: DeployAnswer,
  { json, wait, starts, now, verb }: {
    json: boolean | undefined;
    wait: boolean | undefined;
    /** The server starts them. */
    starts?: boolean | undefined;
    /** Their agents restart them. */
    now?: boolean | undefined;
    verb: string;
  },
): void {
  const { image, nodes } = answer;
  if (json) return printJson(answer);
  print(`${image} is ordered for ${nodes.map((n) => n.node).join(", ")}`);
  const planned = nodes.filter(({ plan }) => plan !== undefined);
  for (const { node, plan = "" } of planned.slice(0, MAX_PLANS)) print(`  ${node}: ${visibleLine(plan)}`);
  for (const what of answer.warnings ?? []) remark(`warning: ${visibleLine(what)}`);
  for (const { node, warnings = [] } of nodes) {
    for (const what of warnings) remark(`warning: ${node}: ${what}`);
  }
  if (planned.length > MAX_PLANS) print(`  and ${planned.length - MAX_PLANS} more; see rackseed node plan`);
  if (starts) return print("The server starts them from the network now; see rackseed node list.");
  if (now) return print(`They restart into the installer now, and ${verb}.`);
  // with --wait the nodes do boot from the network, and others may read the log: print no token
  if (wait) return print(`They ${verb} when they boot from the network.`);
  const isAdmin = nodes.every(({ token }) => token !== "");
  if (!isAdmin) return print(`They ${verb} when they boot from the network.`);
  print(
    `They ${verb} when they boot from the network. On a machine that cannot, run rackseed agent install with`,
  );
  for (const { node, token } of nodes) print(`  ${node}  --token ${token}`);
}
