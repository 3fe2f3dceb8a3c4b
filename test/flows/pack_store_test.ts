/** A server whose images are in a bucket: SeaweedFS, with signatures. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { z } from "zod";
import { VerifyEvent } from "#contract/api.ts";
import { PackStoreView } from "#contract/api/pack_store.ts";
import type { ServerOptions } from "../../server/cli/server_options.ts";
import { checkPackStore } from "../../server/doctor/checks/pack_store.ts";
import { checkStore } from "../../server/doctor/checks/store.ts";
import type { DoctorOptions } from "../../server/doctor/finding.ts";
import { realSystem } from "../../server/doctor/system.ts";
import { BUCKET, type S3Server, startSeaweed } from "../support/s3_servers.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { waitFor } from "../support/wait_for.ts";
import { ServerUnderTest } from "./support/server_under_test.ts";

const anyArray = z.array(z.any());
type S3View = Extract<PackStoreView, { kind: "s3" }>;

function settingsFor(
  { endpoint, credentialsFile }: Pick<S3Server, "endpoint" | "credentialsFile">,
): Partial<ServerOptions> {
  return {
    packStore: { bucket: BUCKET, prefix: "site/" },
    s3Endpoint: endpoint,
    s3KeyFile: credentialsFile,
    cacheSize: 1,
  };
}

async function view(test: ServerUnderTest): Promise<S3View> {
  const found = await test.client.get("/pack-store", PackStoreView);
  assert.equal(found.kind, "s3");
  return found as S3View;
}

/** Waits until the bucket has everything, and the cache no more than it may. */
async function settled(test: ServerUnderTest): Promise<S3View> {
  return await waitFor("the pack store to settle", async () => {
    const found = await view(test);
    return found.isSettled ? found : undefined;
  }, { timeoutMs: 60_000, everyMs: 100 });
}

const packsOf = ({ data }: ServerUnderTest) =>
  [...Deno.readDirSync(`${data}/packs`)].filter(({ name }) => name.endsWith(".pack")).length;

async function keysIn(server: S3Server): Promise<string[]> {
  const answer = await (await server.send("GET", `/${BUCKET}?list-type=2&prefix=site%2F`)).text();
  return [...answer.matchAll(/<Key>site\/([^<]*)<\/Key>/g)].map(([, key = ""]) => key);
}

async function verify(test: ServerUnderTest, ref: string): Promise<number> {
  const answer = await test.client.send("POST", `/images/${ref}/verify`);
  const last = (await answer.text()).trim().split("\n").at(-1) ?? "";
  const event = VerifyEvent.parse(JSON.parse(last));
  assert.equal(event.type, "done");
  return event.type === "done" ? event.damaged : -1;
}

Deno.test("images live in a bucket, and the local disk is a cache", async (t) => {
  await using server = await startSeaweed();
  if (server === undefined) return;
  await using line = new TcpProxy(server.endpoint);
  const settings = settingsFor({ endpoint: line.url, credentialsFile: server.credentialsFile });
  await using test = await ServerUnderTest.start();
  const root = `${test.folder}/tree`;
  await Deno.mkdir(root);
  await Deno.writeFile(`${root}/random`, randomBytes(3 << 20));

  await t.step("an existing local store moves into the bucket when the server is given one", async () => {
    await test.publish("web", { root });
    assert.equal((await test.client.get("/pack-store", PackStoreView)).kind, "local");
    await test.restartWith(settings);
    const { waiting, objects, refused, lost } = await settled(test);
    assert.deepEqual([waiting, refused, lost], [0, [], []]);
    const keys = await keysIn(server);
    assert.equal(keys.length, objects);
    assert.ok(keys.includes("versions/web@1/manifest.rsm"), keys.join());
    assert.equal(packsOf(test), 0, "the cache may hold one byte");
  });

  await t.step("doctor says that packs are in the bucket, and whether it answers", async () => {
    const [finding] = checkStore(test.options() as unknown as DoctorOptions);
    assert.deepEqual([finding?.level, finding?.text.includes("s3://images/site")], ["ok", true]);
    assert.equal(await realSystem.askBucket(settings), "s3://images/site");
    const wrong = { ...settings, packStore: { bucket: "nowhere", prefix: "" } };
    const [problem] = await checkPackStore(wrong as DoctorOptions, realSystem);
    assert.equal(problem?.level, "problem");
  });

  await t.step(
    "a version whose packs are in the bucket only is sound, and its packs come when they are read",
    async () => {
      const [image] = await test.client.get("/images", anyArray);
      assert.equal(image.damage, undefined);
      assert.equal(await verify(test, "web@1"), 0);
      const tar = await (await test.client.send("GET", "/images/web@1/export")).bytes();
      assert.ok(tar.length > 3 << 20);
    },
  );

  await t.step("a new version shares packs that are in the bucket only", async () => {
    await settled(test);
    await Deno.writeFile(`${root}/more`, randomBytes(1 << 20));
    await test.publish("web", { root });
    await settled(test);
    assert.equal(await verify(test, "web@2"), 0);
  });

  await t.step("a deleted version leaves the bucket, and the packs that others need stay", async () => {
    await test.client.send("DELETE", "/images/web@1");
    await waitFor(
      "web@1 to leave the bucket",
      async () => (await keysIn(server)).every((key) => !key.startsWith("versions/web@1/")) || undefined,
      {
        timeoutMs: 30_000,
      },
    );
    assert.equal(await verify(test, "web@2"), 0);
  });

  await t.step("without its bucket the server does not start as if its images were lost", async () => {
    const { packStore: _, ...others } = settings;
    await assert.rejects(
      test.restartWith({ ...others, packStore: undefined }),
      /cannot start without the pack store/,
    );
    await assert.rejects(
      test.restartWith({ ...others, packStore: { bucket: "other", prefix: "" } }),
      /cannot use s3:\/\/other/,
    );
    await test.restartWith(settings);
  });

  await t.step("while the bucket is down, that is said, and nothing is lost", async () => {
    await settled(test);
    line.isDown = true;
    await Deno.writeFile(`${root}/later`, randomBytes(1 << 20));
    await test.publish("tools", { root });
    const { problem } = await waitFor("the problem", async () => {
      const found = await view(test);
      return found.problem === undefined ? undefined : found;
    }, { timeoutMs: 60_000 });
    assert.match(problem ?? "", /s3:\/\/images\/site/);
    const notices = await test.client.get("/notices", anyArray);
    assert.ok(notices.some(({ subject }) => subject.startsWith("pack store")), JSON.stringify(notices));
    assert.equal(await verify(test, "tools@1"), 0);
    line.isDown = false;
    await waitFor("tools@1 in the bucket", async () => {
      const found = await view(test);
      return found.isSettled && found.waiting === 0 || undefined;
    }, { timeoutMs: 60_000 });
  });

  await t.step("an object that the bucket lost is told, and sound again once it is back", async () => {
    const pack = (await keysIn(server)).find((key) => key.startsWith("packs/")) ?? "";
    const content = await (await server.send("GET", `/${BUCKET}/site/${pack}`)).bytes();
    await (await server.send("DELETE", `/${BUCKET}/site/${pack}`)).body?.cancel();
    await test.restartWith(settings);
    await waitFor("the loss", async () => (await view(test)).lost.includes(pack) || undefined, {
      timeoutMs: 30_000,
    });
    await (await server.send("PUT", `/${BUCKET}/site/${pack}`, { body: content })).body?.cancel();
    await test.restartWith(settings);
    await waitFor("its return", async () => (await view(test)).lost.length === 0 || undefined, {
      timeoutMs: 30_000,
    });
  });

  await t.step("after the disk was lost, the database and the bucket bring everything back", async () => {
    await settled(test);
    await test.restart(async () => {
      for (const folder of ["packs", "versions"]) {
        await Deno.remove(`${test.data}/${folder}`, { recursive: true });
      }
    });
    for (const ref of ["web@2", "tools@1"]) assert.equal(await verify(test, ref), 0);
  });

  await t.step("a second server does not use the same place", async () => {
    await using other = await ServerUnderTest.start({ settings });
    const { problem } = await waitFor("the refusal", async () => {
      const found = await view(other);
      return found.problem === undefined ? undefined : found;
    }, { timeoutMs: 30_000 });
    assert.match(problem ?? "", /is there already/);
  });

  await t.step("everything moves back, and the server needs no bucket any more", async () => {
    await test.client.post("/pack-store", { body: { home: "local" }, schema: PackStoreView });
    await settled(test);
    assert.deepEqual(await keysIn(server), []);
    await test.restartWith({ packStore: undefined });
    assert.equal((await test.client.get("/pack-store", PackStoreView)).kind, "local");
    for (const ref of ["web@2", "tools@1"]) assert.equal(await verify(test, ref), 0);
  });
});
