import assert from "node:assert/strict";
import type { DiskLayout } from "#contract/format/layout.ts";
import { type CloneDisk, TemplateDisks } from "./template_disks.ts";
import { GPT_LAYOUT, NVME, onDisk, rewritten, ROOT, SWAP } from "./testing/layouts.ts";

const THEIRS = "360014051a2b3c4d5e6f708192a3b4c5d", OURS = "360014059f8e7d6c5b4a392817a6b5c4d";
const OTHER = "360000000000000000e00000000010001";
const layout: DiskLayout = {
  ...GPT_LAYOUT,
  disks: GPT_LAYOUT.disks.map((disk) => ({
    ...disk,
    names: [
      "/dev/mapper/mpatha",
      "/dev/disk/by-id/dm-name-mpatha",
      `/dev/disk/by-id/dm-uuid-mpath-${THEIRS}`,
    ],
  })),
};
const twoPaths: CloneDisk = { name: "sdb", names: [`/dev/disk/by-id/scsi-${OURS}`], paths: ["sdb", "sdd"] };
const on = (path: string, text: string, disk: CloneDisk) =>
  rewritten(path, text, { layout, clone: onDisk(disk) }).text;

const WWIDS = `# Valid WWIDs:\n/${THEIRS}/\n/${OTHER}/\n`, BINDINGS = `mpatha ${THEIRS}\nmpathb ${OTHER}\n`;

Deno.test("multipathd's lists name the clone's disk, and those of other storage as before", () => {
  assert.equal(on("/etc/multipath/wwids", WWIDS, twoPaths), WWIDS.replace(THEIRS, OURS));
  assert.equal(on("/etc/multipath/bindings", BINDINGS, twoPaths), BINDINGS.replace(THEIRS, OURS));
  const settings = `multipaths {\n multipath {\n  wwid "${THEIRS}"\n  alias system\n }\n}\n`;
  assert.equal(on("/etc/multipath.conf", settings, twoPaths), settings.replace(THEIRS, OURS));
});

Deno.test("a clone's disk with one path is left to the kernel", () => {
  for (const disk of [NVME, { ...twoPaths, paths: ["sdb"] }]) {
    assert.equal(on("/etc/multipath/wwids", WWIDS, disk), `# Valid WWIDs:\n/${OTHER}/\n`);
    assert.equal(on("/etc/multipath/bindings", BINDINGS, disk), `mpathb ${OTHER}\n`);
  }
});

Deno.test("names of the joined disk and its partitions, as kpartx, udev and fdisk write them, mean the disk", () => {
  const disks = new TemplateDisks(layout, onDisk(twoPaths));
  for (const name of ["mapper/mpatha-part2", "mapper/mpatha2", "disk/by-id/dm-name-mpatha-part2"]) {
    assert.deepEqual(disks.meaning(`/dev/${name}`), { is: "partition", disk: 0, number: 2 });
  }
  assert.deepEqual(disks.meaning("/dev/mapper/mpatha"), { is: "disk", disk: 0 });
  assert.deepEqual(disks.meaning("/dev/mapper/mpathb-part2"), { is: "no disk" });
  assert.equal(
    on(
      "/etc/fstab",
      "/dev/mapper/mpatha-part2 / ext4 defaults 0 1\n/dev/mapper/mpatha-part3 none swap sw 0 0\n",
      twoPaths,
    ),
    `UUID=${ROOT} / ext4 defaults 0 1\nUUID=${SWAP} none swap sw 0 0\n`,
  );
});
