/** The Ansible module rackseed_node and the inventory plug-in, run by the real Ansible against a real server. */
import assert from "node:assert/strict";
import { z } from "zod";
import { AuditPage } from "#contract/api/audit.ts";
import { NodeView } from "#contract/api.ts";
import { ServerUnderTest } from "../flows/support/server_under_test.ts";
import { Ansible, type Task } from "../support/ansible.ts";

const MAC = "52:54:00:AB:00:01";
const NODE = { name: "n1", mac: MAC, address: "10.0.0.11/24", group: "rack1" };
const BOND = {
  kind: "bond",
  name: "bond0",
  mode: "802.3ad",
  members: ["52:54:00:AB:00:02"],
  addresses: "dhcp",
};

function accessTo({ server }: ServerUnderTest): Record<string, string> {
  return { RACKSEED_SERVER: server.urls.server, RACKSEED_TOKEN: server.token };
}

/** Tasks with what is expected of each. */
const STEPS: readonly (readonly [what: string, args: object, outcome: "changed" | "same", check?: true])[] = [
  ["added in check mode", NODE, "changed", true],
  ["added", NODE, "changed"],
  ["the same again", NODE, "same"],
  ["the same in check mode", NODE, "same", true],
  ["one more setting", { name: "n1", gateway: "10.0.0.1" }, "changed"],
  ["off, as YAML reads it", { name: "n1", upload_limit: false, interfaces: [BOND] }, "changed"],
  ["off, as it is stored", { name: "n1", upload_limit: "off", interfaces: [BOND] }, "same"],
  ["cleared", { name: "n1", upload_limit: "", interfaces: [] }, "changed"],
  ["purged in check mode", { ...NODE, purge: true }, "changed", true],
  ["purged", { ...NODE, purge: true }, "changed"],
  ["purged again", { ...NODE, purge: true }, "same"],
  ["another node", { name: "n2", backup_every: 3600, mirror: 1 }, "changed"],
  ["deleted in check mode", { name: "n2", state: "absent" }, "changed", true],
  ["deleted", { name: "n2", state: "absent" }, "changed"],
  ["deleted again", { name: "n2", state: "absent" }, "same"],
];

Deno.test("rackseed_node changes what differs and nothing else, and check mode foretells it", async () => {
  await using ansible = await Ansible.install();
  if (!ansible) return;
  await using test = await ServerUnderTest.start();
  const tasks = STEPS.map(([, args, , check]): Task => ({ module: "node", args, ...check && { check } }));
  const results = await ansible.play(tasks, accessTo(test));
  const outcomes = results.map(({ changed, failed, msg }) =>
    failed ? msg : changed ? "changed" as const : "same" as const
  );
  assert.deepEqual(
    outcomes.map((outcome, i) => [STEPS[i]?.[0], outcome]),
    STEPS.map(([what, , outcome]) => [what, outcome]),
  );
  const settings = { mac: MAC.toLowerCase(), address: "10.0.0.11/24", group: "rack1" };
  assert.deepEqual(results[1]?.diff, { before: {}, after: { name: "n1", settings } });
  assert.deepEqual(results[0]?.diff, results[1]?.diff);
  assert.deepEqual(results[8]?.diff, results[9]?.diff);
  assert.equal("node" in (results[0] ?? {}), false);
  assert.deepEqual((await test.client.get("/nodes/n1", NodeView)).settings, settings);
  // what reached the server: one call for each change that was made
  const { entries } = await test.client.get("/audit", AuditPage);
  const changes = STEPS.filter(([, , outcome, check]) => outcome === "changed" && !check).length;
  assert.equal(entries.filter(({ action }) => action.startsWith("node.")).length, changes);
});

Deno.test("what goes wrong is said with its remedy, and without the token", async () => {
  await using ansible = await Ansible.install();
  if (!ansible) return;
  await using test = await ServerUnderTest.start();
  const { token } = test.server;
  const [, pin = "", secret = ""] = token.split(".");
  const wrongPin = `rs1.${pin.replace(/^./, (c) => c === "A" ? "B" : "A")}.${secret}`;
  const wrongSecret = `rs1.${pin}.${"x".repeat(43)}`;
  const ca = `${test.data}/tls/ca.pem`;
  const cases: readonly (readonly [args: object, says: RegExp | undefined])[] = [
    [{ name: "n1", token: wrongSecret }, /no valid token of this server.*Remedy: /],
    [{ name: "n1", token: wrongPin }, /cannot trust the server at 127\.0\.0\.1.*Remedy: /],
    [{ name: "n1", token: "hunter2" }, /does not have the form rs1\.PIN\.SECRET/],
    [{ name: "n1", token: secret }, /the token has no pin.*Remedy: /],
    [{ name: "n1", token: secret, ca_file: ca }, undefined],
    [{ name: "n1", token: wrongPin, ca_file: ca }, undefined],
    [{ name: "n1", ca_file: "/nonexistent" }, /cannot use \/nonexistent/],
    [{ name: "n1", server: "http://127.0.0.1:1" }, /not of the form https:/],
    [{ name: "n1", server: "https://127.0.0.1:1" }, /cannot reach the server.*refused.*Remedy: /],
    [{ name: "n1", address: "10.0.0.300/24" }, /an address with its prefix/],
    [{ name: "n1", interfaces: [{ kind: "bond", addresses: [] }] }, /members, mode/],
  ];
  const tasks = cases.map(([args]): Task => ({ module: "node", args }));
  const results = await ansible.play(tasks, accessTo(test));
  for (const [i, [args, says]] of cases.entries()) {
    const { failed = false, msg = "" } = results[i] ?? assert.fail();
    assert.equal(failed, says !== undefined, `${JSON.stringify(args)}: ${msg}`);
    if (says) assert.match(msg, says);
  }
  assert.ok(!results.output.includes(secret) && !JSON.stringify(results).includes(secret));
});

const Inventory = z.object({
  _meta: z.object({ hostvars: z.record(z.string(), z.record(z.string(), z.unknown())) }),
}).catchall(z.looseObject({ hosts: z.array(z.string()).optional() }));

Deno.test("the inventory has every node as a host, page by page, in groups, and from its cache", async () => {
  await using ansible = await Ansible.install();
  if (!ansible) return;
  await using test = await ServerUnderTest.start();
  await test.publish("web", { root: new URL("../../server/words", import.meta.url).pathname });
  const body = Array.from({ length: 205 }, (_, i) => ({ node: `m${i + 1}`, settings: {} }));
  await test.client.send("PUT", "/nodes", { json: body });
  // without a MAC, an image without a kernel may be deployed
  const settings = { address: "10.0.0.11/24", group: "rack-1", rack: "a" };
  await test.client.put("/nodes/n1", { body: settings, schema: NodeView });
  const [token] = await test.deploy(["n1"]);
  (await test.enrol(token)).agent[Symbol.dispose]();

  const list = async (file: object, args: string[] = []) => {
    const source = { plugin: "rackseed.rackseed.rackseed", server: test.server.urls.server, ...file };
    await Deno.writeTextFile(`${ansible.folder}/rackseed.yml`, JSON.stringify(source));
    const { code, stdout, stderr } = await ansible.run(
      "ansible-inventory",
      ["-i", "rackseed.yml", "--list", ...args],
      { env: { RACKSEED_TOKEN: test.server.token } },
    );
    assert.equal(code, 0, stderr);
    assert.equal(/WARNING/.test(stderr), false, stderr);
    // how Ansible shows text that is never taken for a template
    const plain = (_: string, value: { __ansible_unsafe?: string }) => value?.__ansible_unsafe ?? value;
    return Inventory.parse(JSON.parse(stdout, plain));
  };
  const constructed = {
    keyed_groups: [{ key: "rackseed_rack", prefix: "rack" }],
    compose: { ansible_user: "'admin'" },
    groups: { fresh: "rackseed_version == 1" },
  };
  const all = await list(constructed);
  const { hostvars } = all._meta;
  assert.equal(Object.keys(hostvars).length, 206);
  assert.equal(all.state_idle?.hosts?.length, 205);
  for (const group of ["group_rack_1", "state_installing", "image_web", "rack_a", "fresh"]) {
    assert.deepEqual(all[group]?.hosts, ["n1"], group);
  }
  const { id } = await test.client.get("/nodes/n1", NodeView);
  assert.deepEqual(hostvars.n1, {
    ansible_host: "10.0.0.11",
    ansible_user: "admin",
    rackseed_armed: true,
    rackseed_group: "rack-1",
    rackseed_id: id,
    rackseed_image: "web",
    rackseed_rack: "a",
    rackseed_state: "installing",
    rackseed_version: 1,
  });

  const cached = {
    filters: { group: "rack-1", image: "web" },
    cache: true,
    cache_plugin: "jsonfile",
    cache_connection: `${ansible.folder}/cache`,
  };
  assert.deepEqual(Object.keys((await list(cached))._meta.hostvars), ["n1"]);
  await test.client.put("/nodes/n1", { body: { ...settings, group: "rack-2" }, schema: NodeView });
  assert.deepEqual(Object.keys((await list(cached))._meta.hostvars), ["n1"]);
  assert.deepEqual((await list(cached, ["--flush-cache"]))._meta.hostvars, {});
});
