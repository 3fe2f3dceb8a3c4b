import assert from "node:assert/strict";
import type { NodeView } from "#contract/api.ts";
import type { DeskMessage, DeskUser } from "#contract/desk.ts";
import { DeskFeed, type DeskSources } from "./desk_feed.ts";

const ANNA: DeskUser = { name: "anna", role: "operator", groups: ["rack1"] };
const SITE = { version: "1", sizeBytes: 100, freeBytes: 50, packBytes: 10, sentBytes: 0, atMs: 0 };

function node(name: string, more: Partial<NodeView> = {}): NodeView {
  return { id: name, name, settings: {}, state: "idle", armed: false, ...more };
}

function installing(name: string, bytesDone: number): NodeView {
  const progress = { bytesDone, bytesTotal: 100, peers: 2, bytesPerSecond: 5 };
  return node(name, {
    state: "installing",
    report: { step: "install", state: "running", elapsedMs: 1, progress },
  });
}

function open(present: readonly NodeView[]): { feed: DeskFeed; sources: DeskSources; asked: () => number } {
  let asked = 0;
  const sources: DeskSources = {
    nodes: () => {
      asked++;
      return present;
    },
    lists: () => ({ machines: [], templates: [], captures: [], notices: [] }),
    site: () => SITE,
  };
  const feed = new DeskFeed();
  feed.readFrom(sources);
  return { feed, sources, asked: () => asked };
}

/** Reads messages one by one; comments and the retry line are no messages. */
async function* messagesOf(response: Response | undefined): AsyncGenerator<DeskMessage> {
  let text = "";
  for await (
    const chunk of response?.body?.pipeThrough(new TextDecoderStream()) ?? assert.fail("no stream")
  ) {
    text += chunk;
    const parts = text.split("\n\n");
    text = parts.pop() ?? "";
    for (const part of parts) if (part.startsWith("data: ")) yield JSON.parse(part.slice(6));
  }
}

async function next(messages: AsyncGenerator<DeskMessage>): Promise<DeskMessage> {
  return (await messages.next()).value;
}

Deno.test("a desk gets everything first, then only what changed", async () => {
  const { feed } = open([node("n1"), node("m1", { isMachine: true })]);
  using _ = feed;
  const messages = messagesOf(feed.watch(ANNA, { isAllowed: () => true }));
  const first = await next(messages);
  assert.deepEqual(first.nodes, [{ name: "n1", state: "idle" }]);
  assert.deepEqual([first.isWhole, first.user, first.site], [true, ANNA, SITE]);
  feed.note({ type: "node", node: node("n2", { state: "armed", image: "web@1" }) });
  feed.note({ type: "node-removed", name: "n1" });
  assert.deepEqual(await next(messages), {
    nodes: [{ name: "n2", state: "armed", image: "web@1" }],
    removedNodes: ["n1"],
    stale: ["deployments"],
  });
  await messages.return(undefined);
});

Deno.test("progress between two messages is sent once, as it is then", async () => {
  const { feed } = open([installing("n1", 1)]);
  using _ = feed;
  const messages = messagesOf(feed.watch(ANNA, { isAllowed: () => true }));
  await next(messages);
  let made = 0;
  for (let done = 2; done <= 90; done++) {
    feed.advance("n1", () => {
      made++;
      return installing("n1", done);
    });
    feed.advance("gone", () => undefined);
  }
  const { nodes, ...rest } = await next(messages);
  assert.deepEqual(nodes?.map(({ progress }) => progress?.bytesDone), [90]);
  assert.equal(made, 1);
  assert.deepEqual(rest, {});
  await messages.return(undefined);
});

Deno.test("a message carries every change, and the progress of a bounded number of nodes; the others follow", async () => {
  const names = Array.from({ length: 450 }, (_, i) => `n${i}`);
  const { feed } = open(names.map((name) => installing(name, 1)));
  using _ = feed;
  const messages = messagesOf(feed.watch(ANNA, { isAllowed: () => true }));
  await next(messages);
  for (const name of names) feed.advance(name, () => installing(name, 2));
  feed.note({ type: "node", node: node("n449", { state: "failed" }) });
  const seen = [];
  for (const most of [201, 200, 49]) {
    const { nodes = [] } = await next(messages);
    assert.equal(nodes.length, most);
    seen.push(...nodes);
  }
  assert.equal(seen.find(({ name }) => name === "n449"), seen[0], "what failed comes first, and once");
  assert.equal(new Set(seen.map(({ name }) => name)).size, 450);
  await messages.return(undefined);
});

Deno.test("a node that is removed and comes again is not removed", async () => {
  const { feed } = open([node("n1")]);
  using _ = feed;
  const messages = messagesOf(feed.watch(ANNA, { isAllowed: () => true }));
  await next(messages);
  feed.note({ type: "node-removed", name: "n1" });
  feed.note({ type: "node", node: node("n1", { state: "armed" }) });
  const { nodes, removedNodes } = await next(messages);
  assert.deepEqual(nodes, [{ name: "n1", state: "armed" }]);
  assert.equal(removedNodes, undefined);
  await messages.return(undefined);
});

Deno.test("a later desk gets what changed since the first one opened, without asking for all nodes again", async () => {
  const { feed, asked } = open([node("n1")]);
  using _ = feed;
  const early = messagesOf(feed.watch(ANNA, { isAllowed: () => true }));
  await next(early);
  feed.note({ type: "node", node: node("n1", { state: "failed" }) });
  const late = messagesOf(feed.watch(ANNA, { isAllowed: () => true }));
  assert.deepEqual((await next(late)).nodes, [{ name: "n1", state: "failed" }]);
  assert.equal(asked(), 1);
  for (const messages of [early, late]) await messages.return(undefined);
});

Deno.test("what is stale is told once a message", async () => {
  const { feed } = open([]);
  using _ = feed;
  const messages = messagesOf(feed.watch(ANNA, { isAllowed: () => true }));
  await next(messages);
  feed.noteStale("audit", "schedules");
  feed.note({ type: "images" });
  feed.noteStale("audit");
  assert.deepEqual(await next(messages), { stale: ["audit", "schedules", "images"] });
  await messages.return(undefined);
});

Deno.test("nothing is kept while no desk is open", async () => {
  const { feed, asked } = open([node("n1")]);
  using _ = feed;
  const messages = messagesOf(feed.watch(ANNA, { isAllowed: () => true }));
  await next(messages);
  await messages.return(undefined);
  feed.note({ type: "node", node: node("n1", { state: "armed" }) });
  await new Promise((resolve) => setTimeout(resolve, 400));
  feed.note({ type: "node", node: node("n1", { state: "running" }) });
  const again = messagesOf(feed.watch(ANNA, { isAllowed: () => true }));
  await next(again);
  assert.equal(asked(), 2);
  await again.return(undefined);
});
