import assert from "node:assert/strict";
import { WebhookStore } from "./webhooks.ts";
import { emptyDatabase } from "./testing/test_database.ts";

const SECRET = "whsec_c2VjcmV0";

function open() {
  const keys = Deno.makeTempDirSync();
  const db = emptyDatabase();
  const store = new WebhookStore(db, { keys });
  for (const name of ["a", "b"]) {
    store.put(name, {
      settings: { url: "https://x.example/" },
      secret: SECRET,
      created: "2026-11-29T10:00:00Z",
    });
  }
  const add = (names: string[], id: string) => store.add(names, { id, event: "test", body: id }, 0);
  const close = () => {
    db.close();
    Deno.removeSync(keys, { recursive: true });
  };
  return { db, keys, store, add, [Symbol.dispose]: close };
}

Deno.test("a secret is sealed, and is good for its own webhook only", () => {
  using test = open();
  assert.equal(test.store.secret("a"), SECRET);
  assert.equal(test.store.secret("c"), undefined);
  const [row] = test.db.prepare("SELECT secret FROM webhooks").all() as { secret: Uint8Array }[];
  assert.ok(!Buffer.from(row?.secret ?? []).includes("whsec_"));
  test.db.exec(
    "UPDATE webhooks SET secret = (SELECT secret FROM webhooks WHERE name = 'a') WHERE name = 'b'",
  );
  assert.throws(() => test.store.secret("b"), { name: "RackseedError" });
});

Deno.test("with the key lost, no new one takes its place", () => {
  using test = open();
  Deno.removeSync(`${test.keys}/secrets.key`);
  const again = new WebhookStore(test.db, { keys: test.keys });
  const settings = { url: "https://y.example/" };
  assert.throws(() => again.put("c", { settings, secret: SECRET, created: "" }), /cannot use the key/);
});

Deno.test("a message waits for each receiver by itself, until it is delivered or has failed", () => {
  using test = open();
  const { store } = test;
  test.add(["a", "b"], "m1");
  test.add(["a"], "m2");
  const first = store.due("a", 0) ?? assert.fail("nothing is due");
  store.failed("a", first, { reason: "it answered 500", nextMs: 10 });
  assert.equal(store.due("a", 0)?.id, "m2");
  assert.deepEqual([store.due("a", 10)?.id, store.due("a", 10)?.attempts], ["m1", 1]);
  assert.deepEqual(store.list().map(({ name, waiting, problem }) => [name, waiting, problem]), [
    ["a", 2, "it answered 500"],
    ["b", 1, undefined],
  ]);
  store.delivered("b", store.due("b", 0) ?? assert.fail());
  store.failed("a", first, { reason: "it answered 410" });
  assert.deepEqual(store.listFailed().map(({ id, attempts, reason }) => [id, attempts, reason]), [
    ["m1", 2, "it answered 410"],
  ]);
  assert.equal(store.resend(["other"], 5), 0);
  assert.equal(store.resend(undefined, 5), 1);
  assert.deepEqual([store.due("a", 5)?.id, store.listFailed().length], ["m1", 0]);
  assert.equal(store.delete("a"), true);
  assert.equal(store.waiting, 0);
});

Deno.test("the queue of a receiver is bounded: the oldest message fails", () => {
  using test = open();
  for (let i = 0; i < 1003; i++) test.add(["a"], `m${i}`);
  assert.deepEqual(test.store.list().map(({ waiting, failed }) => [waiting, failed]), [[1000, 3], [0, 0]]);
  assert.equal(test.store.due("a", 0)?.id, "m3");
});
