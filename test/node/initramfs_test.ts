/** A clone's initramfs, made by the real programs in a real Debian's tree. */
import assert from "node:assert/strict";
import { LUKS_UUID as LUKS, luksVolume } from "#contract/format/testing/samples.ts";
import { GRUB_ONLY } from "#contract/format/boot.ts";
import type { DiskLayout } from "#contract/format/layout.ts";
import { smallVmNeeds } from "../../scripts/lab/small_vm.ts";
import { smallVmRoot } from "../../scripts/lab/small_vm_root.ts";
import { initramfsLimits } from "../../agent/boot_config/initramfs_limits.ts";
import { bootTexts } from "../../agent/boot_config/boot_texts.ts";
import { GPT_LAYOUT, NVME, onDisk, ROOT } from "../../agent/disk_references/testing/layouts.ts";
import { TemplateDisks } from "../../agent/disk_references/template_disks.ts";
import { fitToDisk } from "../../agent/install/fit/fit_to_disk.ts";
import { runCommand as run } from "../../agent/sys/command.ts";
import { CloneTree } from "../../agent/tree/tree_files.ts";
import { bootPrograms, bootProgramsNeeds } from "../support/boot_programs.ts";
import { needs } from "../support/needs.ts";

const ARRAY = "3aaa0122:29827cfa:5331ad66:ca767371";
const KEY = "/etc/cryptsetup-keys.d/crypt.key";
const [root] = GPT_LAYOUT.fileSystems as [DiskLayout["fileSystems"][0]];
/** LVM on LUKS on a mirror. */
const LAYOUT: DiskLayout = {
  ...GPT_LAYOUT,
  arrays: [{
    name: "main",
    uuid: ARRAY,
    metadata: "1.2",
    level: "raid1",
    slots: 2,
    members: [{ kind: "partition", disk: 0, number: 2 }],
    spares: [],
    memberBytes: 1e9,
    chunkBytes: 0,
    bitmap: "internal",
    sizeBytes: 1e9,
  }],
  encrypted: [luksVolume("crypt", { on: { kind: "md", name: "main" } })],
  groups: [{
    name: "vg",
    uuid: "v",
    extentBytes: 4 << 20,
    physical: [{ volume: { kind: "luks", name: "crypt" }, uuid: "p", sizeBytes: 1e9 }],
    logical: [{ name: "root", uuid: "l", type: "linear", sizeBytes: 1e9 }],
  }],
  fileSystems: [{ ...root, volume: { kind: "lv", group: "vg", name: "root" } }],
};

const disksFor = (initramfs: "dracut" | "initramfs-tools") =>
  new TemplateDisks(
    { ...LAYOUT, boot: { ...GRUB_ONLY, initramfs, hostOnly: true, drivers: ["ahci"] } },
    { ...onDisk(NVME), unlock: new Map([["crypt", { way: "key-file", keyFile: KEY }]]) },
  );

/** The small VM's Debian with more programs over it; undone with its scope. */
async function debianTree(): Promise<
  { clone: CloneTree; release: string; programs: string; kernel: string } & AsyncDisposable
> {
  const cache = `${Deno.cwd()}/.cache/lab`, programs = await bootPrograms(cache);
  const { root, kernel } = await smallVmRoot({ cache });
  const folder = await Deno.makeTempDir();
  await using stack = new AsyncDisposableStack();
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  const [low, up, work, at] = await Promise.all(["low", "up", "work", "clone"].map(async (name) => {
    await Deno.mkdir(`${folder}/${name}`);
    return `${folder}/${name}`;
  }));
  await run(["mount", "-o", "loop,ro", root, low ?? ""]);
  stack.defer(async () => void await run(["umount", low ?? ""]));
  await run([
    "mount",
    "-t",
    "overlay",
    "-o",
    `lowerdir=${programs}:${low},upperdir=${up},workdir=${work}`,
    "x",
    at ?? "",
  ]);
  stack.defer(async () => void await run(["umount", at ?? ""]));
  const [release = ""] = Array.from(Deno.readDirSync(`${at}/usr/lib/modules`), ({ name }) => name);
  const kept = stack.move();
  return {
    clone: new CloneTree(at ?? ""),
    release,
    programs,
    kernel,
    [Symbol.asyncDispose]: () => kept[Symbol.asyncDispose](),
  };
}

const required = needs({
  root: true,
  programs: [...smallVmNeeds.programs, ...bootProgramsNeeds, "objcopy"],
  files: [],
});

async function prepare(clone: CloneTree, image: string): Promise<void> {
  await clone.write(image, { text: "the template's", mode: 0o600 });
  await clone.write("/etc/crypttab", {
    text: `crypt /dev/sda2 none luks,discard\nswap /dev/sda3 /dev/urandom swap\n`,
    mode: 0o644,
  });
  await clone.write(KEY, { text: "the clone's own key", mode: 0o600 });
}

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
