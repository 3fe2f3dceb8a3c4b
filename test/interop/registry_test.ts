/** The registry client, and versions as artifacts, beside Debian's docker-registry and skopeo. */
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { ImageKey, TransferView } from "#contract/api/transfers.ts";
import type { ApiClient } from "#contract/client.ts";
import { Registry } from "../../server/registry/registry.ts";
import { registryFault } from "../../server/registry/registry_error.ts";
import { DockerRegistry, LOGIN, registryNeeds } from "../support/docker_registry.ts";
import { needs } from "../support/needs.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { pushed, transferEnd } from "../flows/support/transfers.ts";
import { ServerUnderTest } from "../flows/support/server_under_test.ts";

const { signal } = new AbortController();

/** A file, and its name as a blob. */
async function blobOf(folder: string, sizeBytes: number) {
  const bytes = randomBytes(sizeBytes);
  const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
  const path = await Deno.makeTempFile({ dir: folder });
  await Deno.writeFile(path, bytes);
  return { digest, sizeBytes, path, bytes };
}

Deno.test({
  name: "blobs are uploaded in chunks, continued, mounted, and downloaded again",
  ...needs(registryNeeds),
  fn: async (t) => {
    await using server = await DockerRegistry.start();
    await using line = new TcpProxy(new URL(`http://${server.name}`));
    const registry = line.url.host, folder = server.folder;
    using client = new Registry({ credentials: () => undefined, plainHttp: [registry] });
    const task = { registry, repository: "site/web", title: "cannot test", signal };
    const options = { ...task, mountFrom: [] as string[], onProgress: () => {} };
    const blob = await blobOf(folder, 40 << 20);

    await t.step(
      "an upload that stopped goes on where it stopped, even if the registry was restarted",
      async () => {
        const stop = new AbortController();
        const onProgress = (bytes: number) => {
          if (bytes >= 16 << 20) stop.abort(new Error("stopped"));
        };
        await assert.rejects(client.upload(blob, { ...options, signal: stop.signal, onProgress }), /stopped/);
        await server.kill();
        await server.begin();
        const seen: number[] = [];
        assert.ok(await client.upload(blob, { ...options, onProgress: (bytes) => seen.push(bytes) }));
        assert.deepEqual(seen, [16 << 20, 32 << 20, 40 << 20]);
      },
    );

    await t.step("what is there is not sent again, and what another repository has is mounted", async () => {
      assert.equal(await client.upload(blob, options), false);
      const other = { ...options, repository: "site/other", mountFrom: ["site/web"] };
      assert.equal(await client.upload(blob, other), false);
    });

    await t.step("an upload and a download go on after the line was cut in the middle", async () => {
      const second = await blobOf(folder, 40 << 20);
      let isCut = false;
      const cutOnce = (bytes: number) => {
        if (bytes < 16 << 20 || isCut) return;
        isCut = line.isDown = true;
        setTimeout(() => line.isDown = false, 300);
      };
      assert.ok(await client.upload(second, { ...options, onProgress: cutOnce }));
      isCut = false;
      const path = `${folder}/back`;
      await client.download({ ...second, path }, { ...task, onProgress: cutOnce });
      assert.ok(isCut);
      assert.ok(second.bytes.equals(await Deno.readFile(path)));
    });

    await t.step("a file that is not what its digest says is refused by both sides", async () => {
      const wrong = { ...blob, path: (await blobOf(folder, 40 << 20)).path };
      const into = { ...options, repository: "site/wrong" };
      const fault = await client.upload(wrong, into).then(() => undefined, registryFault);
      assert.equal(fault, "corrupt");
      using file = await Deno.open(server.blobPath(blob.digest), { write: true });
      await file.write(new Uint8Array([1, 2, 3]));
      const path = `${folder}/damaged`;
      const download = client.download({ ...blob, path }, { ...task, onProgress: () => {} });
      assert.equal(await download.then(() => undefined, registryFault), "corrupt");
    });
  },
});

async function pull(client: ApiClient, from: string, key?: ImageKey): Promise<TransferView> {
  const body = { from, ...(key && { key }) };
  return await transferEnd(client, await client.post("/images/pull", { body, schema: TransferView }));
}

async function publish(test: ServerUnderTest, sizeBytes: number): Promise<Uint8Array> {
  const root = `${test.folder}/tree`, content = randomBytes(sizeBytes);
  await Deno.mkdir(root, { recursive: true });
  await Deno.writeFile(`${root}/content`, content);
  await test.publish("web", { root });
  return content;
}

async function skopeo(args: readonly string[]): Promise<Uint8Array> {
  const { code, stdout, stderr } = await new Deno.Command("skopeo", { args: [...args] }).output();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
  return stdout;
}

Deno.test({
  name: "a version goes to another server by way of a private registry, and skopeo reads it",
  ...needs({ ...registryNeeds, programs: ["skopeo"] }),
  fn: async (t) => {
    await using registry = await DockerRegistry.start({ isPrivate: true });
    const { name, authFile, caFile, folder } = registry;
    const settings = { registryAuthFile: authFile, registryCaFile: caFile };
    await using source = await ServerUnderTest.start({ settings });
    const content = await publish(source, 5 << 20);
    const artifact = `${name}/site/web:1`;
    let digest = "";

    await t.step("the server pushes it, by a login for the repository alone", async () => {
      const first = await pushed(source.client, "web", artifact);
      assert.ok(first.bytesTotal > content.length && first.bytesDone === first.bytesTotal);
      digest = first.digest ?? "";
      assert.ok(registry.logins.every(({ user }) => user === LOGIN.user));
      const scopes = new Set(registry.logins.flatMap(({ scopes }) => scopes));
      assert.deepEqual([...scopes], ["repository:site/web:pull,push", "repository:site/web:pull"]);
    });

    await t.step("pushed again, nothing is sent, and it has the same digest", async () => {
      const again = await pushed(source.client, "web@1", artifact);
      assert.deepEqual([again.digest, again.bytesSkipped], [digest, again.bytesTotal]);
    });

    await t.step(
      "skopeo copies it into an OCI layout, with the same digests and nothing readable",
      async () => {
        const certificates = `${folder}/certs`;
        await Deno.mkdir(certificates);
        await Deno.copyFile(caFile, `${certificates}/ca.crt`);
        const from = ["--src-cert-dir", certificates, "--src-authfile", authFile, `docker://${artifact}`];
        await skopeo(["copy", "--insecure-policy", "--preserve-digests", ...from, `oci:${folder}/layout:1`]);
        const index = JSON.parse(await Deno.readTextFile(`${folder}/layout/index.json`));
        assert.equal(index.manifests[0].digest, digest);
        const blobs = `${folder}/layout/blobs/sha256`;
        const manifest = JSON.parse(await Deno.readTextFile(`${blobs}/${digest.slice(7)}`));
        assert.equal(manifest.artifactType, "application/vnd.rackseed.version.v1");
        for (const { digest, size } of manifest.layers) {
          const bytes = await Deno.readFile(`${blobs}/${digest.slice(7)}`);
          assert.equal(createHash("sha256").update(bytes).digest("hex"), digest.slice(7));
          assert.equal(bytes.length, size);
          assert.ok(Buffer.from(bytes).indexOf(content.subarray(1000, 1064)) < 0);
        }
      },
    );

    await using target = await ServerUnderTest.start({ settings });
    const key = await source.client.post("/images/web/key", { body: {}, schema: ImageKey });

    await t.step(
      "another server does not take it without its key, or by another server's signature",
      async () => {
        const keyless = await pull(target.client, artifact);
        assert.match(keyless.problem?.detail ?? "", /no key of this server opens it/);
        const { publicKey } = await target.client.post("/images/none/key", { body: {}, schema: ImageKey })
          .catch(async () => {
            await target.publish("own", { root: `${source.folder}/tree` });
            return await target.client.post("/images/own/key", { body: {}, schema: ImageKey });
          });
        const untrusted = await pull(target.client, artifact, { ...key, publicKey });
        assert.match(untrusted.problem?.detail ?? "", /no trusted server has signed it/);
        assert.deepEqual(await refs(target), ["own@1"]);
      },
    );

    await t.step("of a pack that the registry damaged, nothing is published", async () => {
      const manifest = await Deno.readTextFile(registry.blobPath(digest));
      const pack = registry.blobPath(JSON.parse(manifest).layers[1].digest);
      const bytes = await Deno.readFile(pack);
      await Deno.writeFile(pack, bytes.map((byte, i) => i === 1000 ? byte ^ 1 : byte));
      const damaged = await pull(target.client, artifact, key);
      assert.match(damaged.problem?.detail ?? "", /it sends other bytes than sha256:/);
      assert.deepEqual(await refs(target), ["own@1"]);
      await Deno.writeFile(pack, bytes);
    });

    await t.step("with its key, it is verified and published there, and can be captured upon", async () => {
      const pulled = await pull(target.client, artifact, key);
      assert.equal(pulled.state, "done", pulled.problem?.detail);
      assert.deepEqual([pulled.image, pulled.digest], ["web@1", digest]);
      const lines = await (await target.client.send("POST", "/images/web/verify")).text();
      assert.match(lines, /"type":"done".*"damaged":0/);
      const tar = new Uint8Array(await (await target.client.send("GET", "/images/web/export")).arrayBuffer());
      assert.ok(Buffer.from(tar).indexOf(content) > 0);
      // the same content again sends nothing
      await target.publish("web", { root: `${source.folder}/tree` });
      const packs = [...Deno.readDirSync(`${target.data}/packs`)].filter(({ name }) =>
        name.endsWith(".part")
      );
      assert.deepEqual([await refs(target), packs], [["own@1", "web@1", "web@2"], []]);
    });

    await t.step("after a restart it is sound, and pulled again it changes nothing", async () => {
      await target.restart();
      const again = await pull(target.client, `${name}/site/web@${digest}`, key);
      assert.equal(again.state, "done", again.problem?.detail);
      assert.match(await (await target.client.send("POST", "/images/web@1/verify")).text(), /"damaged":0/);
    });

    await t.step("a server that has another image of that name keeps it", async () => {
      await using other = await ServerUnderTest.start({ settings });
      await other.publish("web", { root: `${source.folder}/tree` });
      const refused = await pull(other.client, artifact, key);
      assert.match(refused.problem?.detail ?? "", /another web@1/);
    });
  },
});

async function refs({ client }: ServerUnderTest): Promise<string[]> {
  const { z } = await import("zod");
  const views = await client.get("/images", z.array(z.looseObject({ image: z.string(), version: z.int() })));
  return views.map(({ image, version }) => `${image}@${version}`);
}
