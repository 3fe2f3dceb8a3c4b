import assert from "node:assert/strict";
import { openTestServer } from "../capture/testing/service.ts";
import { sendTree } from "../capture/testing/sender.ts";
import { generatedTree } from "../capture/testing/tree.ts";
import type { ImageStore } from "../store/images.ts";
import { offerOf, versionFor } from "./offer.ts";

function imagesOf(store: ImageStore): Parameters<typeof offerOf>[1] {
  return {
    get: (ref) => store.get(ref),
    settings: (image) => store.settings(image),
    secrets: (ref) => {
      const { id, signature, publicKey, headerLine, key } = store.published(ref);
      return {
        manifest: { id, signature, publicKey, header: headerLine },
        key: Buffer.from(key).toString("base64"),
      };
    },
  };
}

Deno.test("a site is offered what its assignments stand for now, each version once, and nothing else", async () => {
  const folder = await Deno.makeTempDir({ prefix: "rackseed-offer-" });
  try {
    await using server = await openTestServer(folder);
    const { service, store } = server, images = imagesOf(store);
    const capture = async (image: string, from?: { backupOf: string; base: string }) => {
      const template = { id: "t", name: "n1" };
      const { id } = service.begin({ image, level: 1, excludes: [] }, from && { template, ...from });
      // orders are taken by the template
      if (from) service.orderFor("t");
      await sendTree(service, id, generatedTree({ seed: "", sizes: [20_000] }));
      assert.equal((await server.ended(id)).state, "published");
    };
    for (const image of ["web", "web", "db"]) await capture(image);
    await capture("n1", { backupOf: "n1", base: "web" });
    store.setTag("web", { tag: "stable", version: 1 });
    store.setTag("web", { tag: "old", version: 1 });
    store.set("web", { keep: ["/srv"], rehearsal: "require" });

    const { assigned, images: offered } = offerOf(["web@stable", "web@1", "web@9", "nothing", "n1"], images);
    assert.deepEqual(assigned.map(({ version }) => version), [
      "web@1",
      "web@1",
      undefined,
      undefined,
      undefined,
    ]);
    assert.match(assigned[2]?.problem ?? "", /known ones are web@1, web@2/);
    assert.match(assigned[4]?.problem ?? "", /backups of the node n1/);
    const [web] = offered;
    assert.deepEqual(offered.map(({ image }) => image), ["web"]);
    assert.deepEqual(web?.versions.map(({ version, id }) => [version, id]), [[1, store.get("web@1").id]]);
    assert.deepEqual(web?.tags.map(({ tag }) => tag), ["old", "stable"]);
    assert.deepEqual(web?.settings, { keep: ["/srv"] });
    assert.throws(() => versionFor("n1", images), { status: 409 });
    assert.equal(versionFor("web", images), "web@2");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
