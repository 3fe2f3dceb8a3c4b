import assert from "node:assert/strict";
import { GRUB_ONLY } from "#contract/format/boot.ts";
import { CloneTree } from "../../tree/tree_files.ts";
import { ownEntries } from "./loader_entries.ts";
import { ownMachineId } from "../../boot_config/machine_id.ts";

const OLD = "a".repeat(32), OWN = "b".repeat(32), ENTRIES = "/boot/loader/entries";
const block = (lines: string) => `# GRUB Environment Block\n${lines}`.padEnd(1024, "#");

async function inClone(
  files: Readonly<Record<string, string>>,
  test: (clone: CloneTree) => Promise<void>,
): Promise<void> {
  const root = await Deno.makeTempDir();
  try {
    const all = { "/etc/machine-id": `${OWN}\n`, ...files };
    for (const [path, text] of Object.entries(all)) {
      await Deno.mkdir(`${root}${path.slice(0, path.lastIndexOf("/"))}`, { recursive: true });
      await Deno.writeTextFile(`${root}${path}`, text);
    }
    await test(new CloneTree(root));
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

const rhel = { ...GRUB_ONLY, grubFolder: "/boot/grub2" as const, entries: ["/boot/loader/entries" as const] };

Deno.test("RHEL's entries follow the clone's machine-id, and GRUB's default follows them", () =>
  inClone({
    [`${ENTRIES}/${OLD}-5.14.0-1.el9.conf`]: "title RHEL\n",
    [`${ENTRIES}/${OLD}-0-rescue.conf`]: "title Rescue\n",
    [`${ENTRIES}/own.conf`]: "title mine\n",
    "/boot/grub2/grubenv": block(`saved_entry=${OLD}-5.14.0-1.el9\nboot_success=1\n`),
  }, async (clone) => {
    const options = { facts: rhel, own: OWN, esp: "/boot/efi" };
    assert.deepEqual((await ownEntries(clone, options)).notes, ["boot entries named by this machine's id"]);
    const names = [`${OLD}-0-rescue.conf`, `${OWN}-5.14.0-1.el9.conf`, "own.conf"];
    assert.deepEqual(await clone.list(ENTRIES), names.map((name) => `${ENTRIES}/${name}`));
    assert.equal(
      await clone.text("/boot/grub2/grubenv"),
      block(`saved_entry=${OWN}-5.14.0-1.el9\nboot_success=1\n`),
    );
    for (const name of [`${OLD}-5.14.0-1.el9.conf`, `${OWN}-5.14.0-1.el9.conf`]) {
      assert.ok(clone.changed.has(`${ENTRIES}/${name}`));
    }
    // a restore does it again
    await ownEntries(clone, options);
    assert.deepEqual(await clone.list(ENTRIES), names.map((name) => `${ENTRIES}/${name}`));
  }));

Deno.test("entries of several systems stay", () =>
  inClone({
    [`${ENTRIES}/${OLD}-5.14.conf`]: "",
    [`${ENTRIES}/${"c".repeat(32)}-5.14.conf`]: "",
  }, async (clone) => {
    assert.deepEqual((await ownEntries(clone, { facts: rhel, own: OWN, esp: undefined })).notes, []);
    assert.equal((await clone.list(ENTRIES)).length, 2);
  }));

Deno.test("systemd's kernel-install keeps the image's token, unless one is set", () =>
  inClone({ [`/efi/EFI/Linux/${OLD}-6.1.0.efi`]: "" }, async (clone) => {
    const options = { facts: { ...GRUB_ONLY, loader: "systemd-boot" as const }, own: OWN, esp: "/efi" };
    assert.deepEqual((await ownEntries(clone, options)).written, ["/etc/kernel/entry-token"]);
    assert.equal(await clone.text("/etc/kernel/entry-token"), `${OLD}\n`);
    await clone.write("/etc/kernel/entry-token", { text: "debian\n", mode: 0o644 });
    assert.deepEqual((await ownEntries(clone, options)).written, []);
    assert.equal(await clone.text("/etc/kernel/entry-token"), "debian\n");
  }));

Deno.test("a clone without a machine-id of its own keeps all", () =>
  inClone({ "/etc/machine-id": "uninitialized\n", [`${ENTRIES}/${OLD}-5.conf`]: "" }, async (clone) => {
    const own = await ownMachineId(clone);
    assert.deepEqual((await ownEntries(clone, { facts: rhel, own, esp: undefined })).notes, []);
    assert.equal((await clone.list(ENTRIES)).length, 1);
  }));
