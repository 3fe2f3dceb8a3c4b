import assert from "node:assert/strict";
import { runInSmallVm, smallVmNeeds } from "../../scripts/lab/small_vm.ts";
import { needs } from "../support/needs.ts";

const script = `
export DM_DISABLE_UDEV=1
mdadm --create /dev/md0 --quiet --run --level=1 --raid-devices=2 --metadata=1.2 /dev/vdb /dev/vdc
pvcreate -q /dev/md0; vgcreate -q vg0 /dev/md0
lvcreate -q -W y -y -n data -L 100M vg0
printf secret | cryptsetup luksFormat -q --pbkdf pbkdf2 --pbkdf-force-iterations 1000 /dev/vg0/data -
printf secret | cryptsetup open /dev/vg0/data plain -
mkfs.vfat /dev/mapper/plain; mount /dev/mapper/plain /mnt; echo kept > /mnt/file; umount /mnt
echo "sectors of $(cat /sys/block/vdc/queue/logical_block_size), $(cat /sys/block/vdc/serial)"
echo "lost" > README.md
deno eval 'console.log("Deno runs")'
exit 3
`;

Deno.test({
  name: "the small VM has MD, LVM, LUKS and vfat; its script's status and output come back, its files do not",
  ...needs(smallVmNeeds),
  async fn() {
    const folder = await Deno.makeTempDir();
    try {
      const disks = [{ path: `${folder}/a` }, {
        path: `${folder}/b`,
        sectorSize: 4096 as const,
        serial: "second",
      }];
      for (const { path } of disks) {
        await Deno.writeFile(path, new Uint8Array());
        await Deno.truncate(path, 200 << 20);
      }
      const before = await Deno.readTextFile("README.md");
      const { code, output } = await runInSmallVm({ disks, script });
      assert.equal(code, 3, output);
      assert.match(output, /^sectors of 4096, second$/m);
      assert.match(output, /^Deno runs$/m);
      assert.equal(await Deno.readTextFile("README.md"), before);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
