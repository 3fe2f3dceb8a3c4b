/** Nodes that are installed into directories, all at the same time. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { NodeView } from "#contract/api.ts";
import { runInstall } from "../../../agent/install_command.ts";
import type { ServerUnderTest } from "./server_under_test.ts";

export const NODES = ["n1", "n2", "n3", "n4", "n5", "n6", "n7", "n8"];
/** Of the image that `publish` makes. */
export const CONTENT = randomBytes(12 << 20);

const silent = {
  line() {},
  progress() {},
  enter: () => new Promise<never>(() => {}),
  ask: () => Promise.resolve({ by: "time" as const }),
};

/** Publishes the image "web", which has one file. */
export async function publish(test: ServerUnderTest, content = CONTENT): Promise<void> {
  const root = `${test.folder}/tree`;
  await Deno.mkdir(root, { recursive: true });
  await Deno.writeFile(`${root}/content`, content);
  await test.publish("web", { root });
}

/** Installs all nodes at the same time, and compares what they got. They are not known to the server before. */
export async function installAll(
  test: ServerUnderTest,
  { nodes = NODES, during = async () => {} }: { nodes?: readonly string[]; during?: () => Promise<void> } =
    {},
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
    assert.ok(CONTENT.equals(await Deno.readFile(`${test.folder}/${node}/content`)), node);
  }
}

/** What the server itself sent, by source, in bytes. */
export async function sentBy(test: ServerUnderTest): Promise<number> {
  const caCerts = [await Deno.readTextFile(`${test.data}/tls/ca.pem`)];
  using client = Deno.createHttpClient({ caCerts });
  const text = await (await fetch(`${test.server.urls.server}/metrics`, { client })).text();
  assert.match(text, /rackseed_image_sent_bytes_total/);
  return [...text.matchAll(/^rackseed_image_sent_bytes_total\{[^}]*\} (\d+)/gm)]
    .reduce((sum, [, bytes]) => sum + Number(bytes), 0);
}
