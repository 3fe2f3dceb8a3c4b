/** The firmware's entries, with efibootmgr's documented output and effects. */
import assert from "node:assert/strict";
import { GRUB_ONLY } from "#contract/format/boot.ts";
import { GPT_LAYOUT, NVME, onDisk } from "../../disk_references/testing/layouts.ts";
import { TemplateDisks } from "../../disk_references/template_disks.ts";
import type { Run } from "../../sys/command.ts";
import { CloneTree } from "../../tree/tree_files.ts";
import { FirmwareEntries } from "./firmware_entries.ts";

/** Keeps variables as a firmware does, and prints them as efibootmgr 17 does. */
class Firmware {
  order: string[];
  readonly entries: Map<string, string>;

  constructor(entries: Record<string, string>, order: string[]) {
    this.entries = new Map(Object.entries(entries));
    this.order = order;
  }

  readonly run: Run = (argv) => {
    const after = (option: string) => argv[argv.indexOf(option) + 1] ?? "";
    if (argv.includes("--create")) {
      const number = [..."0123456789"].map((d) => `000${d}`).find((n) => !this.entries.has(n)) ?? "";
      this.entries.set(
        number,
        `${after("--label")}\tHD(${after("--part")},GPT)/File(${after("--loader")}) ${after("--disk")}`,
      );
      this.order = [number, ...this.order];
    } else if (argv.includes("--delete-bootnum")) {
      this.entries.delete(after("--bootnum"));
      this.order = this.order.filter((n) => n !== after("--bootnum"));
    } else if (argv.includes("--bootorder")) this.order = after("--bootorder").split(",");
    const lines = [...this.entries].map(([n, text]) => `Boot${n}* ${text}\n`).join("");
    return Promise.resolve({
      code: 0,
      stderr: "",
      stdout: `BootCurrent: 0001\nBootOrder: ${this.order}\n${lines}`,
    });
  };
}

async function withEntries(firmware: Firmware, work: (entries: FirmwareEntries) => Promise<void>) {
  const root = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${root}/usr/sbin`, { recursive: true });
    await Deno.writeTextFile(`${root}/usr/sbin/efibootmgr`, "");
    const entries = await FirmwareEntries.read({
      plan: {
        image: "web@1",
        disks: [],
        left: { mountPoints: [], notes: [] },
        notes: [],
        layout: GPT_LAYOUT,
        actions: [],
      },
      clone: new CloneTree(root),
      facts: GRUB_ONLY,
      disks: new TemplateDisks(GPT_LAYOUT, onDisk(NVME)),
      distribution: "debian",
      run: firmware.run,
    });
    assert(entries);
    await work(entries);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

const program = "EFI/debian/shimx64.efi";
const HARDWARE = { "0000": "UiApp", "0001": "UEFI PXEv4 (MAC:525400123456)" };

Deno.test("each disk of a mirror gets an entry, and the network stays first", async () => {
  const firmware = new Firmware(HARDWARE, ["0001", "0000"]);
  await withEntries(firmware, async (entries) => {
    await entries.add({ device: "/dev/sdb", number: 1, program, suffix: " (disk 2)" });
    await entries.add({ device: "/dev/sda", number: 1, program, suffix: "" });
    await entries.keepNetworkFirst();
  });
  assert.deepEqual(firmware.order, ["0001", "0003", "0002", "0000"]);
  assert.equal(
    firmware.entries.get("0002"),
    "debian (disk 2)\tHD(1,GPT)/File(\\EFI\\debian\\shimx64.efi) /dev/sdb",
  );
  assert.equal(firmware.entries.get("0003"), "debian\tHD(1,GPT)/File(\\EFI\\debian\\shimx64.efi) /dev/sda");
});

Deno.test("installing again replaces the entries, and leaves those of others", async () => {
  const own = { "0002": "debian (disk 2)\tHD(1)", "0003": "debian\tHD(1)", "0004": "debian-test\tHD(9)" };
  const firmware = new Firmware({ ...HARDWARE, ...own }, ["0003", "0002", "0004", "0001"]);
  await withEntries(firmware, async (entries) => {
    await entries.add({ device: "/dev/sdb", number: 1, program, suffix: " (disk 2)" });
    await entries.add({ device: "/dev/sda", number: 1, program, suffix: "" });
    await entries.keepNetworkFirst();
  });
  const labels = firmware.order.map((n) => firmware.entries.get(n)?.split("\t")[0]);
  assert.deepEqual(labels, ["debian", "debian (disk 2)", "debian-test", "UEFI PXEv4 (MAC:525400123456)"]);
});

Deno.test("the entry that grub-install makes comes before those of other disks", async () => {
  const firmware = new Firmware({ ...HARDWARE, "0005": "debian\tHD(1)" }, ["0005", "0000", "0001"]);
  await withEntries(firmware, async (entries) => {
    await entries.add({ device: "/dev/sdb", number: 1, program, suffix: " (disk 2)" });
    await entries.putFirst();
  });
  assert.deepEqual(firmware.order, ["0005", "0002", "0000", "0001"]);
});
