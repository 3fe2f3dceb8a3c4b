/** The same as initramfs_test.ts, by dracut for a layout of many layers, which takes minutes: `deno task volumes`. */
import assert from "node:assert/strict";
import { LUKS_UUID as LUKS } from "#contract/format/testing/samples.ts";
import { initramfsLimits } from "../../agent/boot_config/initramfs_limits.ts";
import { fitToDisk } from "../../agent/install/fit/fit_to_disk.ts";
import { runCommand as run } from "../../agent/sys/command.ts";
import { ARRAY, debianTree, disksFor, KEY, prepare, required } from "./initramfs_tree.ts";

Deno.test({
  name:
    "dracut makes an initramfs with this machine's drivers, its volumes and its key, though it runs elsewhere",
  ...required,
  async fn() {
    await using tree = await debianTree();
    const { clone, kernel } = tree, image = "/boot/initramfs-main.img";
    await prepare(clone, image);
    // neither name has the release: the entry joins the two, and the kernel's header has it
    await Deno.copyFile(kernel, `${clone.root}/boot/vmlinuz-main`);
    const entry =
      "title main\nlinux /vmlinuz-main\ninitrd /initramfs-main.img\noptions root=/dev/mapper/vg-root\n";
    await clone.write("/boot/loader/entries/main.conf", { text: entry, mode: 0o644 });
    await Deno.mkdir(`${clone.root}/usr/lib/modules/9.9.9-newer`);
    await Deno.writeTextFile(`${clone.root}/usr/lib/modules/9.9.9-newer/modules.dep`, "");
    assert.deepEqual(await initramfsLimits(clone, { initramfs: "dracut" }), {});
    const { notes, rewritten } = await fitToDisk(clone, {
      disks: disksFor("dracut"),
      drivers: ["nvme", "no_such_driver"],
      swapFiles: [],
      run,
    });
    assert.deepEqual(rewritten, ["/etc/crypttab", image]);
    assert.match(
      notes.join("\n"),
      /only the template's drivers, and this machine needs nvme, no_such_driver/,
    );
    assert.match(notes.join("\n"), /LUKS volume crypt is opened by a key file/);
    assert.equal((await Deno.stat(`${clone.root}${image}`)).mode! & 0o077, 0);
    // a restore leaves it alone while nobody has changed it
    const again = { disks: disksFor("dracut"), drivers: ["nvme"], swapFiles: [], run, fitted: rewritten };
    assert.deepEqual((await fitToDisk(clone, again)).rewritten, []);
    const { stdout: list } = await run(["lsinitrd", image], { root: clone.root, timeoutMs: 300_000 });
    for (
      const file of [
        /nvme\.ko/,
        /raid1\.ko/,
        /dm-crypt\.ko/,
        /virtio_blk\.ko/,
        /usr\/sbin\/lvm/,
        /cryptsetup-keys\.d\/crypt\.key/,
      ]
    ) {
      assert.match(list, file);
    }
    const content = async (path: string) =>
      (await run(["lsinitrd", "-f", path, image], { root: clone.root, timeoutMs: 300_000 })).stdout;
    assert.equal(await content("etc/crypttab"), `crypt UUID=${LUKS} ${KEY} luks,discard\n`);
    const wanted = `rd.lvm.lv=vg/root rd.luks.uuid=${LUKS} rd.luks.name=${LUKS}=crypt rd.md.uuid=${ARRAY}`;
    const found = await Promise.all(["etc/cmdline.d/01-default.conf", "etc/cmdline"].map(content));
    assert.ok(found.join("\n").includes(wanted), found.join("\n"));
  },
});
