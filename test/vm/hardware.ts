/**
 * What an agent reads of disks, firmware and the management controller of a machine that has them:
 * `deno test -A --no-check test/vm/hardware.ts`. QEMU's NVMe disk can be told that it fails; its SATA disk has SMART.
 */
import assert from "node:assert/strict";
import { Inventory } from "#contract/api.ts";
import { runInSmallVm, smallVmNeeds } from "../../scripts/lab/small_vm.ts";
import { needs } from "../support/needs.ts";

const script = `
modprobe -a nvme ahci sd_mod ipmi_si ipmi_devintf || true
for i in 1 2 3 4 5 6 7 8 9; do [ -e /dev/sda ] && [ -e /dev/nvme1n1 ] && break; sleep 1; done
deno run -A --no-check test/support/print_inventory.ts
`;

Deno.test({
  name: "NVMe and SATA disks tell their health, firmware its memory modules, IPMI the controller's firmware",
  ...needs(smallVmNeeds),
  async fn() {
    const folder = await Deno.makeTempDir();
    try {
      const image = async (name: string) => {
        await Deno.create(`${folder}/${name}`).then((file) => file.close());
        await Deno.truncate(`${folder}/${name}`, 64 << 20);
        return `file=${folder}/${name},format=raw,if=none,id=${name}`;
      };
      const devices = [
        ...["-drive", await image("good"), "-device", "nvme,drive=good,serial=GOOD"],
        ...["-drive", await image("bad"), "-device", "nvme,drive=bad,serial=BAD,smart_critical_warning=4"],
        ...["-drive", await image("sata"), "-device", "ide-hd,drive=sata,bus=ide.0,serial=SATA"],
        ...["-device", "ipmi-bmc-sim,id=bmc", "-device", "isa-ipmi-kcs,bmc=bmc"],
        ...["-smbios", "type=2,manufacturer=Maker,product=Board,serial=B1"],
      ];
      const { code, output } = await runInSmallVm({ script, devices, timeoutMs: 600_000 });
      assert.equal(code, 0, output);
      const inventory = Inventory.parse(JSON.parse(/^INVENTORY (.*)$/m.exec(output)?.[1] ?? ""));
      const health = Object.fromEntries(inventory.disks.map((disk) => [disk.serial, disk.health?.verdict]));
      assert.deepEqual([health.GOOD, health.BAD, health.SATA], ["good", "failing", "good"], output);
      assert.ok((inventory.memory?.dimms[0]?.sizeBytes ?? 0) >= 1 << 30, output);
      assert.deepEqual([inventory.board?.maker, inventory.board?.serial], ["Maker", "B1"]);
      assert.equal(inventory.management?.interface, "KCS");
      assert.match(inventory.management?.firmware ?? "", /^\d+\.\d\d$/);
      assert.ok(inventory.devices?.some(({ class: kind }) => kind === "0108"), output);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
