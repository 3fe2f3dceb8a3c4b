/** Properties that cannot be recreated are reported at capture or in the plan, before a disk is touched. */
import assert from "node:assert/strict";
import { RackseedError } from "#contract/errors.ts";
import type { Header } from "#contract/format/manifest.ts";
import { obstaclesToBoot } from "../../agent/capture/bootability.ts";
import {
  foreseeDisk,
  judgeDisk,
  mendOrGiveUp,
  type RestoreRequest,
} from "../../agent/install/restore/judge_disk.ts";
import { runCommand as run } from "../../agent/sys/command.ts";
import { LoopDisk } from "./loop_disk.ts";
import {
  dumped,
  ESP_TABLE,
  makeTemplate,
  missingForProperties,
  ROOT,
  TABLE,
  tableOf,
  type Template,
} from "./properties_template.ts";
import { carryOut, GIB, planFor } from "./template_disk.ts";

if (missingForProperties) console.log(`skipped: obstacles: ${missingForProperties}`);
const test = (name: string, fn: () => Promise<void>) =>
  Deno.test({ name, fn, ignore: missingForProperties !== undefined });

const installOn = async (disk: LoopDisk, header: Header) => await carryOut(await planFor(header, disk));

/** The first and last MiB, which a new table or file system would change. */
async function ends(device: string): Promise<string> {
  return (await run(["sh", "-c", 'head -c 1M "$0" | sha256sum; tail -c 1M "$0" | sha256sum', device])).stdout;
}

type Change = (header: Header) => void;
const rootOf = ({ layout }: Header) => layout?.fileSystems.find(({ mountPoint }) => mountPoint === "/");
const refusals: { name: string; table?: string; change: Change; says: RegExp }[] = [
  {
    name: "a feature that mke2fs does not know",
    change: (header) => rootOf(header)?.mkfs.features.push("compression"),
    says: /cannot make \/ \(ext4\) of web@1 on this disk; nothing was written.*Invalid filesystem option/,
  },
  {
    name: "more inodes than there is room for",
    change: (header) => {
      const root = rootOf(header);
      if (root) root.mkfs.inodes = 2 ** 31;
    },
    says: /too big for a\s+filesystem/,
  },
  {
    name: "an XFS of a size that mkfs.xfs does not make",
    table: TABLE.replace("size=900M", "size=250M"),
    change: (header) => {
      const root = rootOf(header);
      if (root) Object.assign(root, { type: "xfs", mkfs: { features: [] } });
    },
    says: /Filesystem must be larger than 300MB/,
  },
  {
    name: "partitions that overlap",
    change: (header) => {
      const partition = header.layout?.disks[0]?.partitions.find((p) => p.number === 5);
      if (partition) partition.startSector -= 2048;
    },
    says: /its layout contradicts itself at disk 0 partition 3/,
  },
];
for (const { name, table = TABLE, change, says } of refusals) {
  test(`a property that the image's programs refuse is reported before the disk is touched: ${name}`, async () => {
    const { header, disk: source } = await makeTemplate({ table, systems: { 3: ROOT } });
    await using _source = source;
    change(header);
    await using disk = await LoopDisk.make({ sizeBytes: GIB });
    await run(["mkfs.ext4", "-q", "-F", disk.device]);
    const before = await ends(disk.device);
    await assert.rejects(
      installOn(disk, header),
      (error) => error instanceof RackseedError && says.test(`${error.title}: ${error.reason}`),
    );
    assert.equal(await ends(disk.device), before);
  });
}

const reported: { name: string; template: Template; note?: RegExp; lack?: RegExp }[] = [
  {
    name: "a journal on another device",
    template: {
      table: TABLE,
      systems: {
        3: {
          type: "ext4",
          at: "/",
          made: ["mke2fs -q -F -b 4096 -O journal_dev $(echo DEVICE | sed s/3$/5/)"].concat(
            "mke2fs -q -F -b 4096 -t ext4 -J device=$(echo DEVICE | sed s/3$/5/) DEVICE",
          ),
        },
      },
    },
    lack: /\/ \(ext4\): its journal is on another device/,
  },
  {
    name: "a log of XFS on another device",
    template: {
      table: TABLE.replace("size=64M", "size=100M").replace("size=900M", "size=800M"),
      systems: {
        3: {
          type: "xfs",
          at: "/",
          made: ["mkfs.xfs -q -f -l size=90m,logdev=$(echo DEVICE | sed s/3$/5/) DEVICE"],
        },
      },
    },
    lack: /\/ \(xfs\): its log is on another device/,
  },
  {
    name: "quotas",
    template: {
      table: TABLE,
      systems: { 3: { ...ROOT, made: ["mke2fs -q -F -t ext4 -O quota DEVICE"] } },
    },
    note: /\/ \(ext4\): the limits of its disk quotas.*usage is counted afresh/,
  },
  {
    name: "encrypted directories",
    template: {
      table: TABLE,
      systems: { 3: { ...ROOT, made: ["mke2fs -q -F -t ext4 -O encrypt,verity DEVICE"] } },
    },
    note: /encrypted directories are captured in the clear/,
  },
  {
    name: "mount options that tune2fs cannot write",
    template: {
      table: TABLE,
      systems: {
        3: {
          ...ROOT,
          made: [
            ...ROOT.made,
            `debugfs -w -R 'set_super_value mount_opts "nobarrier,data=writeback"' DEVICE`,
          ],
        },
      },
    },
    note: /mount options in its superblock \(nobarrier,data=writeback\)/,
  },
  {
    name: "a label in the boot sector of its own",
    template: {
      table: ESP_TABLE.replace("ESP", "100"),
      systems: {
        1: {
          type: "vfat",
          at: "/boot/efi",
          made: ["mkfs.vfat -F 32 -n ESP DEVICE", "mlabel -i DEVICE ::OTHER"].concat(
            "printf 'FORMER     ' | dd of=DEVICE bs=1 seek=71 conv=notrunc 2>&1",
          ),
        },
        3: ROOT,
      },
    },
    note: /the label in its boot sector is 'FORMER'.*OTHER/,
  },
  {
    name: "a hybrid MBR",
    template: {
      table: TABLE,
      systems: { 3: ROOT },
      change: async ({ device }) => {
        using disk = await Deno.open(device, { write: true });
        await disk.seek(446 + 16 + 4, Deno.SeekMode.Start);
        await disk.write(new Uint8Array([0x83]));
      },
    },
    note: /its hybrid MBR is not captured/,
  },
];
for (const { name, template, note, lack } of reported) {
  test(`a property that a clone will lack is reported at capture: ${name}`, async () => {
    const { header, disk, notes } = await makeTemplate(template);
    await using _disk = disk;
    if (note) assert.match(notes.join("; "), note);
    if (!lack) return;
    const { source, layout } = header;
    assert(source && layout);
    const presence = { programs: new Set<string>(), paths: new Set<string>() };
    const lacks = obstaclesToBoot({ layout, unseen: [], notes }, { source, presence });
    assert(lacks.some((l) => lack.test(l)), lacks.join("; "));
    await using other = await LoopDisk.make({ sizeBytes: 2 * GIB });
    await assert.rejects(installOn(other, header), /cannot be reproduced|cannot install web@1/);
  });
}

const labels = [
  { name: "a Sun label", start: 32_130, says: /its partition table is of the type sun/ },
  {
    name: "a label under its first partition",
    start: 0,
    says: /does not find the partition loop\d+p1 in its/,
  },
];
for (const { name, start, says } of labels) {
  test(`a disk with ${name} is described at capture and refused by the plan`, async () => {
    const table = `label: sun\n1 : start=${start}, size=500M, type=83\n`;
    const { header, disk } = await makeTemplate({ table, systems: { 1: ROOT } });
    await using _disk = disk;
    assert.match(header.layout?.disks[0]?.obstacle ?? "", says);
    await using other = await LoopDisk.make({ sizeBytes: 2 * GIB });
    await assert.rejects(
      installOn(other, header),
      (error) => error instanceof RackseedError && says.test(error.reason),
    );
  });
}

test("a restore resets properties that were changed on the machine, and still trusts its files", async () => {
  const systems = { 3: { ...ROOT, made: [...ROOT.made, "tune2fs -m 0 -e remount-ro DEVICE"] } };
  const marked = (disk: LoopDisk) =>
    run(["sfdisk", "--no-reread", "--no-tell-kernel", "--activate", disk.device, "1"]);
  const { header, disk: source } = await makeTemplate({ table: TABLE, systems, change: marked });
  await using _source = source;
  await using disk = await LoopDisk.make({ sizeBytes: GIB });
  const plan = await planFor(header, disk);
  const target = await carryOut(plan);
  const request: RestoreRequest = {
    order: {
      node: "n1",
      manifest: { id: "a".repeat(64), signature: "", publicKey: "", header: "" },
      restore: { keep: [], dryRun: false, nodes: 1 },
    },
    plan,
    layout: undefined,
    run,
  };
  const mend = async () => {
    const verdict = await judgeDisk(target, request);
    assert(verdict.fits);
    const mended = await mendOrGiveUp(target, { ...request, state: verdict.state, onFormat: () => {} });
    assert(mended.fits);
    return { found: verdict.message, ...mended };
  };
  assert.equal((await judgeDisk(target, request)).message, "the disk's layout is the planned one");
  const wanted = await dumped(disk.partition(3));
  await run(["tune2fs", "-m", "5", "-e", "continue", "-o", "discard", disk.partition(3)]);
  assert.match(
    (await foreseeDisk(target, request)).message,
    /^\/ would get the template's reserved blocks/,
  );
  assert.notDeepEqual(await dumped(disk.partition(3)), wanted, "a dry run must not change anything");
  const real = await mend();
  assert.match(real.message, /^\/ got the template's reserved blocks/);
  assert.equal(real.isDoubtful, false, "its files are trusted");
  assert.deepEqual(await dumped(disk.partition(3)), wanted);
  await run(["sfdisk", "--no-reread", "--no-tell-kernel", "--activate", disk.device, "-"]);
  assert.match((await mend()).found, /partition table is rewritten/);
  assert.deepEqual(await tableOf(disk), await tableOf(source));
});
