import assert from "node:assert/strict";
import { luksVolume, SOURCE } from "#contract/format/testing/samples.ts";
import { type BootFacts, GRUB_ONLY } from "#contract/format/boot.ts";
import type { DiskLayout } from "#contract/format/layout.ts";
import { GPT_LAYOUT } from "../disk_references/testing/layouts.ts";
import { TreeReader } from "../tree/tree_files.ts";
import {
  initramfsNotes,
  initramfsObstacles,
  loaderObstacles,
  rootObstacles,
  stillObstacles,
  withObstacles,
} from "./boot_obstacles.ts";
import { anyDisks } from "./disk_notes.ts";

async function withFiles<T>(files: Readonly<Record<string, string>>, use: (tree: TreeReader) => Promise<T>) {
  const root = await Deno.makeTempDir();
  try {
    for (const [path, text] of Object.entries(files)) {
      await Deno.mkdir(`${root}${path.slice(0, path.lastIndexOf("/"))}`, { recursive: true });
      await Deno.writeTextFile(`${root}${path}`, text);
    }
    return await use(new TreeReader(root));
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

const layoutWith = (facts: Partial<BootFacts>): DiskLayout => ({
  ...GPT_LAYOUT,
  boot: { ...GRUB_ONLY, ...facts },
});
const source = { ...SOURCE, firmware: "uefi" as const };

Deno.test("systemd-boot's own program is asked for at capture: bootctl installs it from there", () => {
  const layout = layoutWith({ loader: "systemd-boot" });
  const has = { source, programs: new Set(["bootctl", "efibootmgr"]), paths: new Set<string>() };
  assert.match(
    loaderObstacles(layout, has).join(),
    /systemd-bootx64\.efi is missing: install systemd-boot-efi/,
  );
  const signed = (efi: string) => new Set([`/usr/lib/systemd/boot/efi/systemd-boot${efi}.efi.signed`]);
  assert.deepEqual(loaderObstacles(layout, { ...has, paths: signed("x64") }), []);
  const arm = { ...has, source: { ...source, architecture: "aarch64" } };
  assert.match(
    loaderObstacles(layout, { ...arm, paths: signed("x64") }).join(),
    /systemd-bootaa64\.efi is missing/,
  );
  assert.deepEqual(loaderObstacles(layout, { ...arm, paths: signed("aa64") }), []);
});

Deno.test("a system that does not run is asked for what an installation needs at its end, too", async () => {
  const found = (files: Record<string, string>) =>
    withFiles(
      { "/etc/fstab": "", ...files },
      (tree) => stillObstacles(tree, { layout: layoutWith({ loader: "grub" }), source: SOURCE }),
    );
  const grub = {
    "/usr/sbin/grub-install": "",
    "/usr/lib/grub/i386-pc/kernel.img": "",
    "/usr/sbin/grub-mkconfig": "",
  };
  assert.deepEqual(await found(grub), []);
  assert.match(
    (await found({ "/usr/sbin/grub-mkconfig": "" })).join(),
    /^GRUB for BIOS is missing: install grub-pc$/,
  );
  assert.match(
    (await withFiles({}, (tree) => stillObstacles(tree, { layout: GPT_LAYOUT, source: SOURCE }))).join(),
    /no boot loader is found/,
  );
  assert.deepEqual(withObstacles(GPT_LAYOUT, []), GPT_LAYOUT);
  assert.deepEqual(withObstacles(GPT_LAYOUT, ["x".repeat(600)]).obstacles, ["x".repeat(500)]);
});

Deno.test("a loader without any configuration is an obstacle, unless GRUB's menu can be made", async () => {
  const obstacles = (loader: BootFacts["loader"], files: Record<string, string>) =>
    withFiles(
      { "/etc/fstab": "", ...files },
      (tree) => rootObstacles(tree, anyDisks(layoutWith({ loader }))),
    );
  assert.match((await obstacles("uki", {})).join(), /^no boot configuration is found/);
  assert.match((await obstacles("systemd-boot", {})).join(), /^no boot configuration is found/);
  assert.match((await obstacles("grub", {})).join(), /^no boot configuration is found/);
  const mkconfig = { "/usr/sbin/grub-mkconfig": "" };
  assert.deepEqual(await obstacles("grub", mkconfig), []);
  // grub-install makes it where nothing was
  const block = { "/boot/grub/grubenv": "# GRUB Environment Block\n".padEnd(1024, "#") };
  assert.deepEqual(await obstacles("grub", { ...mkconfig, ...block }), []);
  assert.match((await obstacles("grub", block)).join(), /^no boot configuration is found/);
});

const LOCKED: DiskLayout = {
  ...GPT_LAYOUT,
  encrypted: [luksVolume("crypt", { on: { kind: "partition", disk: 0, number: 2 } })],
  fileSystems: GPT_LAYOUT.fileSystems.map((fileSystem) =>
    fileSystem.mountPoint === "/" ? { ...fileSystem, volume: { kind: "luks", name: "crypt" } } : fileSystem
  ),
};

Deno.test("an initramfs that must be made again for every clone, and cannot be, is an obstacle", async () => {
  const found = (layout: DiskLayout, boot: Partial<BootFacts>, files: Record<string, string>) =>
    withFiles(files, (tree) => {
      const whole = { ...layout, boot: { ...GRUB_ONLY, initramfs: "dracut" as const, ...boot } };
      return initramfsObstacles(tree, anyDisks(whole));
    });
  const noRemake = "none is named by its kernel's release",
    crypttab = { "/etc/crypttab": "crypt /dev/sda2 none luks\n" };
  assert.match(
    (await found(LOCKED, { noRemake }, crypttab)).join(),
    /made again \(\/etc\/crypttab names .*, and cannot be: none is named/,
  );
  assert.deepEqual(await found(LOCKED, {}, crypttab), []);
  assert.deepEqual(
    await found(LOCKED, { noRemake }, { "/etc/crypttab": "crypt UUID=4c1f2a3b none luks\n" }),
    [],
  );
  // what the root does not need is found without the initramfs, and what clones do without names nothing
  assert.deepEqual(await found(GPT_LAYOUT, { noRemake }, crypttab), []);
  const devices = "IDTYPE=sys_wwid IDNAME=naa.5000c500a1b2c3d4 DEVNAME=/dev/sda2 PVID=p PART=2\n";
  assert.deepEqual(await found(LOCKED, { noRemake }, { "/etc/lvm/devices/system.devices": devices }), []);
});

Deno.test("an initramfs for one kind of machine that cannot be made again is noted", () => {
  const facts = { drivers: ["ahci"], noRemake: "mkinitcpio has no preset" };
  assert.match(initramfsNotes(layoutWith({ ...facts, hostOnly: true })).join(), /\(ahci\).*no preset$/);
  assert.deepEqual(initramfsNotes(layoutWith({ ...facts, hostOnly: false })), []);
  assert.deepEqual(initramfsNotes(layoutWith({ hostOnly: true })), []);
});
