/** `rackseed node restore`, `cancel` and `delete`. */
import { RestoreRequest } from "#contract/api.ts";
import type { Finish } from "#contract/api/restarts.ts";
import { connect } from "./connection.ts";
import { printOrdered } from "./deploy.ts";
import { forEachNode, namedNodes, type NodeOptions } from "./each_node.ts";
import { waitForNodes } from "./node_wait.ts";
import { passphraseFromFile } from "./passphrase.ts";
import { showReview } from "./review.ts";
import { print, printJson, remark } from "./terminal.ts";
import { checked, UsageError } from "../words/usage.ts";

export async function restore(
  patterns: readonly string[],
  {
    image,
    version,
    keep,
    dryRun,
    everyBoot,
    checkContent,
    passphraseFile,
    planCheck,
    force,
    now,
    finish,
    review,
    reviewed,
    wait,
    json,
    signal,
    ...options
  }:
    & NodeOptions
    & {
      passphraseFile?: string | undefined;
      image?: string | undefined;
      version?: number | undefined;
      keep?: readonly string[] | undefined;
      dryRun?: boolean | undefined;
      everyBoot?: boolean | undefined;
      checkContent?: boolean | undefined;
      planCheck?: boolean | undefined;
      force?: boolean | undefined;
      now?: boolean | undefined;
      finish?: Finish | undefined;
      review?: boolean | undefined;
      reviewed?: string | undefined;
      wait?: boolean | undefined;
    },
): Promise<void> {
  if (everyBoot && (wait || dryRun)) {
    throw new UsageError(
      `--every-boot has no end to wait for, and no dry run: leave ${wait ? "--wait" : "--dry-run"} out`,
    );
  }
  const check = checkContent ? "content" as const : undefined;
  const value = {
    nodes: [...patterns],
    image,
    version,
    keep,
    dryRun,
    everyBoot,
    check,
    planCheck,
    force,
    now,
    finish,
    reviewed,
  };
  const order = checked(RestoreRequest, { name: "restore", value });
  using client = await connect(options, signal);
  const nodes = await namedNodes(client, { patterns, signal });
  if (review) return await showReview(client, { body: { ...order, nodes, kind: "restore" }, json, signal });
  const passphrase = passphraseFile === undefined ? undefined : await passphraseFromFile(passphraseFile);
  const body = { ...order, nodes, passphrase };
  const answer = await client.call("POST /restores", { body, signal });
  const verb = dryRun ? "report what would change" : "restore";
  printOrdered(answer, { json, wait, now, verb });
  if (everyBoot && !json) remark("each boot from the network restores them, until: rackseed node cancel");
  if (!wait) return;
  const names = answer.nodes.map(({ node }) => node);
  await waitForNodes(client, { nodes: answer.nodes, quiet: json ?? false, signal });
  const logs = await Promise.all(names.map(async (node) => {
    return { node, log: await client.call("GET /nodes/:node/log", { node, signal }) };
  }));
  if (json) return printJson(logs);
  for (const { node, log } of logs) {
    // the first plan describes the disk, not the changes
    const changes = log.filter((report) => report.plan && report.step !== "plan");
    for (const { plan = [] } of changes) for (const line of plan) print(`${node}: ${line}`);
  }
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
      const node = await client.call("POST /nodes/:node/cancel", { node: key, signal });
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
      await client.call("DELETE /nodes/:node", { node: key, query: force ? { force: "true" } : {}, signal });
      print(`deleted the node ${key}`);
    },
  });
}
