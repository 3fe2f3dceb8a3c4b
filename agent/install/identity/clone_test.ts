import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { bytePathOfText } from "#contract/format/byte_path.ts";
import type { Entry, FrameExtent } from "#contract/format/entry.ts";
import { RackseedError } from "#contract/errors.ts";
import type { Manifest } from "#contract/format/manifest.ts";
import { PieceMap } from "#torrent/metainfo/piece_map.ts";
import { needs } from "../../../test/support/needs.ts";
import { runCommand } from "../../sys/command.ts";
import { AT_FDCWD, close, O, openAt } from "../../sys/libc.ts";
import { setXattrOf, xattrsOf } from "../../sys/xattr.ts";
import { putBack, readCloneRecord, writeCloneRecord } from "../records/clone_record.ts";
import { PackStore } from "../fetch/pack_store.ts";
import { CloneTree, ForeignTree } from "../../tree/tree_files.ts";
import { unlockedFolders } from "../../tree/unlocked_folders.ts";
import { verifyTree } from "../extract/verify.ts";

async function inTemporary(test: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await test(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** The lines of lsattr, without the flags that the file system sets on its own. */
function withoutOwnFlags(text: string): string[] {
  return text.split("\n").map((line) =>
    line.replace(/^[\w-]*-[\w-]* /, (flags) => flags.replace(/[e-]/g, ""))
  );
}

Deno.test("a link in the clone is replaced by a file, and its target is left alone", () =>
  inTemporary(async (root) => {
    await Deno.mkdir(`${root}/clone/etc`, { recursive: true });
    await Deno.writeTextFile(`${root}/outside`, "mine");
    await Deno.symlink(`${root}/outside`, `${root}/clone/etc/hostname`);
    const clone = new CloneTree(`${root}/clone`);
    assert.equal(await clone.kind("/etc/hostname"), "symlink");
    assert.equal(await clone.text("/etc/hostname"), undefined);
    await clone.write("/etc/hostname", { text: "n1\n", mode: 0o600 });
    assert.equal(await clone.text("/etc/hostname"), "n1\n");
    assert.equal(((await Deno.lstat(`${root}/clone/etc/hostname`)).mode ?? 0) & 0o777, 0o600);
    assert.equal(await Deno.readTextFile(`${root}/outside`), "mine");
    assert.deepEqual([...clone.changed], ["/etc/hostname"]);
  }));

Deno.test({
  name: "immutable files in immutable directories are replaced, and are immutable again",
  ...needs({ root: true, programs: ["chattr", "lsattr"] }),
  fn: () =>
    inTemporary(async (root) => {
      const sh = (script: string) => runCommand(["bash", "-euc", `cd "$1"; ${script}`, "bash", root]);
      await sh("mkdir -p etc/deep; for f in resolv.conf gone from log; do echo old > etc/$f; done");
      await sh("chattr +i etc/resolv.conf etc/gone etc/from; chattr +a etc/log; chattr +i etc etc/deep");
      try {
        const clone = new CloneTree(root);
        for (const name of ["resolv.conf", "log", "deep/a/b"]) {
          await clone.write(`/etc/${name}`, { text: "new\n", mode: 0o644 });
        }
        await clone.remove("/etc/gone");
        await clone.move("/etc/from", "/etc/deep/to");
        await clone.link("/etc/deep/link", { target: "nowhere" });
        const { stdout } = await sh(
          "cat etc/resolv.conf etc/log etc/deep/a/b etc/deep/to; readlink etc/deep/link; lsattr -d etc etc/* etc/deep/a",
        );
        assert.deepEqual(withoutOwnFlags(stdout), [
          ...["new", "new", "new", "old", "nowhere"],
          ...["i etc", "i etc/deep", "a etc/log", "i etc/resolv.conf", " etc/deep/a", ""],
        ]);
      } finally {
        await sh("chattr -R -f -ia etc || true");
      }
    }),
});

Deno.test({
  name: "folders that a program writes to are unlocked meanwhile",
  ...needs({ root: true, programs: ["chattr", "lsattr"] }),
  fn: () =>
    inTemporary(async (root) => {
      const sh = (script: string) => runCommand(["bash", "-euc", `cd "$1"; ${script}`, "bash", root]);
      await sh(
        "mkdir -p grub/x86; echo a > grub/x86/core.img; echo b > grub/grub.cfg; ln -s / grub/link; chattr +i grub/x86/core.img grub/grub.cfg grub/x86 grub",
      );
      try {
        {
          using _unlocked = unlockedFolders([`${root}/grub`]);
          await sh("echo c > grub/x86/core.img; rm grub/grub.cfg; echo d > grub/new");
        }
        const { stdout } = await sh("lsattr -d grub grub/new grub/x86 grub/x86/core.img");
        assert.deepEqual(withoutOwnFlags(stdout), [
          ...["i grub", " grub/new", "i grub/x86", "i grub/x86/core.img", ""],
        ]);
      } finally {
        await sh("chattr -R -f -i grub || true");
      }
    }),
});

Deno.test("the record of a clone is read back, whatever the size of its boot area", () =>
  inTemporary(async (root) => {
    const clone = new CloneTree(root);
    const boot = { area: "x".repeat(2_800_000), files: { "/boot/grub/core.img": "a" } };
    await writeCloneRecord(clone, { manifest: "a".repeat(64), own: ["/etc/hostname"], boot });
    assert.deepEqual((await readCloneRecord(clone))?.boot, boot);
  }));

Deno.test("the record restores lost identity files byte for byte, text or not", () =>
  inTemporary(async (root) => {
    const clone = new CloneTree(root);
    const files = { "/etc/hostid": Uint8Array.of(0xff, 0xfe, 0x80, 1), "/etc/mailname": "n1\n" };
    for (const [path, text] of Object.entries(files)) await clone.write(path, { text, mode: 0o640 });
    await writeCloneRecord(clone, { manifest: "a".repeat(64), own: Object.keys(files), boot: undefined });
    for (const path of Object.keys(files)) await Deno.remove(`${root}${path}`);
    const record = await readCloneRecord(clone);
    assert.ok(record);
    assert.deepEqual((await putBack(clone, record)).sort(), Object.keys(files));
    assert.deepEqual(await Deno.readFile(`${root}/etc/hostid`), files["/etc/hostid"]);
    assert.equal(await clone.text("/etc/mailname"), "n1\n");
    assert.equal(await clone.mode("/etc/hostid"), 0o640);
    assert.deepEqual(await putBack(clone, record), []);
  }));

Deno.test("a random seed that the boot loader made is not put back: it may be used only once", () =>
  inTemporary(async (root) => {
    const clone = new CloneTree(root), seed = "/boot/efi/loader/random-seed";
    await clone.write(seed, { text: Uint8Array.of(0xff, 1, 2), mode: 0o600 });
    await writeCloneRecord(clone, { manifest: "a".repeat(64), own: [seed], boot: undefined });
    await Deno.remove(`${root}${seed}`);
    const record = await readCloneRecord(clone);
    assert.deepEqual(record?.own, [{ path: seed }]);
    assert.deepEqual(record && await putBack(clone, record), []);
  }));

Deno.test("a rewritten file keeps its owner, and a new one gets its directory's", {
  ignore: Deno.uid() !== 0,
}, () =>
  inTemporary(async (root) => {
    const clone = new CloneTree(root);
    await clone.write("/etc/agent/id", { text: "template", mode: 0o600 });
    await Deno.chown(`${root}/etc/agent/id`, 12, 34);
    await Deno.chown(`${root}/etc/agent`, 56, 78);
    for (const name of ["id", "new"]) await clone.write(`/etc/agent/${name}`, { text: "own", mode: 0o600 });
    const owner = async (name: string) => {
      const { uid, gid } = await Deno.lstat(`${root}/etc/agent/${name}`);
      return [uid, gid];
    };
    assert.deepEqual([await owner("id"), await owner("new")], [[12, 34], [56, 78]]);
  }));

Deno.test(
  "a file that is written again keeps its SELinux label",
  { ignore: Deno.uid() !== 0 },
  () =>
    inTemporary(async (root) => {
      const clone = new CloneTree(root), path = "/etc/hostname";
      const label = new TextEncoder().encode("system_u:object_r:hostname_etc_t:s0\0");
      const onFile = <T>(use: (fd: number) => T): T => {
        const fd = openAt(AT_FDCWD, bytePathOfText(`${root}${path}`), { flags: O.RDWR });
        try {
          return use(fd);
        } finally {
          close(fd);
        }
      };
      await clone.write(path, { text: "web\n", mode: 0o644 });
      onFile((fd) => setXattrOf(fd, ["security.selinux", label]));
      await clone.write(path, { text: "n1\n", mode: 0o644 });
      assert.deepEqual(onFile(xattrsOf), [["security.selinux", label]]);
      assert.equal(await clone.text(path), "n1\n");
    }),
);

Deno.test("no directory link that leads out of the clone is followed", () =>
  inTemporary(async (root) => {
    await Deno.mkdir(`${root}/clone`);
    await Deno.mkdir(`${root}/outside`);
    await Deno.symlink(`${root}/outside`, `${root}/clone/etc`);
    await Deno.symlink("../outside", `${root}/clone/var`);
    const clone = new CloneTree(`${root}/clone`);
    for (const path of ["/etc/hostname", "/var/hostname"]) {
      await assert.rejects(clone.write(path, { text: "", mode: 0o644 }), RackseedError);
      await assert.rejects(clone.remove(path), RackseedError);
    }
    assert.deepEqual(await Array.fromAsync(Deno.readDir(`${root}/outside`)), []);
  }));

Deno.test("a path of dots is refused", () =>
  inTemporary(async (root) => {
    await Deno.mkdir(`${root}/clone/etc`, { recursive: true });
    const clone = new CloneTree(`${root}/clone`), foreign = new ForeignTree(`${root}/clone`);
    for (const path of ["/..", "/etc/../..", "/.", "/etc/../../x"]) {
      await assert.rejects(clone.directory(path), RackseedError, path);
      await assert.rejects(clone.write(path, { text: "", mode: 0o644 }), RackseedError, path);
      assert.equal(await foreign.directory(path), undefined, path);
    }
    assert.deepEqual(await Array.fromAsync(Deno.readDir(root), ({ name }) => name), ["clone"]);
  }));

Deno.test("a link inside the clone is followed, and missing directories are made", () =>
  inTemporary(async (root) => {
    await Deno.mkdir(`${root}/usr/etc`, { recursive: true });
    await Deno.symlink("usr/etc", `${root}/etc`);
    const clone = new CloneTree(root);
    await clone.write("/etc/systemd/network/x", { text: "y", mode: 0o644 });
    assert.equal(await Deno.readTextFile(`${root}/usr/etc/systemd/network/x`), "y");
    await clone.move("/etc/systemd/network/x", "/var/lib/rackseed/x");
    assert.deepEqual(await clone.list("/var/lib/rackseed"), ["/var/lib/rackseed/x"]);
  }));

const content = new TextEncoder().encode("hello");
const common = { uid: Deno.uid() ?? 0, gid: Deno.gid() ?? 0, mtimeSec: 0, mtimeNs: 0, xattrs: [] };
const entries: Entry<FrameExtent>[] = [
  { type: "directory", path: bytePathOfText(""), mode: 0o755, ...common },
  { type: "directory", path: bytePathOfText("boot"), mode: 0o755, ...common },
  {
    type: "file",
    path: bytePathOfText("boot/a"),
    mode: 0o640,
    sizeBytes: 5,
    extents: [{ offset: 0, frame: 0, index: 0 }],
    ...common,
  },
  { type: "link", path: bytePathOfText("boot/b"), target: bytePathOfText("boot/a") },
  { type: "symlink", path: bytePathOfText("boot/c"), target: bytePathOfText("a"), mode: 0o777, ...common },
];
const manifest = {
  entries,
  frames: [{
    pack: 0,
    offset: 0,
    sealedBytes: 1,
    rawBytes: 5,
    extents: [{ sha256: createHash("sha256").update(content).digest("base64url"), offset: 0, sizeBytes: 5 }],
  }],
} as unknown as Manifest;

async function makeTree(root: string): Promise<void> {
  await Deno.mkdir(`${root}/boot`, { mode: 0o755 });
  await Deno.writeFile(`${root}/boot/a`, content, { mode: 0o640 });
  await Deno.chmod(`${root}/boot/a`, 0o640);
  await Deno.link(`${root}/boot/a`, `${root}/boot/b`);
  await Deno.symlink("a", `${root}/boot/c`);
}

const options = { privileged: true, changed: new Set<string>(), plain: [], fromDisk: false };

Deno.test("a clone as captured passes verification, which reads its boot files back", () =>
  inTemporary(async (root) => {
    await makeTree(root);
    assert.deepEqual(await verifyTree(manifest, { root, ...options }), { entries: 5, readBytes: 5 });
  }));

const damages: { name: string; damage: (root: string) => Promise<void>; says: RegExp }[] = [
  {
    name: "other content",
    damage: (root) => Deno.writeFile(`${root}/boot/a`, new TextEncoder().encode("hellO")),
    says: /boot\/a: its content differs from byte 0 on/,
  },
  {
    name: "another size",
    damage: (root) => Deno.truncate(`${root}/boot/a`, 4),
    says: /boot\/a: has 4 bytes and should have 5/,
  },
  { name: "another mode", damage: (root) => Deno.chmod(`${root}/boot/a`, 0o600), says: /has mode 600/ },
  {
    name: "a missing link",
    damage: (root) => Deno.remove(`${root}/boot/c`),
    says: /boot\/c: .*(not there|ENOENT|No such)/i,
  },
  {
    name: "a hard link that has become a separate file",
    damage: async (root) => {
      await Deno.remove(`${root}/boot/b`);
      await Deno.writeFile(`${root}/boot/b`, content);
    },
    says: /boot\/b: is not linked/,
  },
];
for (const { name, damage, says } of damages) {
  Deno.test(`verification finds ${name}`, () =>
    inTemporary(async (root) => {
      await makeTree(root);
      await damage(root);
      await assert.rejects(
        verifyTree(manifest, { root, ...options }),
        (error) => error instanceof RackseedError && says.test(error.reason),
      );
    }));
}

Deno.test("intended changes do not fail the verification", () =>
  inTemporary(async (root) => {
    await makeTree(root);
    await Deno.writeTextFile(`${root}/boot/a`, "grub");
    const changed = new Set(["/boot"]);
    assert.deepEqual(await verifyTree(manifest, { root, ...options, changed }), { entries: 1, readBytes: 0 });
  }));

const map = new PieceMap([{ name: "a.pack", length: 8 }, { name: "b.pack", length: 4 }], 16_384);

Deno.test("packs in memory have no name and can still be opened", () =>
  inTemporary(async (directory) => {
    using store = await PackStore.temporary(map, directory);
    assert.deepEqual(await Array.fromAsync(Deno.readDir(directory)), []);
    store.storage.write(0, new TextEncoder().encode("12345678abcd"));
    assert.equal(await Deno.readTextFile(store.path("a.pack")), "12345678");
    assert.equal(await Deno.readTextFile(store.path("b.pack")), "abcd");
    assert.throws(() => store.path("c.pack"), /no file c\.pack/);
    await store.removeNames();
  }));

Deno.test("packs on the disk are found again until their names are removed", () =>
  inTemporary(async (directory) => {
    const packs = `${directory}/packs`;
    {
      using store = await PackStore.lasting(map, packs);
      store.storage.write(0, new TextEncoder().encode("12345678abcd"));
    }
    using store = await PackStore.lasting(map, packs);
    assert.equal(await Deno.readTextFile(store.path("a.pack")), "12345678");
    await store.removeNames();
    assert.deepEqual(await Array.fromAsync(Deno.readDir(directory)), []);
    assert.equal(await Deno.readTextFile(store.path("b.pack")), "abcd");
  }));

Deno.test("packs that are links are replaced, and their targets are untouched", () =>
  inTemporary(async (directory) => {
    const packs = `${directory}/packs`, outside = `${directory}/disk`, other = `${directory}/other`;
    await Deno.mkdir(packs);
    for (const path of [outside, other]) await Deno.writeTextFile(path, "precious bytes of another disk");
    await Deno.symlink(outside, `${packs}/a.pack`);
    await Deno.link(other, `${packs}/b.pack`);
    await Deno.writeTextFile(`${packs}/stray`, "left over");
    {
      using store = await PackStore.lasting(map, packs);
      store.storage.write(0, new TextEncoder().encode("12345678abcd"));
    }
    for (const path of [outside, other]) {
      assert.equal(await Deno.readTextFile(path), "precious bytes of another disk");
    }
    assert.deepEqual([...Deno.readDirSync(packs)].map((e) => e.name).sort(), ["a.pack", "b.pack"]);
    await Deno.remove(packs, { recursive: true });
    await Deno.symlink(directory, packs);
    (await PackStore.lasting(map, packs))[Symbol.dispose]();
    assert((await Deno.lstat(packs)).isDirectory);
    assert.equal(await Deno.readTextFile(outside), "precious bytes of another disk");
  }));
