/** What is copied is proved before it is published: nothing that the upstream has not signed becomes a version. */
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { signManifestId } from "#contract/format/manifest.ts";
import { createInfo } from "#torrent/metainfo/create_metainfo.ts";
import { metainfoOf } from "#torrent/metainfo/metainfo.ts";
import { sendTree } from "../capture/testing/sender.ts";
import { openTestServer } from "../capture/testing/service.ts";
import { generatedTree } from "../capture/testing/tree.ts";
import type { ImageStore } from "../store/images.ts";
import { adoptVersion } from "./adopt_version.ts";
import { type FetchedVersion, mirrorFolder, type WantedVersion } from "./fetch_version.ts";

const never = new AbortController().signal;
const swarm = { announce: ["http://10.0.0.1/announce"], webSeeds: [], http: "http://10.0.0.1", seeders: [] };

function wantedOf(upstream: ImageStore): WantedVersion {
  const { key, publicKey, id, signature } = upstream.published("web");
  return {
    image: { image: "web", key: Buffer.from(key).toString("base64"), publicKey, settings: {}, tags: [] },
    version: { version: 1, id, signature, totalBytes: 1 },
  };
}

/** As fetchVersion leaves it. */
async function fetched(upstream: ImageStore, relay: ImageStore): Promise<FetchedVersion> {
  const { payload } = upstream.published("web");
  const folder = mirrorFolder(relay.directory, wantedOf(upstream));
  await Deno.mkdir(folder, { recursive: true });
  for (const { name, path } of payload) await Deno.copyFile(path, `${folder}/${name}`);
  const info = await createInfo("rackseed-test", { files: payload, common: undefined, signal: never });
  return { metainfo: metainfoOf(info), folder };
}

async function withServers(work: (upstream: ImageStore, relay: ImageStore) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "rackseed-adopt-" });
  try {
    await using upstream = await openTestServer(`${folder}/upstream`);
    await using relay = await openTestServer(`${folder}/relay`);
    const { id } = upstream.service.begin({ image: "web", level: 1, excludes: [] });
    await sendTree(upstream.service, id, generatedTree({ seed: "", sizes: [20_000, 30_000] }));
    assert.equal((await upstream.ended(id)).state, "published");
    await work(upstream.store, relay.store);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const makeBoot = () => Promise.resolve({ bootable: false, notes: [] });

Deno.test("an adopted version is the upstream's, verifies, and lends its content to backups", async () => {
  await withServers(async (upstream, relay) => {
    const copy = await fetched(upstream, relay);
    await adoptVersion(wantedOf(upstream), copy, { store: relay, makeBoot, swarm, signal: never });
    const [there, here] = [upstream.published("web@1"), relay.published("web@1")];
    assert.deepEqual([here.id, here.signature, here.publicKey], [there.id, there.signature, there.publicKey]);
    assert.notEqual(here.publicKey, relay.signingKey.publicKey);
    for await (const event of relay.verify("web@1")) {
      if (event.type === "done") assert.equal(event.damaged, 0);
      else assert.equal(event.type, "progress");
    }
    assert.throws(() => relay.hold("web"), { status: 409, reason: /mirrored from the upstream/ });
    using reader = relay.openVersion("web@1");
    const { lineage } = relay.packs.all()[0] ?? assert.fail("no pack");
    for (const frame of reader.manifest.frames) {
      for (const { sha256 } of frame.extents) {
        assert.ok(relay.extents.findPublished(lineage, Buffer.from(sha256, "base64url")));
      }
    }
    await assert.rejects(Deno.stat(copy.folder), Deno.errors.NotFound);
  });
});

Deno.test("a version with another signature, key, manifest or pack is refused, and nothing of it is visible", async () => {
  await withServers(async (upstream, relay) => {
    const wanted = wantedOf(upstream), { image, version } = wanted;
    const stranger = generateKeyPairSync("ed25519", {
      privateKeyEncoding: { type: "pkcs8", format: "pem" },
      publicKeyEncoding: { type: "spki", format: "pem" },
    });
    const forged = signManifestId(version.id, stranger.privateKey);
    const flip = (name: RegExp) => async ({ folder }: FetchedVersion) => {
      for (const entry of Deno.readDirSync(folder)) {
        if (!name.test(entry.name)) continue;
        const bytes = await Deno.readFile(`${folder}/${entry.name}`);
        bytes[bytes.length - 1]! ^= 1;
        await Deno.writeFile(`${folder}/${entry.name}`, bytes);
      }
    };
    const cases: [wanted: WantedVersion, change: (copy: FetchedVersion) => Promise<void>, reason: RegExp][] =
      [
        [{ image, version: { ...version, signature: forged } }, async () => {}, /not by the upstream's key/],
        [{ image, version: { ...version, id: "0".repeat(64) } }, async () => {}, /another version's/],
        [{ image, version: { ...version, version: 2 } }, async () => {}, /it is of web@1/],
        [{ image: { ...image, image: "other" }, version }, async () => {}, /it is of web@1/],
        [
          { image: { ...image, key: Buffer.alloc(32).toString("base64") }, version },
          async () => {},
          /manifest/,
        ],
        [wanted, flip(/manifest/), /manifest cannot be accepted/],
        [wanted, flip(/pack$/), /is not what its manifest names/],
      ];
    for (const [asked, change, reason] of cases) {
      const copy = await fetched(upstream, relay);
      await change(copy);
      const adopted = adoptVersion(asked, copy, { store: relay, makeBoot, swarm, signal: never });
      await assert.rejects(adopted, { reason });
      assert.deepEqual(relay.list(), []);
      assert.deepEqual([...Deno.readDirSync(relay.directory.versions)], []);
    }
    // and the true one is accepted afterwards
    const copy = await fetched(upstream, relay);
    await adoptVersion(wanted, copy, { store: relay, makeBoot, swarm, signal: never });
    assert.equal(relay.list().length, 1);
  });
});

Deno.test("an image of this server's own is never taken over", async () => {
  await withServers(async (upstream, relay) => {
    const held = relay.hold("web") ?? assert.fail("held");
    const copy = await fetched(upstream, relay);
    const adopted = adoptVersion(wantedOf(upstream), copy, { store: relay, makeBoot, swarm, signal: never });
    await assert.rejects(adopted, { status: 409, reason: /an image of its own by that name/ });
    await held.release();
  });
});
