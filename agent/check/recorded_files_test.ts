import assert from "node:assert/strict";
import { displayPath } from "#contract/format/byte_path.ts";
import type { DiskLayout } from "#contract/format/layout.ts";
import { hashFiles, readCloneRecord, writeCloneRecord } from "../install/records/clone_record.ts";
import { CloneTree, TreeReader } from "../tree/tree_files.ts";
import { recordedFindings, recordedFolders } from "./recorded_files.ts";

const LAYOUT = { disks: [], fileSystems: [], swap: [] } as DiskLayout;

Deno.test("boot loader and fitted files are compared with what the installation left, and not with the image", async () => {
  const root = await Deno.makeTempDir();
  try {
    const write = (path: string, text: string) => Deno.writeTextFile(`${root}${path}`, text);
    await Deno.mkdir(`${root}/boot/grub/i386-pc`, { recursive: true });
    await Deno.mkdir(`${root}/etc`);
    for (const name of ["grub.cfg", "grubenv", "i386-pc/core.img", "i386-pc/lost.mod"]) {
      await write(`/boot/grub/${name}`, name);
    }
    for (const name of ["fstab", "crypttab", "gone"]) await write(`/etc/${name}`, name);
    const clone = new CloneTree(root);
    await writeCloneRecord(clone, {
      manifest: "a".repeat(64),
      own: [],
      fitted: ["/etc/fstab", "/etc/crypttab", "/etc/gone"],
      boot: { area: "AAAA", ...await hashFiles(clone, { folders: ["/boot/grub"] }) },
    });
    const record = await readCloneRecord(clone);
    assert(record);
    const look = async () => {
      const tree = new TreeReader(root), rest = () => Promise.resolve();
      const found = await recordedFindings({ tree, record, layout: LAYOUT, rest });
      return found.map(({ what, path }) => `${what} /${displayPath(path)}`).sort();
    };
    assert.deepEqual(await look(), []);
    assert.deepEqual(recordedFolders(record, LAYOUT), ["/boot/grub", "/boot/grub2"]);
    assert.deepEqual(recordedFolders({ ...record, boot: undefined }, LAYOUT), []);

    // a running system writes this one
    await write("/boot/grub/grubenv", "saved_entry=1");
    await write("/boot/grub/grub.cfg", "init=/bin/sh");
    await write("/boot/grub/i386-pc/implant.mod", "x");
    await Deno.remove(`${root}/boot/grub/i386-pc/lost.mod`);
    await write("/etc/fstab", "other");
    await Deno.remove(`${root}/etc/gone`);
    assert.deepEqual(await look(), [
      "changed /boot/grub/grub.cfg",
      "changed /etc/fstab",
      "foreign /boot/grub/i386-pc/implant.mod",
      "missing /boot/grub/i386-pc/lost.mod",
      "missing /etc/gone",
    ]);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});
