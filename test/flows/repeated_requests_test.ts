/** What makes the API safe to repeat: idempotency keys of orders, pages of lists, and tags of settings. */
import assert from "node:assert/strict";
import { AuditPage } from "#contract/api/audit.ts";
import { API, NodeView } from "#contract/api.ts";
import { ApiClient } from "#contract/client.ts";
import { ServerUnderTest } from "./support/server_under_test.ts";
import { makeSmallTree } from "./support/small_tree.ts";

interface Asked {
  readonly json?: unknown;
  readonly headers?: Record<string, string>;
}

class Caller implements Disposable {
  readonly #client: Deno.HttpClient;
  readonly #test: ServerUnderTest;

  constructor(test: ServerUnderTest) {
    this.#test = test;
    this.#client = Deno.createHttpClient({ caCerts: [Deno.readTextFileSync(`${test.data}/tls/ca.pem`)] });
  }

  async ask(method: string, path: string, { json, headers = {} }: Asked = {}) {
    const response = await fetch(
      `${this.#test.server.urls.server}${path.startsWith(API) ? "" : API}${path}`,
      {
        client: this.#client,
        method,
        headers: {
          authorization: `Bearer ${this.#test.server.token.split(".")[2]}`,
          ...(json !== undefined && { "content-type": "application/json" }),
          ...headers,
        },
        ...(json !== undefined && { body: JSON.stringify(json) }),
      },
    );
    const { status } = response;
    const text = await response.text();
    return { status, headers: response.headers, json: text === "" ? undefined : JSON.parse(text) };
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }
}

/** A server with the image "web" and the nodes n1 to n12, of which n1 to n3 are in rack1. */
async function start(): Promise<{ test: ServerUnderTest; caller: Caller } & AsyncDisposable> {
  const test = await ServerUnderTest.start();
  await makeSmallTree(`${test.folder}/image`);
  await test.publish("web", { root: `${test.folder}/image` });
  const body = Array.from({ length: 12 }, (_, i) => ({
    node: `n${i + 1}`,
    settings: i < 3 ? { group: "rack1" } : {},
  }));
  await test.client.send("PUT", "/nodes", { json: body });
  const caller = new Caller(test);
  return {
    test,
    caller,
    [Symbol.asyncDispose]: async () => {
      caller[Symbol.dispose]();
      await test[Symbol.asyncDispose]();
    },
  };
}

Deno.test("an order that is repeated with its key is carried out once, also across a restart", async () => {
  await using started = await start();
  const { test, caller } = started;
  const headers = { "idempotency-key": '"6f9d0f43-order-1"' };
  const json = { nodes: ["n1", "n2"], image: "web" };
  const first = await caller.ask("POST", "/deployments", { json, headers });
  assert.equal(first.status, 200);
  assert.equal(first.headers.get("idempotency-replayed"), null);
  const again = await caller.ask("POST", "/deployments", { json, headers });
  assert.deepEqual([again.status, again.json], [200, first.json]);
  assert.equal(again.headers.get("idempotency-replayed"), "true");
  // its tokens are still good: a second order would have replaced them
  (await test.enrol(first.json.nodes[0].token)).agent[Symbol.dispose]();

  const other = await caller.ask("POST", "/deployments", { json: { ...json, nodes: ["n3"] }, headers });
  assert.deepEqual([other.status, typeof other.json.remedy], [422, "string"]);
  const elsewhere = await caller.ask("POST", "/restores", { json, headers });
  assert.equal(elsewhere.status, 422);
  for (const key of ["short", "with space in it", "x".repeat(201)]) {
    const bad = await caller.ask("POST", "/deployments", { json, headers: { "idempotency-key": key } });
    assert.equal(bad.status, 400, key);
  }

  await test.restart();
  using later = new Caller(test);
  assert.deepEqual((await later.ask("POST", "/deployments", { json, headers })).json, first.json);
  const deployments = (await later.ask("GET", "/deployments")).json;
  assert.equal(deployments.length, 1);
  const audit = AuditPage.parse((await later.ask("GET", "/audit")).json);
  assert.equal(audit.entries.filter(({ action }) => action === "node.deploy").length, 1);
});

Deno.test("an order that comes several times at once is carried out once", async () => {
  await using started = await start();
  const { caller } = started;
  const headers = { "idempotency-key": "order-000000003" }, json = { nodes: ["n1"], image: "web" };
  const answers = await Promise.all(
    Array.from({ length: 8 }, () => caller.ask("POST", "/deployments", { json, headers })),
  );
  const others = answers.filter(({ status }) => status !== 200);
  assert.ok(others.length < 8);
  assert.deepEqual(others.filter(({ status }) => status !== 409), []);
  const given = answers.filter(({ status }) => status === 200).map((answer) => answer.json.deployment);
  assert.equal(new Set(given).size, 1);
  assert.equal((await caller.ask("GET", "/deployments")).json.length, 1);
});

Deno.test("a refused order leaves its key free, and a key is its caller's own", async () => {
  await using started = await start();
  const { test, caller } = started;
  const headers = { "idempotency-key": "order-000000002" };
  const json = { nodes: ["n1"], image: "later" };
  assert.equal((await caller.ask("POST", "/deployments", { json, headers })).status, 404);
  await test.publish("later", { root: `${test.folder}/image` });
  assert.equal((await caller.ask("POST", "/deployments", { json, headers })).status, 200);
  await test.client.send("POST", "/users", { json: { name: "anna", role: "operator" } });
  const made = await test.client.send("POST", "/tokens", {
    json: { user: "anna", name: "ci", role: "operator", days: 1 },
  });
  const authorization = `Bearer ${(await made.json()).token}`;
  const hers = await caller.ask("POST", "/deployments", { json, headers: { ...headers, authorization } });
  assert.deepEqual([hers.status, hers.headers.get("idempotency-replayed")], [200, null]);
  assert.equal("token" in hers.json.nodes[0], false);
});

Deno.test("the client repeats an order whose answer is lost, and it is carried out once", async () => {
  await using started = await start();
  const { test, caller } = started;
  const { fetch } = globalThis;
  let lost = 0;
  globalThis.fetch = async (input, init) => {
    const response = await fetch(input, init);
    if (!String(input).endsWith("/deployments") || lost++ > 0) return response;
    await response.body?.cancel();
    throw new TypeError("connection closed before message completed");
  };
  try {
    using client = await ApiClient.connect({ server: test.server.urls.server, token: test.server.token });
    const answer = await client.call("POST /deployments", { body: { nodes: ["n1"], image: "web" } });
    assert.equal(lost, 2);
    assert.equal(answer.nodes[0]?.node, "n1");
  } finally {
    globalThis.fetch = fetch;
  }
  assert.equal((await caller.ask("GET", "/deployments")).json.length, 1);
});

Deno.test("long lists come in pages, in their order, and filtered", async () => {
  await using started = await start();
  const { test, caller } = started;
  const names = async (first: string) => {
    const pages: string[][] = [];
    for (let path: string | undefined = first; path !== undefined;) {
      const { status, headers, json } = await caller.ask("GET", path);
      assert.equal(status, 200, JSON.stringify(json));
      pages.push(json.map((item: { name?: string; id: string }) => item.name ?? item.id));
      path = /^<([^>]+)>; rel="next"$/.exec(headers.get("link") ?? "")?.[1];
    }
    return pages;
  };
  const all = Array.from({ length: 12 }, (_, i) => `n${i + 1}`);
  assert.deepEqual(await names("/nodes"), [all]);
  assert.deepEqual(await names("/nodes?limit=5"), [all.slice(0, 5), all.slice(5, 10), all.slice(10)]);
  assert.deepEqual(await names("/nodes?limit=12"), [all]);
  await test.deploy(["n2", "n3", "n4"]);
  assert.deepEqual(await names("/nodes?state=armed&limit=2"), [["n2", "n3"], ["n4"]]);
  assert.deepEqual(await names("/nodes?state=armed&group=rack1"), [["n2", "n3"]]);
  assert.deepEqual(await names("/nodes?image=web&group=rack1"), [["n2", "n3"]]);
  assert.deepEqual(await names("/nodes?image=web@2"), [[]]);

  await test.deploy(["n5"]);
  await test.client.send("POST", "/restores", { json: { nodes: ["n6"], image: "web" } });
  const list = (await caller.ask("GET", "/deployments")).json;
  assert.deepEqual(list.map(({ kind, nodes }: { kind: string; nodes: object }) => [kind, nodes]), [
    ["restore", { armed: 1 }],
    ["deployment", { armed: 1 }],
    ["deployment", { armed: 3 }],
  ]);
  const ids = list.map(({ id }: { id: string }) => id);
  assert.deepEqual(await names("/deployments?limit=2"), [ids.slice(0, 2), ids.slice(2)]);
  assert.deepEqual(await names("/deployments?state=failed"), [[]]);
  assert.deepEqual(await names("/deployments?state=armed&image=web@1"), [ids]);

  await test.publish("web", { root: `${test.folder}/image` });
  await test.publish("app", { root: `${test.folder}/image` });
  const refs = (json: { image: string; version: number }[]) => json.map((v) => `${v.image}@${v.version}`);
  const page = await caller.ask("GET", "/images?limit=2");
  assert.deepEqual(refs(page.json), ["app@1", "web@1"]);
  assert.deepEqual(refs((await caller.ask("GET", "/images?image=web")).json), ["web@1", "web@2"]);
  const captures = (await names("/captures?state=published&limit=2")).map((ids) => ids.length);
  assert.deepEqual(captures, [2, 1]);
  for (const query of ["stat=armed", "limit=0", "limit=1001", "cursor=%21", "state=none"]) {
    assert.equal((await caller.ask("GET", `/nodes?${query}`)).status, 400, query);
  }
});

Deno.test("a change with an outdated tag is refused, for everything that can be set", async () => {
  await using started = await start();
  const { test, caller } = started;
  await test.client.send("POST", "/users", { json: { name: "anna", role: "viewer" } });
  const nightly = { nodes: ["n1"], cron: "@daily", order: { work: "check" } };
  await test.client.send("POST", "/schedules", { json: { ...nightly, name: "nightly" } });
  const settable: [path: string, method: string, ...changes: object[]][] = [
    // its node is deleted below
    ["/schedules/nightly", "PUT", { ...nightly, batch: 1 }, { ...nightly, batch: 2 }],
    ["/nodes/n1", "PUT", { group: "a" }, { group: "b" }],
    ["/images/web/settings", "PUT", { keep: ["/a"] }, { keep: ["/b"] }],
    ["/hooks/all/pre-install/x", "PUT", { script: "true" }, { script: "false" }],
    ["/swarm", "POST", { rackPrefix: 24 }, { rackPrefix: 25 }],
    ["/users/anna", "PUT", { role: "operator" }, { role: "admin" }],
    ["/webhooks/w", "PUT", { url: "http://127.0.0.1:9/a" }, { url: "http://127.0.0.1:9/b" }],
  ];
  for (const [path, method, first, second] of settable) {
    await caller.ask(method, path, { json: first });
    const { headers } = await caller.ask("GET", path);
    const tag = headers.get("etag") ?? assert.fail(`${path} has no tag`);
    const changed = await caller.ask(method, path, { json: second, headers: { "if-match": tag } });
    assert.equal(changed.status, 200, path);
    const newer = (await caller.ask("GET", path)).headers.get("etag");
    assert.equal(changed.headers.get("etag"), newer, path);
    assert.notEqual(newer, tag, path);
    const late = await caller.ask(method, path, { json: first, headers: { "if-match": tag } });
    assert.deepEqual([late.status, typeof late.json.remedy], [412, "string"], path);
    assert.equal((await caller.ask("GET", path)).headers.get("etag"), newer, `${path} is unchanged`);
    if (!["/nodes", "/hooks", "/users", "/webhooks"].some((start) => path.startsWith(start))) continue;
    assert.equal((await caller.ask("DELETE", path, { headers: { "if-match": tag } })).status, 412, path);
    assert.equal(
      (await caller.ask("DELETE", path, { headers: { "if-match": newer ?? "" } })).status,
      204,
      path,
    );
  }
});

Deno.test("a node's tag stays while its state changes", async () => {
  await using started = await start();
  const { test, caller } = started;
  const before = (await caller.ask("GET", "/nodes/n1")).headers.get("etag");
  await test.deploy(["n1"]);
  const after = await caller.ask("GET", "/nodes/n1");
  assert.equal(NodeView.parse(after.json).state, "armed");
  assert.equal(after.headers.get("etag"), before);
});
