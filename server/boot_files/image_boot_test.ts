import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import type { VerifyEvent } from "#contract/api.ts";
import type { DiskLayout } from "#contract/format/layout.ts";
import { sendEntries, sendTree } from "../capture/testing/sender.ts";
import { openTestServer, type TestServer } from "../capture/testing/service.ts";
import { readTree } from "../capture/testing/tree.ts";
import { makeBootFiles } from "./image_boot.ts";

const KERNEL = "6.1.0-test";
const layout: DiskLayout = { disks: [], fileSystems: [], swap: [] };
const signal = new AbortController().signal;

/** A server that makes boot files of a tree with a kernel; `product` stands for the hash of the product. */
function serve(folder: string, product = "product"): Promise<TestServer> {
  const segments = { ensure: () => Promise.resolve(), product: () => Promise.resolve(product) };
  return openTestServer(`${folder}/data`, {
    makeBoot: (reader, options) => makeBootFiles(reader, { ...options, segments, hardware: [], signal }),
  });
}

async function capture({ service, ended }: TestServer, root: string): Promise<void> {
  const tree = await readTree(root);
  const { id } = service.begin({ image: "web", level: 1, excludes: [] });
  await assert.rejects(sendTree(service, id, { ...tree, entries: [] }));
  await sendEntries(service, id, { tree, header: { layout } });
  assert.equal((await ended(id)).state, "published");
}

async function assertWhole({ store }: TestServer, ref: string): Promise<void> {
  const events = await Array.fromAsync<VerifyEvent>(store.verify(ref));
  assert.deepEqual(events.filter((e) => e.type === "damage"), []);
}

async function inTemporary(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "rackseed-boot-" });
  try {
    for (const path of ["boot", `lib/modules/${KERNEL}/kernel/fs`, "etc", "usr/bin"]) {
      Deno.mkdirSync(`${folder}/tree/${path}`, { recursive: true });
    }
    write(folder, `boot/vmlinuz-${KERNEL}`, "a kernel");
    write(folder, `lib/modules/${KERNEL}/modules.dep`, "kernel/fs/ext4.ko:\n");
    write(folder, `lib/modules/${KERNEL}/kernel/fs/ext4.ko`, "a module");
    await work(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function write(folder: string, path: string, text: string): void {
  Deno.writeTextFileSync(`${folder}/tree/${path}`, text);
}

function inode(folder: string, version: number, name = "initrd-image"): number | null {
  return Deno.statSync(`${folder}/data/versions/web@${version}/${name}`).ino;
}

Deno.test("boot files are the previous version's as long as their inputs do not change", () =>
  inTemporary(async (folder) => {
    {
      await using server = await serve(folder);
      await capture(server, `${folder}/tree`);
      write(folder, "etc/motd", "it has nothing to do with booting");
      await capture(server, `${folder}/tree`);
      for (const name of ["vmlinuz", "initrd-image", "boot-inputs"]) {
        assert.equal(inode(folder, 2, name), inode(folder, 1, name));
      }
      const { bootable, bootNotes } = server.store.get("web@1");
      assert.deepEqual(server.store.get("web@2").bootable, bootable);
      assert.deepEqual(server.store.get("web@2").bootNotes, bootNotes);

      write(folder, `lib/modules/${KERNEL}/kernel/fs/ext4.ko`, "another module");
      await capture(server, `${folder}/tree`);
      assert.notEqual(inode(folder, 3), inode(folder, 2));
      write(folder, `boot/vmlinuz-${KERNEL}`, "another kernel");
      await capture(server, `${folder}/tree`);
      assert.notEqual(inode(folder, 4, "vmlinuz"), inode(folder, 3, "vmlinuz"));

      server.store.delete("web@1");
      for (const ref of ["web@2", "web@3", "web@4"]) await assertWhole(server, ref);
    }
    await using updated = await serve(folder, "another product");
    await capture(updated, `${folder}/tree`);
    assert.notEqual(inode(folder, 5), inode(folder, 4));
  }));

Deno.test("damaged boot files are made again, and the previous version's are left as they are", () =>
  inTemporary(async (folder) => {
    await using server = await serve(folder);
    await capture(server, `${folder}/tree`);
    const damaged = `${folder}/data/versions/web@1/initrd-image`;
    Deno.writeTextFileSync(damaged, "damaged");
    await capture(server, `${folder}/tree`);
    assert.equal(Deno.readTextFileSync(damaged), "damaged");
    await assertWhole(server, "web@2");
    assert.equal(
      Deno.readTextFileSync(`${folder}/data/versions/web@2/vmlinuz`),
      Deno.readTextFileSync(`${folder}/data/versions/web@1/vmlinuz`),
    );
    assert.notEqual(inode(folder, 2, "vmlinuz"), inode(folder, 1, "vmlinuz"));
  }));

Deno.test("a kernel that is compressed as a whole, as some of arm64 are, is unpacked", () =>
  inTemporary(async (folder) => {
    Deno.writeFileSync(`${folder}/tree/boot/vmlinuz-${KERNEL}`, gzipSync("an arm64 kernel"));
    await using server = await serve(folder);
    await capture(server, `${folder}/tree`);
    assert.equal(Deno.readTextFileSync(`${folder}/data/versions/web@1/vmlinuz`), "an arm64 kernel");
  }));
