/** Checks what grub-pc's postinst would do, with answers read by debconf itself. */
import assert from "node:assert/strict";
import { runCommand } from "../sys/command.ts";
import { BY_ID, NVME, onDisk, rewritten } from "./testing/layouts.ts";

const OWN = "/dev/disk/by-id/nvme-eui.0025385b71b0a1c2";
const stanza = (name: string, value: string, more = "") =>
  `Name: ${name}\nTemplate: ${name}\nValue: ${value}\nOwners: grub-pc\nFlags: seen\n${more}\n`;
const PATH = "/var/cache/debconf/config.dat";

const CASES: { name: string; value: string; after: string; notes: number }[] = [
  { name: "the template's disk", value: BY_ID, after: OWN, notes: 0 },
  { name: "by the kernel's name", value: "/dev/sda", after: OWN, notes: 0 },
  { name: "a partition, where clones have no GRUB", value: "/dev/sda2", after: OWN, notes: 0 },
  { name: "two disks of which clones have one", value: `${BY_ID}, /dev/sdb`, after: OWN, notes: 1 },
  { name: "the machine that the template was made on", value: "/dev/vda", after: OWN, notes: 1 },
  { name: "no answer", value: "", after: "", notes: 0 },
];

for (const { name, value, after, notes } of CASES) {
  Deno.test(`debconf's answer for GRUB: ${name}`, () => {
    const choices = `Variables:\n RAW_CHOICES = ${BY_ID}, /dev/sdb\n`;
    const other = stanza("smartmontools/device", "/dev/sda");
    const made = rewritten(PATH, stanza("grub-pc/install_devices", value, choices) + other);
    assert.equal(made.text, stanza("grub-pc/install_devices", after, choices) + other);
    assert.equal(made.notes.length, notes, made.notes.join());
  });
}

Deno.test("debconf's answer for GRUB on UEFI is the clone's EFI system partition", () => {
  const made = rewritten(PATH, stanza("grub-efi/install_devices", `${BY_ID}-part1`), {
    clone: onDisk(NVME, "uefi"),
  });
  assert.equal(made.text, stanza("grub-efi/install_devices", `${OWN}-part1`));
});

const isThere = await Deno.stat("/usr/bin/debconf-communicate").then(() => true, () => false);
Deno.test({ name: "debconf itself reads the changed answer", ignore: !isThere }, async () => {
  const folder = await Deno.makeTempDir();
  try {
    const text =
      rewritten(PATH, stanza("grub-pc/install_devices", BY_ID) + stanza("grub-pc/timeout", "5")).text;
    await Deno.writeTextFile(`${folder}/config.dat`, text);
    await Deno.writeTextFile(
      `${folder}/templates.dat`,
      ["grub-pc/install_devices", "grub-pc/timeout"].map((name) =>
        `Name: ${name}\nDefault: \nDescription: x\nType: string\nOwners: ${name}\n`
      ).join("\n"),
    );
    const database = (name: string) =>
      `Name: ${name}\nDriver: File\nFilename: ${folder}/${name}.dat\nMode: 600\nReadonly: true\n`;
    await Deno.writeTextFile(
      `${folder}/debconf.conf`,
      `Config: config\nTemplates: templates\n\n${database("config")}\n${database("templates")}\n`,
    );
    const { stdout } = await runCommand([
      ...["env", `DEBCONF_SYSTEMRC=${folder}/debconf.conf`, "DEBIAN_FRONTEND=noninteractive"] as const,
      ...["sh", "-c", "printf 'GET grub-pc/install_devices\\nGET grub-pc/timeout\\n' | debconf-communicate"],
    ]);
    assert.equal(stdout, `0 ${OWN}\n0 5\n`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
