/** Real boot loaders on mirrored disks. Which of them is installed last is what the host then boots from. */
import assert from "node:assert/strict";
import { GRUB_ONLY } from "#contract/format/boot.ts";
import { bootState, judgeLoader, putBackArea } from "../../../agent/install/boot_loader/boot_area.ts";
import { labelOf, parseEfiBoot } from "../../../agent/install/boot_loader/efi_boot_order.ts";
import { installBootLoader } from "../../../agent/install/boot_loader/boot_loader.ts";
import { syncAll } from "../../../agent/sys/kernel.ts";
import { runCommand as run } from "../../../agent/sys/command.ts";
import { inSmallVm, PROGRAMS } from "../in_small_vm.ts";
import { cloneMachine, grubMenu, loaderOptions, part, ROOT_UUID } from "./machine.ts";

const programs = Deno.env.get(PROGRAMS) ?? "/";
const only = Deno.env.get("BOOT_CASE");
const inVm = (name: string, fn: () => Promise<void>) => {
  if (only === undefined || only === name) inSmallVm(name, fn);
};

inVm("GRUB goes into both disks of a mirror, and its code is put back on the one that lost it", async () => {
  const bootLoader = { firmware: "bios" as const, loader: "grub" as const, disks: [0, 1] };
  await using machine = await cloneMachine({
    boot: { ...GRUB_ONLY, grubFolder: "/boot/grub" },
    bootLoader,
    programs,
  });
  const { clone, plan, target } = machine;
  await clone.write("/boot/grub/grub.cfg", { text: grubMenu(), mode: 0o644 });
  assert.deepEqual((await installBootLoader(target, loaderOptions(machine))).notes, []);
  syncAll();
  const folders = ["/boot/grub"];
  const look = () => bootState(target, { plan, clone, folders });
  const boot = await look();
  const record = {
    format: "rackseed-clone" as const,
    formatVersion: 1 as const,
    manifest: "m1",
    own: [],
    boot,
  };
  assert.equal(judgeLoader(await look(), { record, manifest: "m1" }).state, "sound");
  await run(["dd", "if=/dev/zero", `of=${target.whole(1)}`, "bs=440", "count=1", "conv=notrunc"]);
  assert.equal(judgeLoader(await look(), { record, manifest: "m1" }).state, "lost");
  await putBackArea(target, { plan, area: boot.area });
  assert.equal(judgeLoader(await look(), { record, manifest: "m1" }).state, "sound");
});

const UEFI = {
  firmware: "uefi" as const,
  partitions: [{ kind: "partition" as const, disk: 0, number: 1 }],
  copies: [{ kind: "partition" as const, disk: 1, number: 1 }],
};

async function grubOnEsps() {
  const bootLoader = { ...UEFI, loader: "grub" as const, esp: "/boot/efi" };
  return await cloneMachine({
    boot: { ...GRUB_ONLY, grubFolder: "/boot/grub" },
    bootLoader,
    esp: "/boot/efi",
    programs,
  });
}

inVm("GRUB for UEFI is on both ESPs, with the fallback", async () => {
  await using machine = await grubOnEsps();
  const { clone, target } = machine;
  await clone.write("/boot/grub/grub.cfg", { text: grubMenu(), mode: 0o644 });
  const { notes: [note = ""] } = await installBootLoader(target, loaderOptions(machine));
  assert.match(note, /only EFI\/BOOT\/BOOTX64\.EFI on \/dev\/vdb1 and \/dev\/vdc1 starts it/);
  assert.deepEqual(await filesOn(target.device(part(1, 1))), await filesBelow(`${clone.root}/boot/efi`));
});

inVm("the firmware has an entry for GRUB on each disk, in this order, in place of earlier ones", async () => {
  await using machine = await grubOnEsps();
  const { clone, target } = machine;
  await clone.write("/boot/grub/grub.cfg", { text: grubMenu(), mode: 0o644 });
  for (const label of ["debian", "debian (disk 2)", "another system"]) {
    await run([
      "efibootmgr",
      "--quiet",
      "--create",
      "--disk",
      "/dev/vdc",
      "--label",
      label,
      "--loader",
      "\\old.efi",
    ]);
  }
  assert.deepEqual((await installBootLoader(target, loaderOptions(machine))).notes, []);
  const { stdout } = await run(["efibootmgr", "-v"]);
  const { order, entries } = parseEfiBoot(stdout);
  const inOrder = order.map((number) => entries.get(number) ?? "");
  assert.deepEqual(inOrder.slice(0, 3).map(labelOf), ["debian", "debian (disk 2)", "another system"], stdout);
  assert.match(inOrder[0] ?? "", /00000000-0000-4000-8000-000000000001.*\\EFI\\debian\\\w+\.efi/i);
  assert.match(inOrder[1] ?? "", /00000001-0000-4000-8000-000000000001.*\\EFI\\debian\\\w+\.efi/i);
  assert.equal([...entries.values()].filter((text) => labelOf(text).startsWith("debian")).length, 2, stdout);
  // the entries alone start it from here on
  for (const partition of [0, 1].map((disk) => target.device(part(disk, 1)))) {
    const at = await Deno.makeTempDir();
    await run(["mount", "-t", "vfat", partition, at]);
    await Deno.remove(`${at}/EFI/BOOT`, { recursive: true });
    await run(["umount", at]);
  }
});

inVm("systemd-boot is on both ESPs with its entries, and a changed root is refused", async () => {
  const bootLoader = { ...UEFI, loader: "systemd-boot" as const, esp: "/efi" };
  await using machine = await cloneMachine({
    boot: { ...GRUB_ONLY, loader: "systemd-boot", entries: ["/efi/loader/entries"] },
    bootLoader,
    esp: "/efi",
    programs,
  });
  const { clone, target } = machine;
  const entry = (root: string) => ({
    text: `title Debian\nlinux /vmlinuz\noptions root=${root} ro\n`,
    mode: 0o644,
  });
  await clone.write("/efi/loader/entries/debian.conf", entry(`UUID=${ROOT_UUID}`));
  await clone.write("/efi/loader/entries/old.conf", entry("/dev/vdz9"));
  await installBootLoader(target, loaderOptions(machine));
  const own = await filesBelow(`${clone.root}/efi`);
  for (
    const path of ["EFI/BOOT/BOOTX64.EFI", "EFI/systemd/systemd-bootx64.efi", "loader/entries/debian.conf"]
  ) {
    assert.ok(own.some((line) => line.startsWith(`${path} `)), own.join("\n"));
  }
  const without = (lines: string[]) => lines.filter((line) => !line.startsWith("loader/random-seed"));
  assert.deepEqual(without(await filesOn(target.device(part(1, 1)))), without(own));
  // a file that the template's ESP no longer has goes from the copy, too
  await clone.remove("/efi/loader/entries/old.conf");
  await clone.write("/efi/loader/entries/debian.conf", entry("/dev/vdz9"));
  await assert.rejects(
    installBootLoader(target, loaderOptions(machine)),
    /does not find the root: .*root=\/dev\/vdz9/,
  );
  assert.ok(
    !(await filesOn(target.device(part(1, 1)))).some((line) => line.startsWith("loader/entries/old.conf")),
  );
});

/** "EFI/BOOT/BOOTX64.EFI 139264 8a3f…" */
async function filesBelow(at: string): Promise<string[]> {
  const { stdout } = await run(["sh", "-ec", 'cd "$0"; find . -type f -exec sha256sum {} +', at]);
  return stdout.trim().split("\n").map((line) => {
    const [hash = "", path = ""] = line.split(/\s+/);
    return `${path.slice(2)} ${hash}`;
  }).sort();
}

async function filesOn(device: string): Promise<string[]> {
  const at = await Deno.makeTempDir();
  await run(["mount", "-t", "vfat", "-o", "ro", device, at]);
  try {
    return await filesBelow(at);
  } finally {
    await run(["umount", at]);
  }
}
