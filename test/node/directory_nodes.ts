/** Directories as nodes of a real server, for tests of `agent install --target`. */
import { DeployAnswer, NodeView } from "#contract/api.ts";
import { enrol, verifyOrder } from "../../agent/steps/enrol.ts";
import { ImageFetch } from "../../agent/install/fetch/image_fetch.ts";
import { runInstall } from "../../agent/install_command.ts";
import { directoryInventory } from "../../agent/steps/inventory.ts";
import { Reporter } from "../../agent/steps/reporter.ts";
import { SwarmTerms } from "../../agent/steps/swarm_terms.ts";
import type { Console } from "../../agent/sys/console.ts";
import type { ServerOptions } from "../../server/cli/server_options.ts";
import { ServerUnderTest } from "../flows/support/server_under_test.ts";

export class Lines implements Console {
  readonly lines: string[] = [];
  line(text: string): void {
    this.lines.push(text);
  }
  progress(): void {}
  enter(): Promise<never> {
    return new Promise<never>(() => {});
  }
  ask(): Promise<{ by: "time" }> {
    return Promise.resolve({ by: "time" });
  }
}

export async function setUp(
  nodes: readonly string[],
  fill: (directory: string) => void | Promise<void>,
  settings: Partial<ServerOptions> = {},
) {
  const test = await ServerUnderTest.start({ settings });
  const source = `${test.folder}/source`;
  await Deno.mkdir(source);
  await fill(source);
  await test.publish("tree", { root: source });
  for (const node of nodes) {
    await Deno.mkdir(`${test.folder}/${node}`);
    await test.client.put(`/nodes/${node}`, { body: { hostname: node }, schema: NodeView });
  }
  const answer = await test.client.post("/deployments", {
    body: { nodes, image: "tree" },
    schema: DeployAnswer,
  });
  return { test, source, tokens: answer.nodes };
}

export async function fillSmall(directory: string): Promise<void> {
  for (let i = 0; i < 200; i++) await Deno.writeTextFile(`${directory}/${i}`, `${i}\n`.repeat(i));
}

export function install(
  test: ServerUnderTest,
  { node, token, restore = false }: { node: string; token: string; restore?: boolean },
  lines = new Lines(),
) {
  const { signal } = new AbortController();
  const target = `${test.folder}/${node}`;
  return runInstall({ server: test.server.urls.server, token, target, restore, signal, console: lines });
}

/** Enrols as a node of the server; returns what its steps fetch with. */
export async function fetchingNode(test: ServerUnderTest, token: string) {
  const { signal } = new AbortController();
  const inventory = await directoryInventory();
  const enrolled = verifyOrder(await enrol({ server: test.server.urls.server, token, inventory, signal }));
  const reporter = new Reporter();
  const terms = new SwarmTerms(enrolled.order.swarm);
  await reporter.connect(enrolled.client, terms);
  return { enrolled, reporter, fetch: new ImageFetch({ enrolled, reporter, terms, signal }) };
}

export const stateOf = async (test: ServerUnderTest, node: string) =>
  (await test.client.get(`/nodes/${node}`, NodeView)).state;
