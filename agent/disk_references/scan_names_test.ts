import assert from "node:assert/strict";
import { scanNames } from "./scan_names.ts";
import { TemplateDisks } from "./template_disks.ts";
import { GPT_LAYOUT, NVME, onDisk } from "./testing/layouts.ts";

const disks = new TemplateDisks(GPT_LAYOUT, onDisk(NVME));
const CASES: [name: string, text: string, notes: RegExp[]][] = [
  ["a udev rule by serial number", 'ENV{ID_SERIAL_SHORT}=="QM00001", SYMLINK+="system"', [
    /names QM00001/,
  ]],
  ["a udev rule by WWN", 'ENV{ID_WWN}=="0x5002538d40b1b5c1", SYMLINK+="d"', [
    /line 1 names 5002538d40b1b5c1/,
  ]],
  ["a udev rule by path", 'ENV{ID_PATH}=="pci-0000:00:1f.2-ata-1"', [/names pci-0000:00:1f.2-ata-1/]],
  ["multipath's list", "# wwids\n/35002538d40b1b5c1/\n", [/line 2 names 5002538d40b1b5c1/]],
  ["an LVM filter", '\tfilter = [ "a|/dev/sda|", "r|.*|" ]', [/names \/dev\/sda,/]],
  ["monit's file system", "check filesystem root with path /dev/sda2\n", [/names \/dev\/sda2,/]],
  ["a unit that wants a device", "[Unit]\nBindsTo=dev-sda3.device\n", [/line 2 names dev-sda3.device/]],
  ["a device by its link", "After=dev-disk-by\\x2did-ata\\x2dQEMU_HARDDISK_QM00001.device", [
    /QM00001\.device/,
  ]],
  [
    "examples, other disks and like names",
    "# /dev/sda\n/dev/sdb\n/dev/sdab\n/dev/sda9\n/x/dev/sda\n/dev/null\n",
    [],
  ],
  ["many lines", "/dev/sda\n".repeat(9), [/line 1/, /line 2/, /line 3/]],
];

for (const [name, text, notes] of CASES) {
  Deno.test(`names in files of unknown form: ${name}`, () => {
    const found = scanNames("/etc/x", { text, disks });
    assert.equal(found.length, notes.length, found.join("\n"));
    for (const [i, note] of notes.entries()) assert.match(found[i] ?? "", note);
  });
}
