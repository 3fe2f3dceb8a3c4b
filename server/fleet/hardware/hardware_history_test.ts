import assert from "node:assert/strict";
import { Inventory } from "#contract/api.ts";
import { HardwareRecords } from "../../store/hardware_records.ts";
import { hardwareChanges } from "./hardware_changes.ts";
import { HardwareHistory } from "./hardware_history.ts";
import { emptyDatabase } from "../../store/testing/test_database.ts";

const GIB = 2 ** 30;
const FULL: Inventory = Inventory.parse({
  kind: "machine",
  firmware: "uefi",
  memoryBytes: 64 * GIB,
  cpus: 16,
  nics: [
    { name: "eth0", mac: "52:54:00:00:00:01", link: true, speedMbps: 25_000 },
    {
      name: "eth1",
      mac: "52:54:00:00:00:02",
      link: true,
      neighbour: { chassis: "c", system: "leaf1", port: "1/7" },
    },
  ],
  disks: [
    {
      name: "sda",
      sizeBytes: 480e9,
      sectorBytes: 512,
      serial: "S1",
      removable: false,
      content: "",
      health: { verdict: "good", reasons: [] },
    },
    { name: "sdb", sizeBytes: 480e9, sectorBytes: 512, serial: "S2", removable: false, content: "" },
  ],
  memory: {
    slots: 4,
    dimms: ["A1", "A2"].map((slot) => ({ slot, sizeBytes: 32 * GIB, serial: `D${slot}` })),
  },
  board: { firmwareVersion: "2.1" },
  management: { address: "10.1.0.7" },
  devices: [{ slot: "0000:17:00.0", id: "10de:2330", class: "0302" }],
});

const [sda, sdb] = FULL.disks as [Inventory["disks"][number], Inventory["disks"][number]];
const [eth0, eth1] = FULL.nics as [Inventory["nics"][number], Inventory["nics"][number]];

const CASES: [what: string, now: Partial<Inventory>, expected: RegExp][] = [
  [
    "a lost DIMM",
    { memory: { slots: 4, dimms: FULL.memory?.dimms.slice(1) ?? [] } },
    /^memory: the memory module A1 \(32 GiB, serial DA1\) is gone$/,
  ],
  ["another DIMM", {
    memory: {
      slots: 4,
      dimms: [{ slot: "A1", sizeBytes: 32 * GIB, serial: "X" }, {
        slot: "A2",
        sizeBytes: 32 * GIB,
        serial: "DA2",
      }],
    },
  }, /A1 .*DA1\) was replaced by A1 .*serial X/],
  ["another disk", { disks: [sda, { ...sdb, serial: "S3" }] }, /^disk: .*S2.* is gone\ndisk: .*S3.* is new$/],
  ["a disk with another name", { disks: [{ ...sda, name: "sdb" }, { ...sdb, name: "sda" }] }, /^$/],
  [
    "worsening health",
    { disks: [{ ...sda, health: { verdict: "warning", reasons: ["8 sectors"] } }, sdb] },
    /^disk-health: the disk sda .* reports: 8 sectors$/,
  ],
  ["a cable", { nics: [eth0, { ...eth1, link: false }] }, /^nic: the NIC eth1 .* has no link$/],
  ["a slower link", { nics: [{ ...eth0, speedMbps: 1000 }, eth1] }, /^nic: .*1000 instead of 25000/],
  [
    "another port",
    { nics: [eth0, { ...eth1, neighbour: { chassis: "c", system: "leaf1", port: "1/8" } }] },
    /leaf1 1\/8 instead of leaf1 1\/7/,
  ],
  ["a NIC that was not switched on", { nics: [{ name: "eth0", mac: eth0.mac }, eth1] }, /^$/],
  ["firmware", { board: { firmwareVersion: "2.2" } }, /^firmware: its firmware is 2.2 instead of 2.1$/],
  ["a GPU", { devices: [] }, /^device: it has 0 PCI devices 10de:2330 instead of 1$/],
  ["processors", { cpus: 8 }, /^processor: it has 8 processors instead of 16$/],
  [
    "an older agent",
    { memory: undefined, board: undefined, devices: undefined, management: undefined },
    /^$/,
  ],
];

for (const [what, difference, expected] of CASES) {
  Deno.test(`what is said of ${what}`, () => {
    const changes = hardwareChanges(FULL, { ...FULL, ...difference } as Inventory);
    assert.match(changes.map(({ kind, what }) => `${kind}: ${what}`).join("\n"), expected);
  });
}

function open({ db = emptyDatabase() } = {}) {
  const history = new HardwareHistory(new HardwareRecords(db), { now: () => 0 });
  const node = { id: "1", name: "n1", settings: {}, discovered: false };
  const warnings = (inventory: Inventory) => history.warnings({ id: "1", inventory }).map(({ what }) => what);
  return { db, history, node, warnings };
}

Deno.test("a change is flagged until it is undone or accepted, over restarts and further boots", () => {
  const { db, history, node } = open();
  const poor = { ...FULL, cpus: 8 };
  history.record(node, FULL);
  history.record({ ...node, inventory: FULL }, poor);
  history.record({ ...node, inventory: poor }, poor);
  const again = open({ db });
  assert.deepEqual(again.warnings(poor), ["it has 8 processors instead of 16"]);
  again.history.record({ ...node, inventory: poor }, FULL);
  assert.deepEqual(again.warnings(FULL), []);
  again.history.record({ ...node, inventory: FULL }, poor);
  again.history.accept(node);
  assert.deepEqual(again.warnings(poor), []);
  assert.deepEqual(open({ db }).warnings(poor), []);
  assert.deepEqual(again.history.list(node).map(({ changes }) => changes), [
    ["it has 8 processors instead of 16"],
    ["it has 16 processors instead of 8"],
    ["it has 8 processors instead of 16"],
    [],
  ]);
});

Deno.test("a failing disk is flagged even if it was failing from the beginning", () => {
  const { history, node, warnings } = open();
  const failing = {
    ...FULL,
    disks: [{ ...sda, health: { verdict: "failing" as const, reasons: ["it is worn out"] } }],
  };
  history.record(node, failing);
  history.accept(node);
  assert.deepEqual(warnings(failing), ["the disk sda (serial S1, 480.0 GB) is failing: it is worn out"]);
});

Deno.test("what only a discovery reads is kept by the boots after it", () => {
  const { history, node } = open();
  const quick = { ...FULL, management: { interface: "KCS" }, nics: [eth0, { name: "eth1", mac: eth1.mac }] };
  const merged = history.record({ ...node, inventory: FULL }, quick);
  assert.deepEqual(merged.nics[1]?.neighbour, eth1.neighbour);
  assert.deepEqual(merged.management, { address: "10.1.0.7", interface: "KCS" });
});

Deno.test("the history of a node is bounded", () => {
  const { history, node } = open();
  let before: Inventory | undefined;
  for (let i = 1; i <= 50; i++) {
    const inventory = { ...FULL, cpus: i };
    history.record({ ...node, ...(before && { inventory: before }) }, inventory);
    before = inventory;
  }
  const list = history.list(node);
  assert.deepEqual([list.length, list[0]?.inventory.cpus], [20, 50]);
});

Deno.test("the first report of a node that an earlier release knew begins its history", () => {
  const { history, node } = open();
  history.record({ ...node, inventory: FULL }, FULL);
  assert.deepEqual(history.list(node).map(({ changes }) => changes), [[]]);
});
