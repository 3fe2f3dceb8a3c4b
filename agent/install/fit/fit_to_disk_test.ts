import assert from "node:assert/strict";
import { GRUB_ONLY } from "#contract/format/boot.ts";
import { onDisk } from "../../disk_references/testing/layouts.ts";
import { TemplateDisks } from "../../disk_references/template_disks.ts";
import { runCommand as run } from "../../sys/command.ts";
import { CloneTree } from "../../tree/tree_files.ts";
import { fitToDisk } from "./fit_to_disk.ts";

const OLD = "a".repeat(32), OWN = "b".repeat(32);
const ENTRY = `/boot/efi/loader/entries/${OLD}-6.1.0.conf`;

Deno.test("no loader entry gives a clone the template's machine-id", async () => {
  const root = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${root}/etc`);
    await Deno.writeTextFile(`${root}/etc/machine-id`, `${OWN}\n`);
    await Deno.mkdir(`${root}/boot/efi/loader/entries`, { recursive: true });
    await Deno.writeTextFile(`${root}${ENTRY}`, `machine-id ${OLD}\noptions ro systemd.machine_id=${OLD}\n`);
    const boot = {
      ...GRUB_ONLY,
      loader: "systemd-boot" as const,
      initramfs: "none" as const,
      entries: ["/boot/efi/loader/entries" as const],
    };
    const layout = { disks: [], fileSystems: [], swap: [], boot };
    const disks = new TemplateDisks(layout, onDisk({ name: "vda", names: [] }));
    const { rewritten } = await fitToDisk(new CloneTree(root), { disks, swapFiles: [], run });
    assert.deepEqual(rewritten, [ENTRY, "/etc/kernel/entry-token"]);
    assert.equal(
      await Deno.readTextFile(`${root}${ENTRY}`),
      `machine-id ${OWN}\noptions ro systemd.machine_id=${OWN}\n`,
    );
    assert.equal(await Deno.readTextFile(`${root}/etc/kernel/entry-token`), `${OLD}\n`);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});
