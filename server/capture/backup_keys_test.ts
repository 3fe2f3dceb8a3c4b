import assert from "node:assert/strict";
import { open } from "#native/open_sealed.ts";
import { sendTree } from "./testing/sender.ts";
import { openTestServer } from "./testing/service.ts";
import { generatedTree } from "./testing/tree.ts";

Deno.test("a backup's keys open what it shares with the image, and the image's key opens nothing of the backup", async () => {
  const folder = await Deno.makeTempDir({ prefix: "rackseed-keys-" });
  try {
    await using server = await openTestServer(`${folder}/data`);
    const { service, store } = server;
    const shared = generatedTree({ seed: "", sizes: [20_000] });
    const whole = generatedTree({ seed: "", sizes: [20_000, 30_000] });
    const web = service.begin({ image: "web", level: 1, excludes: [] }).id;
    await sendTree(service, web, shared);
    assert.equal((await server.ended(web)).state, "published");

    const from = { template: { id: "t", name: "n1" }, backupOf: "n1", base: "web" };
    const backup = service.begin({ image: "n1", level: 1, excludes: [] }, from).id;
    assert.equal(service.orderFor("t")?.isBackup, true);
    // the image that it uses cannot be deleted meanwhile
    assert.throws(() => store.delete("web@1"), /a capture for n1 uses its content/);
    assert.equal(await sendTree(service, backup, whole), 30_000);
    assert.equal((await server.ended(backup)).state, "published");

    const [image, own] = [store.published("web"), store.published("n1")];
    assert.notDeepEqual(own.key, image.key);
    using reader = store.openVersion("n1");
    const { packs } = reader.manifest.header;
    assert.deepEqual(packs.map(({ key }) => key), [Buffer.from(image.key).toString("base64"), undefined]);
    const frameOf = ({ payload }: typeof own, pack: number) =>
      Deno.readFileSync(payload[1 + pack]?.path ?? "");
    assert.ok(open(frameOf(own, 0), { key: image.key }).length >= 20_000);
    assert.ok(open(frameOf(own, 1), { key: own.key }).length >= 30_000);
    assert.throws(() => open(frameOf(own, 1), { key: image.key }));
    assert.throws(() => open(Deno.readFileSync(own.payload[0]?.path ?? ""), { key: image.key }));

    // an ordinary image with the same name is refused, and the other way round
    assert.throws(() => service.begin({ image: "n1", level: 1, excludes: [] }), { status: 409 });
    assert.throws(() => service.begin({ image: "web", level: 1, excludes: [] }, { backupOf: "web" }), {
      status: 409,
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
