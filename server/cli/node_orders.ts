/** `rackseed node deploy`, `restore`, `cancel` and `delete`. */
import { z } from "zod";
import {
  DeployAnswer,
  DeploymentView,
  DeployRequest,
  NodeView,
  RestoreRequest,
  StepReport,
  type Unlock,
  VersionView,
} from "#contract/api.ts";
import type { ApiClient } from "#contract/client.ts";
import type { SeedPolicy } from "#contract/api/distribution.ts";
import type { IdentityMode } from "#contract/identity.ts";
import { connect } from "./connection.ts";
import { forEachNode, namedNodes, type NodeOptions } from "./each_node.ts";
import { askPassphrase, passphraseFromFile } from "./passphrase.ts";
import { describeSlowest } from "./node_progress.ts";
import { waitForNodes } from "./node_wait.ts";
import { print, printJson } from "./terminal.ts";
import { checked } from "../words/usage.ts";

export async function deploy(
  patterns: readonly string[],
  {
    image,
    seed,
    identity,
    askTimeout,
    firstBootTimeout,
    unlock,
    passphraseFile,
    force,
    wait,
    json,
    signal,
    ...options
  }:
    & NodeOptions
    & {
      unlock?: Unlock | undefined;
      passphraseFile?: string | undefined;
      image: string;
      seed?: SeedPolicy | undefined;
      identity?: IdentityMode | undefined;
      /** Seconds. */
      askTimeout?: number | undefined;
      /** Seconds. */
      firstBootTimeout?: number | undefined;
      force?: boolean | undefined;
      wait?: boolean | undefined;
    },
): Promise<void> {
  const order = checked(DeployRequest, {
    name: "deploy",
    value: {
      nodes: [...patterns],
      image,
      seed,
      firstBootSeconds: firstBootTimeout,
      identity,
      askSeconds: askTimeout,
      unlock,
      force,
    },
  });
  using client = await connect(options, signal);
  const nodes = await namedNodes(client, { patterns, signal });
  const passphrase = passphraseFile === undefined
    ? await askIfNeeded(client, { nodes, order, signal })
    : await passphraseFromFile(passphraseFile);
  // not checked with the rest: its error would show the passphrase
  const body = { ...order, nodes, passphrase };
  const answer = await client.post("/deployments", { body, schema: DeployAnswer, signal });
  printOrdered(answer, { json, wait, verb: "install" });
  if (!wait) return;
  await waitForNodes(client, { nodes: answer.nodes, quiet: json ?? false, signal });
  const batch = await client.get(`/deployments/${answer.deployment}`, DeploymentView, { signal });
  if (json) printJson(batch);
  else if (batch.slowest) print(describeSlowest(batch.slowest));
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
  const { layout } = await client.get(`/images/${encodeURIComponent(image)}`, VersionView, { signal });
  if (!layout?.encrypted?.length) return undefined;
  if (unlock === undefined) {
    const known = await client.get("/nodes", z.array(NodeView), { signal });
    const named = known.filter(({ name, id, settings: { mac } }) =>
      nodes.some((key) => key === name || key === id || key.toLowerCase() === mac)
    );
    if (!named.some(({ settings }) => settings.unlock === "passphrase")) return undefined;
  }
  return await askPassphrase(`the encrypted volumes of ${shortList(nodes)}`);
}

function shortList(names: readonly string[]): string {
  return names.length <= 3 ? names.join(", ") : `${names.length} nodes`;
}

export async function restore(
  patterns: readonly string[],
  { image, version, keep, dryRun, checkContent, passphraseFile, force, wait, json, signal, ...options }:
    & NodeOptions
    & {
      passphraseFile?: string | undefined;
      image?: string | undefined;
      version?: number | undefined;
      keep?: readonly string[] | undefined;
      dryRun?: boolean | undefined;
      checkContent?: boolean | undefined;
      force?: boolean | undefined;
      wait?: boolean | undefined;
    },
): Promise<void> {
  const check = checkContent ? "content" as const : undefined;
  const value = { nodes: [...patterns], image, version, keep, dryRun, check, force };
  const order = checked(RestoreRequest, { name: "restore", value });
  const passphrase = passphraseFile === undefined ? undefined : await passphraseFromFile(passphraseFile);
  using client = await connect(options, signal);
  const body = { ...order, nodes: await namedNodes(client, { patterns, signal }), passphrase };
  const answer = await client.post("/restores", { body, schema: DeployAnswer, signal });
  const verb = dryRun ? "report what would change" : "restore";
  printOrdered(answer, { json, wait, verb });
  if (!wait) return;
  const names = answer.nodes.map(({ node }) => node);
  await waitForNodes(client, { nodes: answer.nodes, quiet: json ?? false, signal });
  const logs = await Promise.all(names.map(async (node) => {
    const path = `/nodes/${encodeURIComponent(node)}/log`;
    return { node, log: await client.get(path, z.array(StepReport), { signal }) };
  }));
  if (json) return printJson(logs);
  for (const { node, log } of logs) {
    // the first plan describes the disk, not the changes
    const changes = log.filter((report) => report.plan && report.step !== "plan");
    for (const { plan = [] } of changes) for (const line of plan) print(`${node}: ${line}`);
  }
}

function printOrdered(
  answer: DeployAnswer,
  { json, wait, verb }: { json: boolean | undefined; wait: boolean | undefined; verb: string },
): void {
  const { image, nodes } = answer;
  if (json) return printJson(answer);
  print(`${image} is ordered for ${nodes.map((n) => n.node).join(", ")}`);
  // with --wait the nodes do boot from the network, and others may read the log: print no token
  if (wait) return print(`They ${verb} when they boot from the network.`);
  print(
    `They ${verb} when they boot from the network. On a machine that cannot, run rackseed agent install with`,
  );
  for (const { node, token } of nodes) print(`  ${node}  --token ${token}`);
}

export async function cancelNodes(
  patterns: readonly string[],
  { signal, ...options }: NodeOptions,
): Promise<void> {
  using client = await connect(options, signal);
  await forEachNode(await namedNodes(client, { patterns, signal }), {
    title: "cannot cancel the orders of all of these nodes",
    signal,
    work: async (key) => {
      const path = `/nodes/${encodeURIComponent(key)}/cancel`;
      const node = await client.post(path, { body: {}, schema: NodeView, signal });
      print(`cancelled; ${node.name} is ${node.state}`);
    },
  });
}

export async function deleteNodes(
  patterns: readonly string[],
  { force, signal, ...options }: NodeOptions & { force?: boolean | undefined },
): Promise<void> {
  using client = await connect(options, signal);
  await forEachNode(await namedNodes(client, { patterns, signal }), {
    title: "cannot delete all of these nodes",
    signal,
    work: async (key) => {
      const query = force ? "?force=true" : "";
      await client.send("DELETE", `/nodes/${encodeURIComponent(key)}${query}`, { signal });
      print(`deleted the node ${key}`);
    },
  });
}
