/** SELinux labels as real attributes: root may set them on any file system, whether the kernel enforces them or not. */
import assert from "node:assert/strict";
import { labelOf, setLabel } from "../../tree/labels.ts";
import { CloneTree } from "../../tree/tree_files.ts";
import { labelChanged } from "./selinux_labels.ts";

const bytes = (type: string) => new TextEncoder().encode(`system_u:object_r:${type}:s0\0`);
const text = (at: string) => {
  const label = labelOf(at);
  return label && new TextDecoder().decode(label).split(":")[2];
};

/** /etc and /boot are labelled as on RHEL. */
async function inClone(
  mode: string,
  test: (clone: CloneTree, root: string) => Promise<void>,
): Promise<void> {
  const root = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${root}/etc/selinux`, { recursive: true });
    await Deno.mkdir(`${root}/boot`);
    await Deno.writeTextFile(
      `${root}/etc/selinux/config`,
      `# SELINUX= can be\nSELINUX=${mode}\nSELINUXTYPE=targeted\n`,
    );
    for (const [path, type] of [["", "root_t"], ["/etc", "etc_t"], ["/boot", "boot_t"]]) {
      setLabel(`${root}${path}`, bytes(type ?? ""));
    }
    await test(new CloneTree(root), root);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

const test = (name: string, fn: () => Promise<void>) => Deno.test({ name, ignore: Deno.uid() !== 0, fn });

test("what the agent writes has the label of what it replaces, else of its directory", () =>
  inClone("enforcing", async (clone, root) => {
    await Deno.writeTextFile(`${root}/etc/fstab`, "");
    setLabel(`${root}/etc/fstab`, bytes("fstab_t"));
    await clone.write("/etc/fstab", { text: "a", mode: 0o644 });
    await clone.rewrite("/etc/fstab", new TextEncoder().encode("b"));
    await clone.write("/etc/new/deep/file", { text: "c", mode: 0o600 });
    await clone.link("/etc/localtime", { target: "/usr/share/zoneinfo/UTC" });
    await clone.replace("/etc/swap", (at) => Deno.writeTextFile(at, ""));
    assert.deepEqual(
      ["fstab", "new", "new/deep", "new/deep/file", "localtime", "swap"].map((name) =>
        text(`${root}/etc/${name}`)
      ),
      ["fstab_t", "etc_t", "etc_t", "etc_t", "etc_t", "etc_t"],
    );
    setLabel(`${root}/etc/swap`, bytes("swapfile_t"));
    await clone.replace("/etc/swap", (at) => Deno.writeTextFile(at, ""));
    assert.equal(text(`${root}/etc/swap`), "swapfile_t");
    assert.deepEqual(await labelChanged(clone), []);
    assert.equal(await clone.kind("/.autorelabel"), undefined);
  }));

test("what programs made gets its directory's label, and nothing is relabelled at the first boot", () =>
  inClone("permissive", async (clone, root) => {
    await Deno.mkdir(`${root}/boot/grub2/i386-pc`, { recursive: true });
    await Deno.writeTextFile(`${root}/boot/grub2/i386-pc/core.img`, "");
    await Deno.writeTextFile(`${root}/boot/initramfs-5.14.img`, "");
    await Deno.writeTextFile(`${root}/boot/untouched`, "");
    for (const path of ["/boot/grub2", "/boot/initramfs-5.14.img", "/etc/gone"]) clone.changed.add(path);
    assert.deepEqual(await labelChanged(clone), []);
    assert.equal(text(`${root}/boot/grub2/i386-pc/core.img`), "boot_t");
    assert.equal(text(`${root}/boot/initramfs-5.14.img`), "boot_t");
    assert.equal(text(`${root}/boot/untouched`), undefined);
    assert.equal(await clone.kind("/.autorelabel"), undefined);
  }));

test("a file whose directory has no label either asks for the marker, with a note", () =>
  inClone("enforcing", async (clone, root) => {
    await Deno.mkdir(`${root}/srv`);
    await Deno.writeTextFile(`${root}/srv/made`, "");
    clone.changed.add("/srv/made");
    assert.match((await labelChanged(clone)).join(), /1 new files have no SELinux label/);
    assert.equal(await clone.kind("/.autorelabel"), "file");
  }));

test("a file system without labels, as an ESP is, asks for no marker", () =>
  inClone("enforcing", async (clone, root) => {
    await Deno.mkdir(`${root}/boot/efi`);
    setLabel(`${root}/boot/efi`, bytes("boot_t"));
    const run = (program: string, ...args: string[]) =>
      assert.ok(new Deno.Command(program, { args }).outputSync().success, program);
    run("mount", "-t", "ramfs", "none", `${root}/boot/efi`);
    try {
      await Deno.mkdir(`${root}/boot/efi/EFI/redhat`, { recursive: true });
      await Deno.writeTextFile(`${root}/boot/efi/EFI/redhat/grubx64.efi`, "");
      for (const path of ["/boot/efi/EFI", "/boot/efi/EFI/redhat/grubx64.efi"]) clone.changed.add(path);
      assert.deepEqual(await labelChanged(clone), []);
      assert.equal(await clone.kind("/.autorelabel"), undefined);
    } finally {
      run("umount", `${root}/boot/efi`);
    }
  }));

test("an image without SELinux, or without any label, is left as it is", () =>
  inClone("disabled", async (clone, root) => {
    await Deno.writeTextFile(`${root}/boot/initrd.img`, "");
    clone.changed.add("/boot/initrd.img");
    assert.deepEqual(await labelChanged(clone), []);
    assert.equal(text(`${root}/boot/initrd.img`), undefined);
    const plain = `${root}/plain`;
    await Deno.mkdir(`${plain}/etc/selinux`, { recursive: true });
    await Deno.writeTextFile(`${plain}/etc/selinux/config`, "SELINUX=enforcing\n");
    const other = new CloneTree(plain);
    await other.write("/etc/hostname", { text: "n1\n", mode: 0o644 });
    assert.deepEqual(await labelChanged(other), []);
    assert.equal(await other.kind("/.autorelabel"), undefined);
  }));
