/** What a machine reports about its disks is enough to plan with, and names all that is on them. */
import assert from "node:assert/strict";
import { machineInventory } from "../../agent/steps/inventory.ts";
import { readDisk } from "../../agent/layout/disks.ts";
import { runCommand as run } from "../../agent/sys/command.ts";
import { disksOfInventory } from "#contract/disk_facts.ts";
import { Inventory } from "#contract/api.ts";
import { LoopDisk, missingForDisks } from "./loop_disk.ts";

const missing = missingForDisks(["sfdisk", "mkfs.ext4", "wipefs", "mkswap"]);

async function inventoryOf(disk: LoopDisk): Promise<Inventory> {
  const facts = await readDisk(disk.name);
  assert.ok(facts);
  const inventory = await machineInventory({ disks: [facts], run });
  return Inventory.parse(JSON.parse(JSON.stringify(inventory)));
}

Deno.test({
  name: "a reported disk is the same to the planner as the disk itself",
  ignore: missing !== undefined,
  fn: async () => {
    await using disk = await LoopDisk.make({ sizeBytes: 64 << 20 });
    const table = "label: gpt\nstart=1MiB, size=40MiB\nstart=41MiB, size=8MiB\n";
    await run(["sfdisk", "-q", disk.device], { input: table });
    await run(["partx", "--update", disk.device], { accept: [0, 1] });
    await run(["mkfs.ext4", "-q", "-L", "MY DATA", disk.partition(1)]);
    await run(["mkswap", "-L", "swap,1", disk.partition(2)]);
    const inventory = await inventoryOf(disk);
    const [facts] = disksOfInventory(inventory) ?? [];
    assert.deepEqual(facts, {
      ...await readDisk(disk.name),
      content: "gpt: ext4 'MY DATA', swap 'swap,1'",
      labels: ["MY DATA", "swap,1"],
      signatures: facts?.signatures,
    });
    assert.deepEqual(new Set(facts?.signatures), new Set(["gpt", "PMBR", "ext4", "swap"]));
  },
});

Deno.test({
  name: "a disk with two kinds of content at once is reported with both, and stops nothing",
  ignore: missing !== undefined,
  fn: async () => {
    await using disk = await LoopDisk.make({ sizeBytes: 64 << 20 });
    await run(["mkfs.ext4", "-q", disk.device]);
    // a swap signature in the file system's free first block: blkid calls this ambivalent
    await run(["dd", "if=/dev/zero", `of=${disk.device}`, "bs=1k", "count=1", "status=none"]);
    await run([
      "sh",
      "-c",
      `printf SWAPSPACE2 | dd of=${disk.device} bs=1 seek=4086 conv=notrunc status=none`,
    ]);
    const { disks: [found] } = await inventoryOf(disk);
    assert.ok(found?.signatures?.includes("ext4"), JSON.stringify(found));
    assert.match(found?.content ?? "", /ext4/);
  },
});

Deno.test("what a directory or an agent of an earlier release reports is not enough to plan with", () => {
  const disks = [{ name: "sda", sizeBytes: 1e9, sectorBytes: 512, removable: false, content: "" }];
  const machine: Inventory = { kind: "machine", firmware: "bios", memoryBytes: 1, cpus: 1, nics: [], disks };
  assert.equal(disksOfInventory(machine), undefined);
  assert.equal(disksOfInventory({ ...machine, kind: "directory", disks: [] }), undefined);
  assert.deepEqual(disksOfInventory({ ...machine, disks: [] }), []);
});
