import assert from "node:assert/strict";
import type { DiskFacts } from "#contract/disk_facts.ts";
import { LeaveDisk } from "#contract/api/disks.ts";
import { leftAlone } from "./leave_disks.ts";
import { disk } from "./testing/templates.ts";

const BY_PATH = "/dev/disk/by-path/pci-0000:00:1f.2-ata-1";
const BY_ID = "/dev/disk/by-id/wwn-0x5002538d40b1b5c1";

const cases: [pattern: string, facts: Partial<DiskFacts>, isLeft: boolean][] = [
  [BY_PATH, { names: [BY_PATH, BY_ID] }, true],
  [BY_ID, { names: [BY_PATH, BY_ID] }, true],
  ["/dev/disk/by-path/pci-0000:00:1f.2-ata-?", { names: [BY_PATH] }, true],
  ["/dev/disk/by-path/pci-*-ata-1", { names: [BY_PATH] }, true],
  ["/dev/disk/by-path/*1f*ata*2", { names: [BY_PATH] }, false],
  ["/dev/disk/by-id/*", { names: [BY_PATH] }, false],
  ["/dev/disk/by-path/pci-0000:00:1f.2-ata", { names: [BY_PATH] }, false],
  ["/dev/disk/by-path/pci-0000:00:1f.2-ata-10", { names: [BY_PATH] }, false],
  [">2TB", { sizeBytes: 2e12 }, false],
  [">2TB", { sizeBytes: 2e12 + 512 }, true],
  [">2TiB", { sizeBytes: 2.1e12 }, false],
  ["<64GB", { sizeBytes: 63.9e9 }, true],
  ["<64GB", { sizeBytes: 64e9 }, false],
  ["<0.5TB", { sizeBytes: 480e9 }, true],
  ["<512MiB", { sizeBytes: 512 << 20 }, false],
  ["label=DATA", { labels: ["root", "DATA"] }, true],
  ["label=DATA", { labels: ["data"] }, false],
  ["label=data-*", { labels: ["data-7"] }, true],
  ["label=my data, too", { labels: ["my data, too"] }, true],
  ["label=DATA", { labels: [] }, false],
];
for (const [pattern, facts, isLeft] of cases) {
  Deno.test(`${pattern} ${isLeft ? "covers" : "does not cover"} ${JSON.stringify(facts)}`, () => {
    assert(LeaveDisk.safeParse(pattern).success);
    assert.equal(leftAlone(disk(facts), [pattern]) !== undefined, isLeft);
  });
}

Deno.test("a disk whose labels were not read is left alone if one of them could be meant", () => {
  const { labels: _, ...unread } = disk();
  assert.match(leftAlone(unread, ["label=DATA"]) ?? "", /labels are not known/);
  assert.equal(leftAlone(unread, [">2TB"]), undefined);
});

Deno.test("any pattern covers, and none covers nothing", () => {
  assert.match(leftAlone(disk({ sizeBytes: 3e12 }), [BY_ID, ">2TB"]) ?? "", /\(>2TB\)$/);
  assert.equal(leftAlone(disk(), []), undefined);
});

Deno.test("a pattern full of stars is decided at once", () => {
  const name = `/dev/disk/by-id/${"a".repeat(230)}`;
  const began = performance.now();
  assert.equal(leftAlone(disk({ names: [name] }), [`/dev/disk/by-id/${"*a".repeat(115)}b`]), undefined);
  assert(performance.now() - began < 100);
});

for (
  const wrong of [
    "sda",
    "/dev/sda",
    ">2",
    "2TB",
    ">2KB",
    ">=2TB",
    "label=",
    "label=a\nb",
    "/dev/disk/by-uuid/x",
    "*",
  ]
) {
  Deno.test(`not a pattern: ${JSON.stringify(wrong)}`, () => assert(!LeaveDisk.safeParse(wrong).success));
}
