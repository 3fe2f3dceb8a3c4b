import assert from "node:assert/strict";
import { RackseedError } from "#contract/errors.ts";
import { sendTree } from "../capture/testing/sender.ts";
import { openTestServer, type TestServer } from "../capture/testing/service.ts";
import { generatedTree, type Tree } from "../capture/testing/tree.ts";

const order = { image: "web", level: 3, excludes: [] };
const isFull = (error: unknown) => error instanceof RackseedError && error.status === 507;

Deno.test({
  name: "a full data directory fails the capture with a remedy and damages nothing else",
  // mounting a tmpfs needs root
  ignore: Deno.uid() !== 0,
  async fn() {
    const folder = await Deno.makeTempDir({ prefix: "rackseed-full-" });
    await run("mount", "-t", "tmpfs", "-o", "size=32m", "rackseed-full", folder);
    try {
      await using server = await openTestServer(`${folder}/data`);
      const small = generatedTree({ seed: "small", sizes: [8 << 20] });
      const large = generatedTree({ seed: "large", sizes: [40 << 20] });
      assert.equal((await capture(server, small)).version, 1);

      const { id } = server.service.begin(order);
      await assert.rejects(sendTree(server.service, id, large), isFull);
      const failed = server.service.get(id);
      assert.equal(failed.state, "failed");
      assert.match(failed.problem?.remedy ?? "", /image delete/);
      await assertWhole(server);

      // what the failed capture stored is dropped, and the server keeps working
      server.service.cancel(id);
      assert.equal((await capture(server, generatedTree({ seed: "other", sizes: [4 << 20] }))).version, 2);

      // filled up by someone else, to the last byte
      assert.throws(() => Deno.writeFileSync(`${folder}/filler`, new Uint8Array(32 << 20)));
      assert.throws(() => server.service.begin(order), isFull);
      await assertWhole(server);
      Deno.removeSync(`${folder}/filler`);
      server.store.delete("web@1");
      assert.equal((await capture(server, small)).version, 3);
    } finally {
      await run("umount", folder);
      await Deno.remove(folder);
    }
  },
});

Deno.test({
  name: "a disk that fills up while a version is published fails that capture only",
  ignore: Deno.uid() !== 0,
  async fn() {
    const folder = await Deno.makeTempDir({ prefix: "rackseed-full-" });
    await run("mount", "-t", "tmpfs", "-o", "size=32m", "rackseed-full", folder);
    try {
      let fill = false;
      await using server = await openTestServer(`${folder}/data`, {
        makeBoot(_reader, { folder: staging }) {
          if (fill) Deno.writeFileSync(`${staging}/initrd-image`, new Uint8Array(32 << 20));
          return Promise.resolve({ bootable: true, notes: [] });
        },
      });
      const tree = generatedTree({ seed: "tree", sizes: [4 << 20] });
      await capture(server, tree);
      fill = true;
      const failed = await capture(server, tree);
      assert.equal(failed.state, "failed");
      assert.equal(failed.problem?.status, 507);
      assert.deepEqual([...Deno.readDirSync(`${folder}/data/staging`)], []);
      await assertWhole(server);
      fill = false;
      assert.equal((await capture(server, tree)).version, 2);
    } finally {
      await run("umount", folder);
      await Deno.remove(folder);
    }
  },
});

async function capture({ service, ended }: TestServer, tree: Tree) {
  const { id } = service.begin(order);
  await sendTree(service, id, tree);
  return await ended(id);
}

async function assertWhole({ store }: TestServer) {
  for (const { image, version } of store.list()) {
    for await (const event of store.verify(`${image}@${version}`)) assert.notEqual(event.type, "damage");
  }
}

async function run(program: string, ...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(program, { args }).output();
  if (!success) throw new Error(`${program}: ${new TextDecoder().decode(stderr)}`);
}
