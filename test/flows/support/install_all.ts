/** Nodes as directories: ordered, installed at the same time in the test's own process, and compared. */
import assert from "node:assert/strict";
import { NodeView } from "#contract/api.ts";
import { runInstall } from "../../../agent/install_command.ts";
import type { ServerUnderTest } from "./server_under_test.ts";

export const EIGHT_NODES = ["n1", "n2", "n3", "n4", "n5", "n6", "n7", "n8"];

const silent = {
  line() {},
  progress() {},
  enter: () => new Promise<never>(() => {}),
  ask: () => Promise.resolve({ by: "time" as const }),
};

/** Publishes an image "web" with this content. */
export async function publishContent(test: ServerUnderTest, content: Uint8Array): Promise<void> {
  const root = `${test.folder}/tree`;
  await Deno.mkdir(root, { recursive: true });
  await Deno.writeFile(`${root}/content`, content);
  await test.publish("web", { root });
}

/** Installs all nodes at the same time, and compares what they got with the content. */
export async function installAll(
  test: ServerUnderTest,
  { content, nodes = EIGHT_NODES, during = async () => {} }: {
    content: Uint8Array;
    nodes?: readonly string[];
    during?: () => Promise<void>;
  },
): Promise<void> {
  for (const node of nodes) {
    await Deno.mkdir(`${test.folder}/${node}`);
    await test.client.put(`/nodes/${node}`, { body: { hostname: node }, schema: NodeView });
  }
  const tokens = await test.deploy(nodes, { seed: { mode: "while-needed", seconds: 60 } });
  const { signal } = new AbortController();
  const installations = nodes.map((node, i) =>
    runInstall({
      server: test.server.urls.server,
      token: tokens[i] ?? "",
      target: `${test.folder}/${node}`,
      restore: false,
      signal,
      console: silent,
    })
  );
  await Promise.all([...installations, during()]);
  for (const node of nodes) {
    assert.ok(Buffer.from(content).equals(await Deno.readFile(`${test.folder}/${node}/content`)), node);
  }
}
