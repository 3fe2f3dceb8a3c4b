/** A disk that the kernel shows twice, as a storage array's over two cables. */
import assert from "node:assert/strict";
import type { DiskFacts } from "#contract/disk_facts.ts";
import { readDisks } from "../../agent/layout/disks.ts";
import { TargetDisks } from "../../agent/install/disk/guard.ts";
import { makeVolumes } from "../../agent/install/disk/make_volumes.ts";
import { formatDisk } from "../../agent/install/disk/partition.ts";
import { runCommand as run } from "../../agent/sys/command.ts";
import { inSmallVm } from "./in_small_vm.ts";
import { format, partition, planOf, table } from "./plans.ts";

const ROOT = "11111111-1111-4111-8111-111111111111";
const MIB = 1 << 20;

/** Two hosts that show one memory under one WWID; the kernel still looks for disks when modprobe has ended. */
async function twoPaths(): Promise<DiskFacts[]> {
  await run(["modprobe", "sd_mod"]);
  await run(["modprobe", "scsi_debug", "vpd_use_hostno=0", "add_host=2", "dev_size_mb=128"]);
  for (let attempt = 0;; attempt++) {
    const found = (await readDisks()).filter(({ model }) => model === "scsi_debug");
    if (found.some(({ paths }) => paths?.length === 2) || attempt === 100) return found;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

inSmallVm(
  "two paths to one disk are one disk: proven by both, written by one, the same by the other",
  async () => {
    const [facts, ...others] = await twoPaths();
    assert.ok(facts);
    assert.deepEqual(others, []);
    const [first = "", second = ""] = facts.paths ?? [];
    assert.deepEqual([facts.name, facts.uses], [first, []]);
    const empty = await planOf(0, [table(0, 64), ...format(partition(0, 1), "/", "ext4", ROOT)]);
    const plan = { ...empty, disks: [{ number: 0, facts, because: "a test" }] };
    {
      // what holds the other path holds the disk
      await run(["mkfs.ext4", "-q", "-F", `/dev/${second}`]);
      await run(["mount", `/dev/${second}`, "/mnt"]);
      try {
        await assert.rejects(TargetDisks.prove(plan), { reason: new RegExp(`${second} is mounted on /mnt`) });
      } finally {
        await run(["umount", "/mnt"]);
      }
    }
    const target = await TargetDisks.prove(plan);
    assert.equal(target.whole(), `/dev/${first}`);
    {
      await using _made = await makeVolumes(target, { plan, onMake: () => {}, run });
      await formatDisk(target, { plan, onFormat: () => {}, run });
    }
    await run(["blockdev", "--flushbufs", `/dev/${second}`]);
    const seen = await run(["blkid", "-p", "-o", "export", "-O", String(MIB), `/dev/${second}`]);
    assert.match(seen.stdout, new RegExp(`^UUID=${ROOT}$`, "m"));
    await run(["modprobe", "--remove", "scsi_debug"]);
  },
);
