import assert from "node:assert/strict";
import { RackseedError } from "#contract/errors.ts";
import { HookContent, HookScope, MAX_HOOK_BYTES, MAX_HOOKS } from "#contract/api/hooks.ts";
import { type HookKey, Hooks } from "../store/hooks.ts";
import { HookRegistry } from "./hook_registry.ts";
import { emptyDatabase } from "../store/testing/test_database.ts";

const nodes = new Map([["n1", "id1"], ["n2", "id2"]]);
const names = {
  get(key: string) {
    const id = nodes.get(key) ?? key;
    const name = names.find(id)?.name;
    if (name === undefined) {
      throw new RackseedError(`no ${key}`, { reason: "none", remedy: "none", status: 404 });
    }
    return { id, name };
  },
  find: (id: string) => [...nodes].filter(([, known]) => known === id).map(([name]) => ({ name }))[0],
};

function open(db = emptyDatabase()) {
  return new HookRegistry(new Hooks(db), names);
}

const content = (script = "true") => HookContent.parse({ script });
const key = (scope: string, name: string, when: HookKey["when"] = "post-install"): HookKey => ({
  scope,
  name,
  when,
});

Deno.test("a node runs the hooks of all, its image, its group and its own, in this order and by name", () => {
  const registry = open();
  for (const scope of ["node:n1", "node:n2", "group:a", "group:b", "image:web", "image:db", "all"]) {
    for (const name of ["b", "a"]) registry.put(key(scope, name), content(`${scope} ${name}`));
  }
  const scripts = registry.ofNode({ id: "id1", settings: { group: "a" } }, { image: "web" }).map((h) =>
    h.script
  );
  assert.deepEqual(scripts, [
    ...["all a", "all b", "image:web a", "image:web b", "group:a a", "group:a b", "node:n1 a", "node:n1 b"],
  ]);
  assert.equal(registry.ofNode({ id: "id3", settings: {} }, { image: "other" }).length, 2);
  assert.deepEqual(registry.ofCapture("web"), []);
});

Deno.test("captures have hooks of their own, which belong to images", () => {
  const registry = open();
  registry.put(key("image:db", "stop", "pre-capture"), content());
  registry.put(key("all", "tell", "post-capture"), content());
  assert.deepEqual(registry.ofCapture("db").map(({ name }) => name), ["tell", "stop"]);
  assert.deepEqual(registry.ofCapture("web").map(({ name }) => name), ["tell"]);
  assert.deepEqual(registry.ofNode({ id: "id1", settings: {} }, { image: "db" }), []);
  for (const scope of ["node:n1", "group:a"]) {
    assert.throws(() => registry.put(key(scope, "stop", "pre-capture"), content()), { status: 400 });
  }
});

Deno.test("a hook is shown with its node's name, replaced and deleted, and survives a restart", () => {
  const db = emptyDatabase();
  const registry = open(db);
  registry.put(key("node:n1", "grow"), content("old"));
  const put = registry.put(key("node:id1", "grow"), { script: "née", optional: true, timeoutSeconds: 9 });
  assert.deepEqual(put, {
    scope: "node:n1",
    when: "post-install",
    name: "grow",
    script: "née",
    optional: true,
    timeoutSeconds: 9,
  });
  const again = open(db);
  assert.deepEqual(again.list(), [{
    scope: "node:n1",
    when: "post-install",
    name: "grow",
    optional: true,
    timeoutSeconds: 9,
    scriptBytes: 4,
  }]);
  again.delete(key("node:n1", "grow"));
  assert.throws(() => again.get(key("node:n1", "grow")), { status: 404 });
  assert.throws(() => again.delete(key("node:n1", "grow")), { status: 404 });
  assert.throws(() => again.put(key("node:nobody", "grow"), content()), { status: 404 });
});

Deno.test("a deleted node's hooks are deleted with it", () => {
  const registry = open();
  registry.put(key("node:n1", "grow"), content());
  registry.put(key("all", "grow"), content());
  registry.forgetNode("id1");
  assert.deepEqual(registry.list().map(({ scope }) => scope), ["all"]);
});

Deno.test("hooks are limited in number and size, and their scopes are valid names", () => {
  const registry = open();
  for (let i = 0; i < MAX_HOOKS; i++) registry.put(key("all", `h${i}`), content());
  registry.put(key("all", "h0"), content());
  registry.put(key("all", "one-more", "first-boot"), content());
  assert.throws(() => registry.put(key("all", "one-more"), content()), { status: 409 });
  assert.equal(HookContent.safeParse({ script: "ä".repeat(MAX_HOOK_BYTES / 2) }).success, true);
  assert.equal(HookContent.safeParse({ script: "ä".repeat(MAX_HOOK_BYTES / 2 + 1) }).success, false);
  assert.equal(HookContent.safeParse({ script: "" }).success, false);
  const scopes = ["all", "image:web", "group:a.b", "node:n1", "", "web", "image:", "rack:a", "image:a/b"];
  assert.deepEqual(scopes.filter((scope) => HookScope.safeParse(scope).success), scopes.slice(0, 4));
});
