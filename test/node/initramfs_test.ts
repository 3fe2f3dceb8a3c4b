/** A clone's initramfs, made by the real programs in a real Debian's tree. */
import assert from "node:assert/strict";
import { GRUB_ONLY } from "#contract/format/boot.ts";
import { bootTexts } from "../../agent/boot_config/boot_texts.ts";
import { GPT_LAYOUT, NVME, onDisk, ROOT } from "../../agent/disk_references/testing/layouts.ts";
import { TemplateDisks } from "../../agent/disk_references/template_disks.ts";
import { fitToDisk } from "../../agent/install/fit/fit_to_disk.ts";
import { runCommand as run } from "../../agent/sys/command.ts";
import { debianTree, disksFor, prepare, required } from "./initramfs_tree.ts";

Deno.test({
  name:
    "initramfs-tools makes an initramfs for any machine, and its settings are left as they were but for the key",
  ...required,
  async fn() {
    await using tree = await debianTree();
    const { clone, release } = tree, image = `/boot/initrd.img-${release}`;
    await prepare(clone, image);
    await clone.write(`/boot/vmlinuz-${release}`, { text: "", mode: 0o600 });
    await clone.write(`/boot/config-${release}`, { text: "CONFIG_RD_GZIP=y\n", mode: 0o600 });
    await clone.write("/etc/initramfs-tools/conf.d/driver-policy", { text: "MODULES=dep\n", mode: 0o644 });
    const { rewritten } = await fitToDisk(clone, {
      disks: disksFor("initramfs-tools"),
      drivers: ["nvme"],
      swapFiles: [],
      run,
    });
    assert.ok(rewritten.includes(image), rewritten.join());
    const { stdout } = await run(["lsinitramfs", image], { root: clone.root, timeoutMs: 300_000 });
    assert.match(stdout, /nvme\.ko/);
    assert.match(stdout, /megaraid_sas\.ko/);
    assert.equal((await Deno.stat(`${clone.root}${image}`)).mode! & 0o077, 0);
    assert.match(
      await clone.text("/etc/cryptsetup-initramfs/conf-hook") ?? "",
      /^KEYFILE_PATTERN="\/etc\/cryptsetup-keys\.d\/crypt\.key"$/m,
    );
  },
});

Deno.test({
  name: "a failure is fatal only if the clone would not boot",
  ...required,
  async fn() {
    await using tree = await debianTree();
    const { clone } = tree;
    await clone.write("/etc/crypttab", { text: "crypt /dev/sda2 none luks\n", mode: 0o644 });
    // there is no initramfs to make again
    await assert.rejects(
      fitToDisk(clone, { disks: disksFor("dracut"), drivers: ["nvme"], swapFiles: [], run }),
      /cannot make the clone's initramfs: .*this machine needs nvme.*Remedy: check `dracut/,
    );
    const plain = new TemplateDisks(
      { ...GPT_LAYOUT, boot: { ...GRUB_ONLY, initramfs: "dracut", hostOnly: true, drivers: ["nvme"] } },
      onDisk(NVME),
    );
    await clone.write("/etc/mdadm/mdadm.conf", { text: "DEVICE /dev/sda4\n", mode: 0o644 });
    const { notes } = await fitToDisk(clone, { disks: plain, drivers: ["nvme"], swapFiles: [], run });
    assert.match(notes.join("\n"), /the initramfs is still the template's: no initramfs that dracut made/);
  },
});

Deno.test({
  name:
    "a unified kernel image that names the template's disk is made again by dracut; a broken one is passed over",
  ...required,
  async fn() {
    await using tree = await debianTree();
    const { clone, release, programs, kernel } = tree, folder = "/boot/efi/EFI/Linux";
    const image = `${folder}/debian-${release}.efi`;
    await clone.write(`${folder}/broken.efi`, { text: "MZ", mode: 0o600 });
    await clone.write("/tmp/cmdline", { text: "root=/dev/sda2 ro quiet\0", mode: 0o600 });
    await run([
      ...["objcopy", "--add-section", `.cmdline=${clone.root}/tmp/cmdline`, "--change-section-vma"] as const,
      ...[
        ".cmdline=0x30000",
        `${programs}/usr/lib/systemd/boot/efi/linuxx64.efi.stub`,
        `${clone.root}${image}`,
      ],
    ]);
    assert.deepEqual(await bootTexts(clone), [{ path: image, text: "root=/dev/sda2 ro quiet" }]);
    await clone.replace(`/boot/vmlinuz-${release}`, (at) => Deno.copyFile(kernel, at));
    const boot = { ...GRUB_ONLY, loader: "uki" as const, initramfs: "dracut" as const };
    const disks = new TemplateDisks({ ...GPT_LAYOUT, boot }, onDisk(NVME, "uefi"));
    const { rewritten } = await fitToDisk(clone, { disks, drivers: [], swapFiles: [], run });
    assert.deepEqual(rewritten, [image]);
    assert.deepEqual(await bootTexts(clone), [{ path: image, text: `root=UUID=${ROOT} ro quiet` }]);
  },
});
