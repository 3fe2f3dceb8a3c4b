/** A real Debian's tree with the programs that make an initramfs, and a clone's disks that ask for another one. */
import { luksVolume } from "#contract/format/testing/samples.ts";
import { GRUB_ONLY } from "#contract/format/boot.ts";
import type { DiskLayout } from "#contract/format/layout.ts";
import { smallVmNeeds } from "../../scripts/lab/small_vm.ts";
import { smallVmRoot } from "../../scripts/lab/small_vm_root.ts";
import { GPT_LAYOUT, NVME, onDisk } from "../../agent/disk_references/testing/layouts.ts";
import { TemplateDisks } from "../../agent/disk_references/template_disks.ts";
import { runCommand as run } from "../../agent/sys/command.ts";
import { CloneTree } from "../../agent/tree/tree_files.ts";
import { bootPrograms, bootProgramsNeeds } from "../support/boot_programs.ts";
import { needs } from "../support/needs.ts";

export const ARRAY = "3aaa0122:29827cfa:5331ad66:ca767371";
export const KEY = "/etc/cryptsetup-keys.d/crypt.key";
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

export const disksFor = (initramfs: "dracut" | "initramfs-tools") =>
  new TemplateDisks(
    { ...LAYOUT, boot: { ...GRUB_ONLY, initramfs, hostOnly: true, drivers: ["ahci"] } },
    { ...onDisk(NVME), unlock: new Map([["crypt", { way: "key-file", keyFile: KEY }]]) },
  );

/** The small VM's Debian with more programs over it; undone with its scope. */
export async function debianTree(): Promise<
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

export const required = needs({
  root: true,
  programs: [...smallVmNeeds.programs, ...bootProgramsNeeds, "objcopy"],
  files: [],
});

export async function prepare(clone: CloneTree, image: string): Promise<void> {
  await clone.write(image, { text: "the template's", mode: 0o600 });
  await clone.write("/etc/crypttab", {
    text: `crypt /dev/sda2 none luks,discard\nswap /dev/sda3 /dev/urandom swap\n`,
    mode: 0o644,
  });
  await clone.write(KEY, { text: "the clone's own key", mode: 0o600 });
}
