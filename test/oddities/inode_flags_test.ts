/** Inode flags and project ids survive capture, installation and restore, on real file systems. */
import assert from "node:assert/strict";
import { zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { bytePathOfText } from "#contract/format/byte_path.ts";
import { sha256 } from "#native/sha256.ts";
import { compileExcludes } from "../../agent/tree/excludes.ts";
import { CaptureRecord } from "../../agent/capture/cache/capture_record.ts";
import { encodeCache, fingerprintOf, PastCapture } from "../../agent/capture/cache/past_capture.ts";
import { TreeSource } from "../../agent/capture/tree_source.ts";
import { installTree } from "../../agent/install/extract/install_tree.ts";
import { verifyTree } from "../../agent/install/extract/verify.ts";
import { runCommand } from "../../agent/sys/command.ts";
import { statAt } from "../../agent/sys/file_status.ts";
import { AT_FDCWD } from "../../agent/sys/libc.ts";
import { Mount } from "../../agent/sys/mount.ts";
import { missingForDisks } from "../node/loop_disk.ts";
import { fileSystem, sh, Template } from "./carried_tree.ts";

const missing = missingForDisks(["mkfs.ext4", "mkfs.xfs", "chattr", "lsattr", "xfs_io"]);
if (missing) console.log(`skipped: inode flags: ${missing}`);

/** Every path with its flags and project, by lsattr(1), without the flags that a file system sets itself. */
async function flagsOf(root: string): Promise<string[]> {
  const text = await sh(root, "lsattr -Rpa . 2>/dev/null; lsattr -dp .");
  return text.split("\n").filter((line) => / \.(\/|$)/.test(line) && !/\/\.{1,2}$|lost\+found/.test(line))
    .map((line) => line.replace(/[eIN](?=\S* )/g, "-").trim()).sort();
}

function flagTest(name: string, fn: (stack: AsyncDisposableStack, template: Template) => Promise<void>) {
  Deno.test({
    name,
    ignore: missing !== undefined,
    async fn() {
      await using stack = new AsyncDisposableStack();
      const template = stack.use(new Template(await Deno.makeTempDir()));
      await fn(stack, template);
      assert.deepEqual(template.notes, []);
    },
  });
}

const EXT4_TREE = String.raw`
umask 022
mkdir -p etc logs plain quota/in quota/out top
for f in i a d A S t s u c; do echo $f > etc/$f; done
echo shared > etc/first; ln etc/first etc/second; ln etc/first plain/third
echo x > plain/file; ln -s nowhere plain/link
mkfifo plain/fifo; ln plain/fifo quota/fifo
mknod plain/null c 1 3; ln plain/null quota/null; ln -P plain/link quota/link
head -c 9000000 /dev/urandom > etc/large
echo line > logs/log; echo y > logs/other
mkdir logs/empty logs/sub; echo z > logs/sub/file
chattr +P quota; chattr -P quota/in; echo q > quota/in/file
echo r > quota/file
truncate -s 1M etc/hole; chattr +d etc/hole
touch -h -d '2001-02-03 04:05:06.7' etc/* logs logs/* plain plain/* quota . etc
chattr +T top; chattr +D logs; chattr +dS logs/sub; chattr +a logs/log
for f in d A S t s u c a i; do chattr +$f etc/$f; done
chattr +iadA etc/first; chattr +i etc/large
chattr +a logs; chattr +i plain etc; chattr +i .
`;

const NO_LOCKS = "chattr -R -f -ia . || true";

flagTest(
  "ext4: flags of files, directories and the root survive capture and installation",
  async (stack, template) => {
    const from = await fileSystem(stack, "ext4"), to = await fileSystem(stack, "ext4");
    await sh(from, EXT4_TREE);
    const manifest = await template.capture(from);
    await template.install(manifest, to);
    const flags = await flagsOf(from);
    assert(flags.length > 25 && flags.some((line) => /P.* \.\/quota$/.test(line)), flags.join("\n"));
    assert.deepEqual(await flagsOf(to), flags);
    // Not only files have hard links.
    const names = (inode: string) => sh(to, `find . -inum $(stat -c %i ${inode}) | sort | tr '\\n' ' '`);
    for (const kind of ["fifo", "null", "link"]) {
      assert.equal(await names(`plain/${kind}`), `./plain/${kind} ./quota/${kind} `);
    }
    assert.equal(await names("etc/first"), "./etc/first ./etc/second ./plain/third ");
    const times = String.raw`find . -not -name lost+found -printf '%p %T@ %m %U\n' | sort`;
    assert.equal(await sh(to, times), await sh(from, times));
    assert.match(
      await template.install(manifest, to, { restores: true }),
      /^nothing would change.*\n.*\n0 bytes/s,
    );
  },
);

flagTest(
  "xfs: projects, extent size hints and flags survive capture and installation",
  async (stack, template) => {
    const from = await fileSystem(stack, "xfs"), to = await fileSystem(stack, "xfs");
    await sh(
      from,
      String.raw`
    mkdir -p quota/sub hints plain; echo x > quota/sub/file; echo y > plain/i; echo z > plain/A
    chattr +P -p 7 quota; chattr -p 4294967294 quota/sub/file
    xfs_io -c 'extsize 65536' hints; echo h > hints/file
    xfs_io -c 'chattr +f' plain/A; xfs_io -c 'chattr +n' plain
    chattr +A plain/A; chattr +i plain/i`,
    );
    const look = async (root: string) =>
      await sh(
        root,
        "find . -type f -o -type d | sort | xargs -I{} xfs_io -r -c stat -c lsattr {} | grep -E 'fsxattr.(xflags|projid|extsize|cowextsize)|^[^ ]* \\./' ",
      );
    const manifest = await template.capture(from);
    await template.install(manifest, to);
    const looked = await look(from);
    assert.match(looked, /projid = 7\n/);
    assert.match(looked, /extsize = 65536/);
    assert.equal(await look(to), looked);
    assert.match(await template.install(manifest, to, { restores: true }), /^nothing would change/);
  },
);

const breakIns: [what: string, script: string, says: RegExp][] = [
  [
    "an immutable file that does not belong",
    "echo evil > logs/sub/cron; chattr +i logs/sub/cron",
    /remove {3}\/logs\/sub\/cron, with all below it, immutable or append-only there/,
  ],
  [
    "an extra immutable directory, full of immutable files",
    "mkdir -p top/rootkit/deep; for i in 1 2 3; do echo $i > top/rootkit/deep/$i; done; chattr -R +i top/rootkit; chattr +i top",
    /remove {3}\/top\/rootkit, with all below it/,
  ],
  [
    "a file made another one, immutable",
    "echo evil > quota/file; chattr +ia quota/file",
    /rewrite {2}\/quota\/file \(2 bytes of it\), immutable or append-only there/,
  ],
  [
    "a large file changed in one place, immutable",
    "chattr -i etc etc/large; printf evil | dd of=etc/large bs=1 seek=5000000 conv=notrunc status=none; chattr +i etc/large",
    /rewrite {2}\/etc\/large \(\d/,
  ],
  [
    "an immutable file with another owner, mode and attribute",
    "chown 5 quota/file; chmod 4755 quota/file; setfattr -n user.x -v y quota/file; chattr +i quota/file",
    /correct {2}\/quota\/file \(attributes only\)/,
  ],
  [
    "a missing file in an immutable directory",
    "rm logs/sub/file; chattr +i logs/sub; chattr +i logs",
    /make {5}\/logs\/sub\/file/,
  ],
  [
    "a file that became an immutable directory",
    "rm quota/file; mkdir quota/file; : > quota/file/x; chattr -R +i quota/file",
    /replace {2}\/quota\/file/,
  ],
  [
    "a hard link that is gone",
    "chattr -i etc etc/first; chattr -a etc/first; rm etc/second; chattr +ia etc/first",
    /make {5}\/etc\/second/,
  ],
  ["a stranger in the immutable root", "chattr -i .; echo evil > evil; chattr +i evil .", /remove {3}\/evil/],
];
for (const [what, script, says] of breakIns) {
  flagTest(`after a break-in, ${what}: a restore repairs it without help`, async (stack, template) => {
    const from = await fileSystem(stack, "ext4"), to = await fileSystem(stack, "ext4");
    await sh(from, EXT4_TREE);
    const manifest = await template.capture(from);
    await template.install(manifest, to);
    await sh(to, script);
    assert.match(await template.install(manifest, to, { restores: true }), says);
    assert.deepEqual(await flagsOf(to), await flagsOf(from));
    assert.match(await template.install(manifest, to, { restores: true }), /^nothing would change/);
    await runCommand([
      "diff",
      "-r",
      "--no-dereference",
      "-x",
      "lost+found",
      "-x",
      "fifo",
      "-x",
      "null",
      from,
      to,
    ]);
  });
}

flagTest("if only flags differ, they are restored without fetching a byte", async (stack, template) => {
  const from = await fileSystem(stack, "ext4"), to = await fileSystem(stack, "ext4");
  await sh(from, EXT4_TREE);
  const manifest = await template.capture(from);
  await template.install(manifest, to);
  await sh(to, `${NO_LOCKS}; chattr +d quota/file; chattr +A plain/third; chattr +i top`);
  const told = await template.install(manifest, to, { restores: true });
  assert.match(told, /correct {2}\/etc\/i[^]*correct {2}\/quota\/file[^]*\n0 bytes$/);
  assert.deepEqual(await flagsOf(to), await flagsOf(from));
});

flagTest("flags that a file system cannot hold are reported, and stop nothing", async (stack, template) => {
  const from = await fileSystem(stack, "ext4");
  const to = await Deno.makeTempDir();
  stack.defer(() => Deno.remove(to));
  stack.use(await Mount.at(to, { source: "tmpfs", type: "tmpfs" }));
  await sh(from, "echo x > a; chattr +t a; echo y > b; chattr +di b");
  const manifest = await template.capture(from);
  const { notes } = await installTree({
    manifest,
    key: template.server.key,
    target: to,
    workers: 0,
    packs: { path: () => template.server.packPath },
    frames: ReadableStream.from([0]),
  });
  assert.deepEqual(notes, ["inode flags (+t) not kept: a"]);
  assert.match((await flagsOf(to)).join("\n"), /i.*d.* \.\/b/);
  const changed = new Set<string>();
  await verifyTree(manifest, { root: to, privileged: true, changed, plain: [], fromDisk: false });
  await sh(to, "chattr -i b");
  await assert.rejects(
    verifyTree(manifest, { root: to, privileged: true, changed, plain: [], fromDisk: false }),
    /b: has the inode flags \+d and should have \+id/,
  );
});

flagTest(
  "a re-capture sees a changed flag, and one based on memory without flags misses none",
  async (stack) => {
    const from = await fileSystem(stack, "ext4");
    await sh(from, "echo x > a; chattr +i a; echo y > b; chattr +d .");
    const line = "{}";
    const status = (name: string) => statAt(AT_FDCWD, bytePathOfText(`${from}/${name}`));
    const remembered = (name: string) => ({
      path: bytePathOfText(name),
      line,
      fingerprint: fingerprintOf(status(name)),
    });
    const of = { capture: "1", root: from, amount: { files: 2, bytes: 4 } };
    const memory = encodeCache({ ...of, entries: [remembered("a"), remembered("b")] });
    const older = Buffer.from(
      zstdDecompressSync(memory.subarray(32)).toString("utf8").replace(
        '"formatVersion":3',
        '"formatVersion":2',
      ),
    );
    const content = zstdCompressSync(older);
    const told = async (bytes: Uint8Array) => {
      const past = new PastCapture(bytes);
      const tree = new TreeSource(from, {
        excludes: compileExcludes(["/lost+found/"]),
        mountPoints: [],
        history: { past, record: new CaptureRecord(0) },
      });
      const sink = {
        room: (n: number) => new Uint8Array(n),
        take: () => "A".repeat(43),
        full: false,
        drained: async () => {},
      };
      const lines = [];
      const options = { signal: new AbortController().signal, onProgress: () => {} };
      for await (const entry of tree.entries(sink, options)) lines.push(entry.line);
      return lines.map((text) => text === line ? "remembered" : /"flags":"(\w+)"/.exec(text)?.[1] ?? "none");
    };
    assert.deepEqual(await told(memory), ["d", "remembered", "remembered"]);
    assert.deepEqual(await told(Buffer.concat([sha256(content), content])), ["d", "i", "remembered"]);
    await sh(from, "chattr -i a; chattr +A a");
    assert.deepEqual(await told(memory), ["d", "A", "remembered"]);
  },
);

flagTest(
  "file-system encryption is noted once; without its key the capture fails with a remedy",
  async (stack, template) => {
    const from = await fileSystem(stack, "ext4");
    await sh(
      from,
      `mkdir d; id=$(head -c 64 /dev/urandom | xfs_io -c add_enckey . | grep -o '[0-9a-f]*$')
    xfs_io -c "set_encpolicy -v 2 $id" d; echo x > d/a; echo y > d/b; echo $id > id`,
    );
    const { header } = await template.capture(from);
    assert.deepEqual(header.notes, [
      "file-system encryption (fscrypt) is not captured: the image and its clones have plain content: 3 paths, such as d",
    ]);
    await sh(from, 'xfs_io -c "rm_enckey $(cat id)" .');
    const again = new Template(await Deno.makeTempDir());
    stack.use(again);
    await assert.rejects(again.capture(from), /ENOKEY.*fscrypt unlock/);
  },
);
