import assert from "node:assert/strict";
import { hostnameOf } from "./claims.ts";
import { MACHINE_INVENTORY } from "../../test/support/inventory.ts";
import type { NodeRecord } from "./node_record.ts";
import { Nodes } from "./nodes.ts";
import { emptyDatabase } from "./testing/test_database.ts";

const MAC = "52:54:00:00:00:01";

function open({ db = emptyDatabase(), time = { ms: 0 } } = {}) {
  return { db, time, nodes: new Nodes(db, { now: () => time.ms }) };
}

Deno.test("a node is found by name in any case, by MAC in any case and by id", () => {
  const { nodes } = open();
  const node = nodes.put("Web-1", { mac: MAC });
  for (const key of ["Web-1", "web-1", MAC, MAC.toUpperCase(), node.id]) {
    assert.equal(nodes.get(key).id, node.id);
  }
});

Deno.test("the disk that was named with an earlier release is the first of the node's disks", () => {
  const { db, nodes } = open();
  nodes.put("n1", { mac: MAC });
  const disk = "/dev/disk/by-path/pci-0000:00:04.0";
  db.prepare("UPDATE nodes SET settings = ?").run(JSON.stringify({ mac: MAC, disk }));
  assert.deepEqual(open({ db }).nodes.get("n1").settings, { mac: MAC, disks: [disk] });
});

Deno.test("an unknown node is an error that lists the known ones", () => {
  const { nodes } = open();
  nodes.put("n1", {});
  assert.throws(() => nodes.get("n2"), {
    title: "cannot find the node n2",
    status: 404,
    reason: "the known nodes are n1.",
  });
});

Deno.test("two nodes never share a name, MAC, host name or address; the error names the owner", () => {
  const cases: [key: string, settings: Parameters<Nodes["put"]>[1], reason: string][] = [
    ["n2", { mac: MAC }, "the MAC address 52:54:00:00:00:01 belongs to the node n1."],
    ["n2", { hostname: "web" }, "the host name web belongs to the node n1."],
    ["Web", {}, "the host name Web belongs to the node n1."],
    ["n2", { address: "10.0.0.5/16" }, "the address 10.0.0.5 belongs to the node n1."],
  ];
  for (const [key, settings, reason] of cases) {
    const { nodes } = open();
    nodes.put("n1", { mac: MAC, hostname: "web", address: "10.0.0.5/24" });
    assert.throws(() => nodes.put(key, settings), { reason, status: 409 });
    assert.deepEqual(nodes.list().map((n) => n.name), ["n1"]);
  }
});

Deno.test("many nodes may have their address by DHCP", () => {
  const { nodes } = open();
  nodes.put("n1", { address: "dhcp" });
  assert.equal(nodes.put("n2", { address: "dhcp" }).settings.address, "dhcp");
});

Deno.test("a discovered machine is shown once, and takes the name that it gets later", () => {
  const { nodes } = open();
  const { changed: found } = nodes.discover(MAC, { by: "http" });
  assert.equal(found?.name, "52-54-00-00-00-01");
  assert.equal(nodes.discover(MAC, { by: "http" }).changed, undefined);
  const named = nodes.put("n1", { mac: MAC });
  assert.deepEqual([named.id, named.discovered], [found?.id, false]);
  assert.deepEqual(nodes.list().map((n) => n.name), ["n1"]);
});

Deno.test("a node that is set by its MAC keeps its name and gets the MAC", () => {
  const { nodes } = open();
  assert.deepEqual(nodes.put(MAC, {}).settings, { mac: MAC });
  assert.equal(nodes.put(MAC, { hostname: "web" }).name, "52-54-00-00-00-01");
});

Deno.test("invented MACs neither fill the disk nor displace a named node", () => {
  const { nodes, time } = open();
  nodes.put("n1", {});
  for (let i = 0; i < 1005; i++) {
    time.ms = i;
    nodes.discover(
      `52:54:00:00:${(i >> 8).toString(16).padStart(2, "0")}:${(i & 255).toString(16).padStart(2, "0")}`,
      { by: "dhcp" },
    );
  }
  assert.equal(nodes.list().length, 1001);
  assert.ok(nodes.find("n1"));
  assert.equal(nodes.find("52:54:00:00:00:00"), undefined);
});

Deno.test("a machine that came back, has an order or is known better outlives any number of invented ones", () => {
  const { nodes, db, time } = open();
  const macs = ["52:54:00:00:00:0a", "52:54:00:00:00:0b", "52:54:00:00:00:0c"];
  for (const mac of macs) nodes.discover(mac, { by: "dhcp" });
  time.ms = 61_000;
  const [back = "", ordered = "", known = ""] = macs;
  nodes.discover(back, { by: "dhcp" });
  nodes.touch(nodes.byMac(known)?.id ?? "", { inventory: MACHINE_INVENTORY });
  const kept = ({ settings: { mac } }: NodeRecord) => mac === ordered;
  const invented = (i: number) =>
    `02:00:00:00:${(i >> 8).toString(16).padStart(2, "0")}:${(i & 255).toString(16).padStart(2, "0")}`;
  let forgotten = 0;
  for (let i = 0; i < 1500; i++) {
    time.ms++;
    forgotten += nodes.discover(invented(i), { by: "dhcp" }, { kept }).forgotten.length;
  }
  assert.deepEqual([nodes.all().length, forgotten], [1000, 503]);
  for (const mac of macs) assert.ok(nodes.byMac(mac), mac);
  assert.equal(open({ db }).nodes.all().length, 1000);
});

Deno.test("what a machine has shown of itself survives a restart, and adoption", () => {
  const { nodes, db, time } = open();
  nodes.discover(MAC, { by: "dhcp", boots: true, firmware: "uefi", architecture: "x86-64" });
  time.ms = 5_000;
  nodes.discover(MAC, { by: "tftp", address: "10.0.0.7" });
  time.ms = 70_000;
  nodes.discover(MAC, { by: "dhcp" });
  time.ms = 140_000;
  nodes.discover(MAC, { by: "dhcp" });
  const expected = {
    first: "1970-01-01T00:00:00.000Z",
    appearances: 3,
    by: ["dhcp", "tftp"],
    architecture: "x86-64",
    firmware: "uefi",
    boots: true,
  };
  assert.deepEqual(nodes.byMac(MAC)?.sighting, expected);
  assert.deepEqual(open({ db }).nodes.byMac(MAC)?.sighting, expected);
  assert.deepEqual(nodes.put("n1", { mac: MAC }).sighting, expected);
});

Deno.test("everything survives a restart", () => {
  const { nodes, db } = open();
  const node = nodes.put("n1", { mac: MAC, dns: ["10.0.0.1"] });
  nodes.touch(node.id, { address: "10.0.0.9" });
  assert.deepEqual(open({ db }).nodes.list(), nodes.list());
});

Deno.test("signs of life of many nodes are written together, and each reaches the disk in the end", () => {
  const { nodes, db, time } = open({ time: { ms: 1e12 } });
  const made = ["n1", "n2", "n3"].map((name) => nodes.put(name, {}));
  const onDisk = () => open({ db }).nodes.list().map(({ seen }) => seen && Date.parse(seen) - 1e12);
  time.ms += 60_000;
  for (const { id } of made) nodes.touch(id);
  assert.deepEqual(onDisk(), [60_000, undefined, undefined]);
  time.ms += 1000;
  nodes.touch(made[0]!.id);
  assert.deepEqual(onDisk(), [60_000, 60_000, 60_000]);
});

Deno.test("what a node gave up, or had when it was deleted, is free for another", () => {
  const { nodes } = open();
  nodes.put("n1", { mac: MAC, hostname: "web", address: "10.0.0.5/24" });
  nodes.put("n1", {});
  const heir = nodes.put("n2", { mac: MAC, hostname: "web", address: "10.0.0.5/24" });
  assert.deepEqual([nodes.byMac(MAC)?.name, nodes.isAddressAssigned("10.0.0.5")], ["n2", true]);
  nodes.delete(heir.id);
  assert.deepEqual([nodes.byMac(MAC), nodes.find("n2"), nodes.isAddressAssigned("10.0.0.5")], [
    ...[undefined, undefined],
    false,
  ]);
});

Deno.test("without a host name, it is the node's name, made valid for DNS", () => {
  const { nodes } = open();
  assert.equal(hostnameOf(nodes.put("rack_1.node_2", {})), "rack-1.node-2");
  assert.equal(hostnameOf(nodes.put("n1", { hostname: "web" })), "web");
});

Deno.test("several are set together or not at all, and a refusal leaves no trace", () => {
  const { nodes, db } = open();
  nodes.put("n0", { address: "10.0.0.9/24" });
  const change = (node: string, address: string) => ({ node, settings: { address } });
  assert.throws(
    () =>
      nodes.putAll([change("n0", "10.0.0.1/24"), change("n1", "10.0.0.8/24"), change("n2", "10.0.0.8/24")]),
    { reason: "the address 10.0.0.8 belongs to the node n1." },
  );
  assert.deepEqual(nodes.list().map((n) => [n.name, n.settings.address]), [["n0", "10.0.0.9/24"]]);
  assert.deepEqual(open({ db }).nodes.list(), nodes.list());
  assert.deepEqual([nodes.isAddressAssigned("10.0.0.1"), nodes.isAddressAssigned("10.0.0.9")], [false, true]);
  nodes.putAll([change("n1", "10.0.0.8/24"), change("n2", "10.0.0.7/24")]);
  assert.deepEqual(open({ db }).nodes.list().map((n) => n.name), ["n0", "n1", "n2"]);
});

Deno.test("a machine takes over an entry of the table, unless it is another's", () => {
  const { nodes, db } = open();
  const entry = nodes.put("web7", { address: "10.0.0.7/24" });
  nodes.put("web8", { hostname: "other" });
  const { id } = nodes.discover(MAC, { by: "dhcp" }).changed ?? {};
  assert.ok(id);
  const settings = { mac: MAC, address: "10.0.0.7/24" };
  assert.throws(() => nodes.become(id, { name: "web7", settings }), { reason: /belongs to the node web7/ });
  assert.throws(
    () => nodes.become(id, { name: "web7", settings: { ...settings, hostname: "other" }, instead: entry.id }),
    { reason: "the host name other belongs to the node web8." },
  );
  nodes.become(id, { name: "web7", settings, instead: entry.id });
  assert.deepEqual([nodes.get("web7").id, nodes.byMac(MAC)?.discovered], [id, false]);
  assert.deepEqual(open({ db }).nodes.list(), nodes.list());
});

Deno.test("an address of a second interface counts too", () => {
  const { nodes } = open();
  const second = { kind: "ethernet", addresses: ["10.1.0.5/24"], gateways: [], dns: [] } as const;
  nodes.put("n1", { interfaces: [{ ...second, addresses: [...second.addresses], gateways: [], dns: [] }] });
  assert.throws(() => nodes.put("n2", { address: "10.1.0.5/16" }), {
    reason: /10\.1\.0\.5 belongs to the node n1/,
  });
});

Deno.test("the nodes are sorted when one comes, goes or is renamed, not whenever they are listed", () => {
  const nodes = new Nodes(emptyDatabase(), { now: () => 0 });
  nodes.putAll(["n10", "n2", "n1"].map((node) => ({ node, settings: {} })));
  const names = () => nodes.list().map(({ name }) => name).join(" ");
  assert.equal(names(), "n1 n2 n10");
  nodes.touch(nodes.get("n2").id, { address: "10.0.0.2" });
  assert.equal(sortsDuring(names), 0);
  assert.equal(nodes.list()[1]?.address, "10.0.0.2");
  nodes.become(nodes.get("n2").id, { name: "n11", settings: {} });
  assert.equal(names(), "n1 n10 n11");
  nodes.delete(nodes.get("n10").id);
  nodes.put("n3", {});
  assert.equal(names(), "n1 n3 n11");
});

/** How often names are compared while this runs. */
function sortsDuring(work: () => void): number {
  const compare = Object.getOwnPropertyDescriptor(Intl.Collator.prototype, "compare") as PropertyDescriptor;
  let count = 0;
  Object.defineProperty(Intl.Collator.prototype, "compare", {
    ...compare,
    get() {
      count++;
      return compare.get?.call(this);
    },
  });
  try {
    work();
  } finally {
    Object.defineProperty(Intl.Collator.prototype, "compare", compare);
  }
  return count;
}
