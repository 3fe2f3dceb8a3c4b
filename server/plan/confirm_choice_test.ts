/** What changes between the plan and the first write stops the installation. */
import assert from "node:assert/strict";
import type { DiskFacts } from "#contract/disk_facts.ts";
import { confirmChoice, planInstall, type PlanRequest } from "./plan.ts";
import * as layouts from "./testing/layouts.ts";
import { machineDisk } from "./testing/template.ts";

const RAID = 40;
const disk = (at: number, more: Partial<DiskFacts> & { gib?: number } = {}) =>
  machineDisk(at, { gib: 20, ...more });
const pair = () => [machineDisk(0, { gib: RAID }), machineDisk(1, { gib: RAID })];

const plain: PlanRequest = {
  node: "n1",
  header: layouts.plainBios().header,
  firmware: "bios",
  disks: [disk(0, { serial: "A" })],
};
const mirror: PlanRequest = {
  ...plain,
  header: layouts.debianRaid().header,
  disks: pair(),
};
const changes: { name: string; request: PlanRequest; now: readonly DiskFacts[]; says: RegExp }[] = [
  { name: "another disk appears", request: plain, now: [disk(0, { serial: "A" }), disk(1)], says: /choose/ },
  { name: "the disk is gone", request: plain, now: [], says: /shows no disk/ },
  {
    name: "another disk has taken its name",
    request: plain,
    now: [{ ...disk(1), name: "sda" }],
    says: /the plan was made for/,
  },
  { name: "the disk has shrunk", request: plain, now: [disk(0, { gib: 3 })], says: /too small/ },
  {
    name: "the disk is in use by now",
    request: plain,
    now: [disk(0, { uses: ["sda1 is mounted on /mnt"] })],
    says: /mounted on \/mnt/,
  },
  {
    name: "a third disk appears beside a mirror",
    request: mirror,
    now: [...pair(), machineDisk(2, { gib: RAID })],
    says: /choose/,
  },
  {
    name: "a mirror's second disk is gone",
    request: mirror,
    now: pair().slice(0, 1),
    says: /cannot find 2 disks/,
  },
  {
    name: "a mirror's disks have exchanged their names",
    request: mirror,
    now: pair().map((one, at) => ({ ...one, name: at === 0 ? "sdb" : "sda" })),
    says: /the plan was made for/,
  },
];
for (const { name, request, now, says } of changes) {
  Deno.test(`the plan is given up: ${name}`, () => {
    const plan = planInstall(request);
    confirmChoice(plan, { request, now: request.disks });
    assert.throws(() => confirmChoice(plan, { request, now }), says);
  });
}

Deno.test("a disk that appears late, and whose label nobody knows, is left alone if a label says so", () => {
  const request: PlanRequest = { ...plain, choices: { leaveDisks: ["label=archive"] } };
  const plan = planInstall(request);
  const { labels: _, ...late } = disk(1);
  const { labels: __, ...known } = disk(0, { serial: "A" });
  confirmChoice(plan, { request, now: [known, late] });
});
