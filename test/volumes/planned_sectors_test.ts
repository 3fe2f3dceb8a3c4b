/** Disks with sectors of 4096 bytes: from templates with the same, with 512, and the other way round. */
import { Template } from "#plan/testing/template.ts";
import { DISKS, DISKS_4KN, inSmallVm } from "./in_small_vm.ts";
import { carriedOut, MIB, onEach } from "./planned.ts";

const usedBytes = 10 * MIB;

/** MD RAID 1 of two disks with LVM on LUKS, or on the array itself; /boot on an array of its own. */
function mirrored(sectorBytes: 512 | 4096, { isEncrypted }: { isEncrypted: boolean }): Template {
  const t = new Template("uefi");
  const first = t.disk({ gib: 0.9, sectorBytes });
  // FAT 32 has at least 65 525 clusters, with sectors of 4096 bytes 256 MiB
  const esp = t.partition(first, { mib: 300, kind: "esp" });
  t.partition(first, { mib: 100, kind: "raid" });
  t.partition(first, { kind: "raid" });
  const disks = [first, t.copyOf(first)];
  t.fileSystem(esp, "/boot/efi", { type: "vfat", usedBytes: MIB });
  t.fileSystem(t.md("boot", onEach(disks, 2), { metadata: "1.0" }), "/boot", { usedBytes });
  const pv = t.md("pv", onEach(disks, 3));
  t.group("vg", [isEncrypted ? t.luks("crypt", pv, { sectorBytes }) : pv]);
  t.fileSystem(t.lv("vg", "root", { gib: 0.375, type: "linear" }), "/", {
    type: "xfs",
    usedBytes,
    mkfs: { features: [], blockBytes: 4096 },
  });
  t.swap(t.lv("vg", "swap", { gib: 0.0625 }));
  return t;
}

for (const [from, to] of [[4096, 4096], [512, 4096], [4096, 512]] as const) {
  const isEncrypted = from !== to;
  const on = to === 4096 ? DISKS_4KN : DISKS.slice(0, 2);
  inSmallVm(`LVM on ${isEncrypted ? "LUKS on " : ""}MD, from sectors of ${from} bytes to ${to}`, async () => {
    await carriedOut(mirrored(from, { isEncrypted }), { on });
  });
}
