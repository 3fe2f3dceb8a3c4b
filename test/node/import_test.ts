/** Disk images and container images become versions: written by qemu-img, umoci and skopeo, compared file by file. */
import assert from "node:assert/strict";
import { CaptureView, VersionView } from "#contract/api.ts";
import { openImport } from "../../agent/import/open_import.ts";
import { sendCapture } from "../../agent/capture/send_capture.ts";
import { runCommand as run } from "../../agent/sys/command.ts";
import { ServerUnderTest } from "../flows/support/server_under_test.ts";
import { waitFor } from "../support/wait_for.ts";
import { missingForDisks } from "./loop_disk.ts";
import { StillNode } from "./still_node.ts";

const programs = ["qemu-img", "umoci", "skopeo", "sfdisk", "mkfs.ext4", "blkid", "lsblk", "rsync"];
const missing = missingForDisks(programs);
if (missing) console.log(`skipped: imports of disks and containers: ${missing}`);
const test = (name: string, fn: () => Promise<void>) =>
  Deno.test({ name, fn, ignore: missing !== undefined });

type Options = Pick<Parameters<typeof openImport>[1], "firmware" | "kind">;

/** Imports as main.ts does. */
async function importTo(server: ServerUnderTest, path: string, options: Options = {}): Promise<VersionView> {
  const { client } = server, { signal } = new AbortController();
  await using stack = new AsyncDisposableStack();
  const found = await openImport(path, { excludes: [], stack, signal, ...options });
  const body = { image: "web", level: 1, excludes: [] };
  const { id } = await client.post("/captures", { body, schema: CaptureView, signal });
  const { tree, source, layout, excludes, notes } = found;
  const onRead = () => Promise.resolve(notes);
  await sendCapture({ api: client, capture: id, tree, source, layout, excludes, onRead, signal });
  return await waitFor("the version to be published", async () => {
    const view = await client.get(`/captures/${id}`, CaptureView);
    assert.notEqual(view.state, "failed", JSON.stringify(view.problem));
    if (view.state !== "published") return undefined;
    return await client.get(`/images/web@${view.version}`, VersionView);
  }, { timeoutMs: 120_000, everyMs: 20 });
}

/** Names of what differs between the newest version, as its tar has it, and a tree; with contents and attributes. */
async function differences(server: ServerUnderTest, tree: string): Promise<string> {
  const at = await Deno.makeTempDir();
  try {
    const tar = `${at}/web.tar`;
    const answer = await server.client.send("GET", "/images/web/export");
    await Deno.writeFile(tar, answer.body ?? new Uint8Array());
    await Deno.mkdir(`${at}/tree`);
    await run(["tar", "-C", `${at}/tree`, "--numeric-owner", "--xattrs", "-xpf", tar]);
    const compare = ["rsync", "-naHAXc", "--delete", "--itemize-changes", "--numeric-ids"] as const;
    return (await run([...compare, `${tree}/`, `${at}/tree/`])).stdout;
  } finally {
    await Deno.remove(at, { recursive: true });
  }
}

/** An OCI layout of three layers: files, links, then changes and removals, then a folder emptied and filled again. */
async function makeContainer(folder: string): Promise<{ layout: string; rootfs: string }> {
  const layout = `${folder}/layout`, reference = `${layout}:web`;
  await run(["umoci", "init", "--layout", layout]);
  await run(["umoci", "new", "--image", reference]);
  const layers = [
    `mkdir -p etc srv/data/deep usr/bin var/empty; echo web > etc/hostname; head -c 6000000 /dev/urandom > usr/bin/tool
     ln usr/bin/tool usr/bin/alias; ln -s ../usr/bin srv/link; echo 1 > srv/data/deep/one; echo 2 > srv/data/two
     chmod 4755 usr/bin/tool; chown 12:34 srv/data/two; mkfifo srv/pipe; echo old > srv/file; mkdir srv/folder
     echo in > srv/folder/in; touch -d 2001-02-03 etc/hostname`,
    `rm srv/data/two srv/file; mkdir srv/file; echo new > srv/file/new; rm -r srv/folder; echo flat > srv/folder
     echo changed > srv/data/deep/one; ln usr/bin/tool srv/tool; chmod 700 var/empty`,
    `rm -r srv/data; mkdir -p srv/data/deep; echo again > srv/data/deep/three; rm usr/bin/alias`,
  ];
  for (const [number, script] of layers.entries()) {
    const bundle = `${folder}/bundle${number}`;
    await run(["umoci", "unpack", "--image", reference, bundle]);
    await run(["sh", "-ec", `cd "$0"; ${script}`, `${bundle}/rootfs`]);
    await run(["umoci", "repack", "--image", reference, bundle]);
  }
  // as the layers have it: their times are in whole seconds
  await run(["umoci", "unpack", "--image", reference, `${folder}/whole`]);
  return { layout, rootfs: `${folder}/whole/rootfs` };
}

test("a container image becomes the tree that its own tools unpack, in each form that it is saved in", async () => {
  await using server = await ServerUnderTest.start();
  const { layout, rootfs } = await makeContainer(server.folder);
  const copy = (to: string) => run(["skopeo", "--insecure-policy", "copy", `oci:${layout}:web`, to]);
  const archive = `${server.folder}/web.tar`, docker = `${server.folder}/docker.tar`;
  await copy(`oci-archive:${archive}`);
  await copy(`docker-archive:${docker}:web:latest`);
  for (const path of [layout, archive, docker]) {
    const { layout, source } = await importTo(server, path);
    assert.deepEqual([layout, source], [undefined, undefined]);
    assert.equal(await differences(server, rootfs), "", path);
  }
});

test("a damaged layer, a missing one and two images in one are refused with words", async () => {
  const folder = await Deno.makeTempDir();
  await using stack = new AsyncDisposableStack();
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  const { layout } = await makeContainer(folder);
  const { signal } = new AbortController();
  const refused = async (reason: RegExp) => {
    const read = async () => {
      const { tree } = await openImport(layout, { excludes: [], stack, signal });
      await tree.measure({ signal, onProgress: () => {} });
    };
    await assert.rejects(read(), { title: /^cannot (read|import) the container image/, reason });
  };
  const manifest = (await Array.fromAsync(Deno.readDir(`${layout}/blobs/sha256`)))
    .map(({ name }) => `${layout}/blobs/sha256/${name}`)
    .toSorted((a, b) => Deno.statSync(b).size - Deno.statSync(a).size);
  const [largest = ""] = manifest;
  const whole = await Deno.readFile(largest);
  await Deno.writeFile(largest, whole.map((byte, i) => i === 1000 ? byte ^ 1 : byte));
  await refused(/its layer .* is damaged/);
  await Deno.remove(largest);
  await refused(/it has no file blobs\/sha256/);
  await Deno.writeFile(largest, whole);
  await run(["umoci", "tag", "--image", `${layout}:web`, "other"]);
  await refused(/it holds 2 images \(.*web.*\): save one alone/);
});

test("a container image without a kernel is no machine: what is missing is named", async () => {
  const folder = await Deno.makeTempDir();
  await using stack = new AsyncDisposableStack();
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  const { layout } = await makeContainer(folder);
  const { signal } = new AbortController();
  await assert.rejects(openImport(layout, { excludes: [], firmware: "uefi", stack, signal }), {
    title: /^cannot make a machine of the container image/,
    reason: /the program sfdisk is missing: install fdisk.*GRUB for UEFI is missing/,
  });
});

test("a disk image becomes what a backup of its machine would be; qcow2 too, but not a part of one", async () => {
  await using server = await ServerUnderTest.start();
  await using node = await StillNode.make();
  const raw = `${server.folder}/disk.img`, qcow2 = `${server.folder}/disk.qcow2`;
  await using copy = await node.disk.copy();
  await run(["dd", `if=${copy.device}`, `of=${raw}`, "bs=1M", "conv=sparse"]);
  await run(["qemu-img", "convert", "-f", "raw", "-O", "qcow2", raw, qcow2]);
  const sum = async () => (await run(["sha256sum", raw])).stdout;
  const before = await sum();
  for (const path of [raw, qcow2]) {
    const { layout, source } = await importTo(server, path, { firmware: "bios" });
    const mounts = layout?.fileSystems.map((f) => `${f.mountPoint} ${f.type} ${f.label}`);
    assert.deepEqual(mounts, ["/ ext4 p1", "/srv ext4 p2"]);
    assert.deepEqual([source?.hostname, source?.distribution, source?.firmware], ["n1", "debian", "bios"]);
    const answer = await server.client.send("GET", "/images/web/export");
    const tar = `${server.folder}/web.tar`;
    await Deno.writeFile(tar, answer.body ?? new Uint8Array());
    const { stdout } = await run(["tar", "-tvf", tar]);
    assert.match(stdout, /50000 .* srv\/data\n/);
  }
  assert.equal(await sum(), before, "the image was written to");

  const overlay = `${server.folder}/overlay.qcow2`;
  await run(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", "/etc/passwd", overlay]);
  await assert.rejects(importTo(server, overlay), {
    reason: /it is only a part of an image: the rest is in \/etc\/passwd/,
  });
});

test("a file that is nothing of all this is refused with words", async () => {
  const file = await Deno.makeTempFile();
  await using stack = new AsyncDisposableStack();
  stack.defer(() => Deno.remove(file));
  await Deno.truncate(file, 10 << 20);
  const { signal } = new AbortController();
  await assert.rejects(openImport(file, { excludes: [], stack, signal }), {
    reason: /none of its disks has a system that can be read/,
  });
});
