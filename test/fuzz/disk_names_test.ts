/** Untrusted files of a machine are searched for disk names; no text may take long. */
import assert from "node:assert/strict";
import { COVERED_FILES } from "../../agent/disk_references/covered_files.ts";
import { Rewriting } from "../../agent/disk_references/rewriting.ts";
import { scanNames } from "../../agent/disk_references/scan_names.ts";
import { TemplateDisks } from "../../agent/disk_references/template_disks.ts";
import { GPT_LAYOUT, NVME, onDisk } from "../../agent/disk_references/testing/layouts.ts";

const SIZE = 100_000;
/** Generous, for a busy machine: a quadratic search would take minutes. */
const LIMIT_MS = 5000;
const PARTS = [
  ..."\n \t=,:}#a".split(""),
  ...["/dev/", "/dev/sda2 / ext4 ", "/dev/disk/by-id/", "dev-sda.", "dev-\\x2d", "\\x2d", "-dev-"],
  ...["UUID=", "root=", "root=UUID=", "initrd ", "linux root=/dev/sda2\n", "set root='hd1'\n", "menuentry\n"],
  ...['filter = [ "a|/dev/sda|", ', "ARRAY /dev/md0 ", "PVID=", "rd.lvm.lv=", "/dev/mapper/", "/dev/md/"],
  ...["Name: grub-pc/install_devices\nValue: /dev/sda\n", "What=", "x /dev/sdb1 swap\n", "search\n"],
];

Deno.test("searching a text for disk names takes linear time", () => {
  const disks = new TemplateDisks(GPT_LAYOUT, onDisk(NVME));
  for (const part of PARTS) {
    const text = part.repeat(Math.ceil(SIZE / part.length));
    for (const { path, rewrite } of COVERED_FILES) {
      const rewriting = new Rewriting(path, disks);
      within(`${path}: ${JSON.stringify(part)}`, () => rewrite(text, rewriting));
    }
    within(`any file: ${JSON.stringify(part)}`, () => scanNames("/etc/x", { text, disks }));
  }
});

function within(what: string, work: () => unknown): void {
  const started = performance.now();
  work();
  assert(performance.now() - started < LIMIT_MS, what);
}
