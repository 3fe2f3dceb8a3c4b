import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import type { VerifyEvent } from "#contract/api.ts";
import { bytePathOfText } from "#contract/format/byte_path.ts";
import { encodeFrameUpload } from "#contract/format/frame_upload.ts";
import { DataDirectory } from "../store/data_directory.ts";
import { RackseedError } from "#contract/errors.ts";
import { verifyManifestId } from "#contract/format/manifest.ts";
import { framesOf, hashBytes, linesOf, packedFrame, sendEntries, sendTree } from "./testing/sender.ts";
import { openTestServer, type TestServer } from "./testing/service.ts";
import { readTree, type Tree } from "./testing/tree.ts";

const progress = {
  phase: "finishing",
  filesDone: 1,
  filesTotal: 1,
  bytesDone: 1,
  bytesTotal: 1,
  bytesSent: 1,
} as const;
const order = { image: "web", level: 3, excludes: [] };

Deno.test("a sent tree becomes a version that is signed, read and verified", async () => {
  await inTemporary(async (folder) => {
    const tree = await makeTree(`${folder}/tree`);
    await using server = await openTestServer(`${folder}/data`);
    const view = await capture(server, tree);
    assert.equal(view.state, "published");
    assert.equal(view.version, 1);

    const version = server.store.get("web");
    assert.equal(version.totals.files, 4);
    assert.equal(version.totals.entries, tree.entries.length);
    assert.deepEqual(version.bootNotes, ["no kernel"]);
    const { id, signature, publicKey, payload } = server.store.published("web@1");
    assert.ok(verifyManifestId(id, { signature, publicKey }));
    assert.deepEqual(payload.map((f) => Deno.statSync(f.path).size), payload.map((f) => f.sizeBytes));

    using reader = server.store.openVersion("web");
    const path = bytePathOfText;
    assert.deepEqual(reader.read(path("etc/large")), Deno.readFileSync(`${folder}/tree/etc/large`));
    assert.deepEqual(reader.list(path("etc")), ["again", "hostname", "large", "link", "sparse"]);
    assert.equal(reader.readlink(path("etc/link")), "hostname");
    assert.equal(reader.read(path("etc/none")), undefined);
    assert.deepEqual(reader.read(path("etc/again")), reader.read(path("etc/hostname")));
    assert.equal((await verify(server, "web")).damage.length, 0);
    assert.deepEqual([...Deno.readDirSync(`${folder}/data/staging`)], []);
    assert.equal(Deno.statSync(`${folder}/data/rackseed.db`).mode! & 0o777, 0o600);
    assert.equal(Deno.statSync(`${folder}/data/keys/signing.pem`).mode! & 0o777, 0o600);
  });
});

Deno.test("a second capture stores only what is new and shares the packs of the first", async () => {
  await inTemporary(async (folder) => {
    await using server = await openTestServer(`${folder}/data`);
    await capture(server, await makeTree(`${folder}/tree`));
    Deno.writeTextFileSync(`${folder}/tree/etc/hostname`, "another");
    const tree = await readTree(`${folder}/tree`);
    const { id } = server.service.begin(order);
    assert.equal(await sendTree(server.service, id, tree), "another".length);
    assert.equal((await server.ended(id)).version, 2);
    const packs = (ref: string) => server.store.published(ref).payload.slice(1).map((f) => f.name);
    assert.equal(packs("web@2").length, 2);
    assert.ok(packs("web@2").includes(packs("web@1")[0] as string));
    assert.equal(server.store.openVersion("web@2").manifest.header.parent, 1);

    server.store.delete("web@1");
    assert.deepEqual(server.store.list().map((v) => v.version), [2]);
    assert.equal((await verify(server, "web@2")).damage.length, 0);
    server.store.delete("web");
    assert.deepEqual([...Deno.readDirSync(`${folder}/data/packs`)], []);
    assert.deepEqual([...Deno.readDirSync(`${folder}/data/versions`)], []);
  });
});

Deno.test("a template's agent gets only its own order, and gets it again after a restart", async () => {
  await inTemporary(async (folder) => {
    await using server = await openTestServer(`${folder}/data`);
    const { service } = server;
    const view = service.begin({ ...order, excludes: ["/srv"] }, { template: { id: "t1", name: "master" } });
    assert.equal(view.state, "waiting");
    assert.equal(service.orderFor("t2"), undefined);
    const expected = { capture: view.id, image: "web", excludes: ["/srv"], level: order.level };
    assert.deepEqual(service.orderFor("t1"), expected);
    assert.equal(service.get(view.id).state, "receiving");
    assert.deepEqual(service.orderFor("t1"), expected);
    service.fail(view.id, {
      title: "cannot read /",
      status: 500,
      detail: "it is gone.",
      remedy: "bring it back.",
    });
    assert.equal(service.get(view.id).problem?.detail, "it is gone.");
    assert.equal(service.orderFor("t1"), undefined);
  });
});

Deno.test("an image has one capture at a time, and a finished capture accepts nothing", async () => {
  await inTemporary(async (folder) => {
    await using server = await openTestServer(`${folder}/data`);
    const { service } = server;
    const { id } = service.begin(order);
    assert.throws(() => service.begin(order), problem(409));
    service.begin({ ...order, image: "db" });
    service.cancel(id);
    assert.throws(() => service.known(id, new Uint8Array(32)), problem(409));
    await assert.rejects(service.addFrame(id, new Uint8Array(4)), problem(409));
    assert.throws(() => service.get("nothing"), problem(404));
    service.begin(order);
  });
});

Deno.test("a capture whose sender is gone for good is ended, so that nothing waits for it", async () => {
  await inTemporary(async (folder) => {
    await using server = await openTestServer(`${folder}/data`);
    const { service } = server;
    const sent = service.begin(order), template = { id: "t1", name: "web1" };
    const waiting = service.begin({ ...order, image: "db" }, { template });
    service.endAbandoned();
    assert.deepEqual([service.get(sent.id).state, service.get(waiting.id).state], ["receiving", "waiting"]);
    service.endAbandoned({ afterMs: 0 });
    for (const { id } of [sent, waiting]) {
      assert.match((await server.ended(id)).problem?.detail ?? "", /silent/);
    }
    service.begin(order);
  });
});

Deno.test("frames of a capture that failed are known to the next, those of a cancelled one are not", async () => {
  await inTemporary(async (folder) => {
    const tree = await makeTree(`${folder}/tree`);
    await using server = await openTestServer(`${folder}/data`);
    const { service } = server;
    const known = (id: string) => {
      return [...tree.contents.keys()].filter((sha256) => service.known(id, hashBytes(sha256))[0] === 1)
        .length;
    };
    const first = service.begin(order).id;
    for (const body of framesOf(tree.contents)) await service.addFrame(first, body);
    assert.equal(known(first), tree.contents.size);
    service.fail(first, { title: "stopped", status: 500, detail: "so.", remedy: "go on." });

    const second = service.begin(order).id;
    // the previous capture's file is closed before this one is written
    await service.addFrame(second, [...framesOf([...tree.contents].slice(0, 1))][0] as Uint8Array);
    assert.equal(known(second), tree.contents.size);
    service.cancel(second);

    const third = service.begin(order).id;
    assert.equal(known(third), 0);
    await sendTree(service, third, tree);
    assert.equal((await server.ended(third)).version, 1);
    assert.equal((await verify(server, "web")).damage.length, 0);
  });
});

Deno.test("a capture that is cancelled while it is published never becomes a version", async () => {
  await inTemporary(async (folder) => {
    const tree = await makeTree(`${folder}/tree`);
    const atBoot = Promise.withResolvers<void>(), goOn = Promise.withResolvers<void>();
    await using server = await openTestServer(`${folder}/data`, {
      async makeBoot() {
        atBoot.resolve();
        await goOn.promise;
        return { bootable: true, notes: [] };
      },
    });
    const { id } = server.service.begin(order);
    await sendTree(server.service, id, tree);
    await atBoot.promise;
    assert.equal(server.service.get(id).state, "publishing");
    assert.equal(server.service.cancel(id).state, "cancelled");
    goOn.resolve();
    assert.equal((await capture(server, tree)).version, 1);
    assert.equal(server.store.list().length, 1);
    assert.equal((await verify(server, "web")).damage.length, 0);
  });
});

Deno.test("content that is not what it claims is refused, and the capture continues", async () => {
  await inTemporary(async (folder) => {
    const tree = await makeTree(`${folder}/tree`);
    await using server = await openTestServer(`${folder}/data`);
    const { service } = server;
    const { id } = service.begin(order);
    const lie = () => encodeFrameUpload([{ sha256: new Uint8Array(32), content: new Uint8Array(100) }]);
    await assert.rejects(service.addFrame(id, lie()), problem(400, /SHA-256/));
    await assert.rejects(service.addFrame(id, await packedFrame(lie())), problem(400, /SHA-256/));
    const damaged = await packedFrame(lie());
    damaged.fill(1, 4 + 36);
    await assert.rejects(service.addFrame(id, damaged), problem(400, /decompressed/));
    await assert.rejects(service.addFrame(id, randomBytes(100)), problem(400));
    assert.throws(() => service.known(id, new Uint8Array(31)), problem(400));
    await assert.rejects(
      sendEntries(service, id, { tree }),
      problem(409, new RegExp(`${tree.contents.size} extents`)),
    );
    for (const body of framesOf(tree.contents)) await service.addFrame(id, body);
    await assert.rejects(service.endEntries(id, randomBytes(1000)), problem(400), "no zstd");
    assert.throws(() => service.addEntries(id, 0, randomBytes(1000)), problem(400), "no zstd");
    assert.throws(() => service.addEntries(id, 1, linesOf(tree.entries)), problem(409, /part 0 is due/));
    const { entries } = tree;
    const cases: [what: string, sent: Parameters<typeof sendEntries>[2]][] = [
      ["nothing", { tree: { ...tree, entries: [] } }],
      ["too few entries", { tree, header: { entries: entries.length + 1 } }],
      ["too many entries", { tree, header: { entries: 1 } }],
      ["a wrong order", { tree: { ...tree, entries: entries.toReversed() } }],
      ["no directory", { tree: { ...tree, entries: entries.filter((e) => e.path !== "etc") } }],
    ];
    for (const [what, sent] of cases) {
      await assert.rejects(sendEntries(service, id, sent), problem(400), what);
    }
    await sendTree(service, id, tree);
    assert.equal((await server.ended(id)).state, "published");
  });
});

Deno.test("entries may come before their contents, their last part twice, and all of them again", async () => {
  await inTemporary(async (folder) => {
    const tree = await makeTree(`${folder}/tree`);
    await using server = await openTestServer(`${folder}/data`);
    const { service } = server;
    const { id } = service.begin(order);
    const half = tree.entries.length >> 1;
    const [first, second] = [linesOf(tree.entries.slice(0, half)), linesOf(tree.entries.slice(half))];
    // an agent that is killed here
    service.addEntries(id, 0, first);
    service.addEntries(id, 1, linesOf(tree.entries.slice(half, half + 1)));
    // and begins again
    service.addEntries(id, 0, first);
    service.addEntries(id, 1, second);
    service.addEntries(id, 1, second);
    assert.throws(() => service.addEntries(id, 3, second), problem(409, /part 2 is due/));
    for (const body of framesOf(tree.contents)) await service.addFrame(id, body);
    await sendEntries(service, id, {
      tree: { ...tree, entries: [] },
      header: { entries: tree.entries.length },
    });
    const { state, version } = await server.ended(id);
    assert.deepEqual([state, version], ["published", 1]);
    assert.equal(server.store.get("web@1").totals.entries, tree.entries.length);
    for await (const event of server.store.verify("web@1")) assert.notEqual(event.type, "damage");
  });
});

Deno.test("a pack that was closed too early grows, and is hashed in its final state", async () => {
  await inTemporary(async (folder) => {
    const tree = await makeTree(`${folder}/tree`);
    await using server = await openTestServer(`${folder}/data`);
    const { service } = server;
    const { id } = service.begin(order);
    const contents = [...tree.contents];
    for (const body of framesOf(contents.slice(0, 1))) await service.addFrame(id, body);
    await assert.rejects(sendEntries(service, id, { tree }), problem(409, /have not arrived/));
    for (const body of framesOf(contents.slice(1))) await service.addFrame(id, body);
    await sendEntries(service, id, { tree });
    assert.equal((await server.ended(id)).state, "published");
    assert.equal(server.store.published("web").payload.length, 2, "one pack beside the manifest");
    assert.deepEqual((await verify(server, "web")).damage, []);
  });
});

Deno.test("a new pack is started when one is full, and a version has only the packs that it needs", async () => {
  await inTemporary(async (folder) => {
    await using server = await openTestServer(`${folder}/data`, { packBytes: 3 << 20 });
    const unused = await makeTree(`${folder}/unused`, { largeBytes: 8 << 20 });
    const first = server.service.begin(order).id;
    for (const body of framesOf(unused.contents)) await server.service.addFrame(first, body);
    server.service.fail(first, { title: "stopped", status: 500, detail: "so.", remedy: "go on." });
    await capture(server, await makeTree(`${folder}/tree`, { largeBytes: 9 << 20 }));
    const packs = server.store.published("web").payload.slice(1);
    assert.ok(packs.length >= 3 && packs.length < [...Deno.readDirSync(`${folder}/data/packs`)].length);
    assert.equal((await verify(server, "web")).damage.length, 0);
    server.store.delete("web");
    assert.deepEqual([...Deno.readDirSync(`${folder}/data/packs`)], []);
  });
});

Deno.test("a version that is in use or not clearly named is not deleted", async () => {
  await inTemporary(async (folder) => {
    await using server = await openTestServer(`${folder}/data`, {
      inUse: ({ version }) => version === 1 ? "node n1 installs it" : undefined,
    });
    const tree = await makeTree(`${folder}/tree`);
    await capture(server, tree);
    await capture(server, tree);
    assert.throws(() => server.store.delete("web@1"), problem(409, /n1/));
    assert.throws(() => server.store.delete("web"), problem(409, /web@1, web@2/));
    assert.throws(() => server.store.get("web@3"), problem(404, /web@1, web@2/));
    assert.throws(() => server.store.get("db"), problem(404, /web/));
    const { id } = server.service.begin(order);
    assert.throws(() => server.store.delete("web@2"), problem(409, /capture/));
    server.service.cancel(id);
    server.store.delete("web@2");
    const next = await capture(server, tree);
    assert.equal(next.version, 3, "a number is never given twice");
    await server.service.endEntries(next.id, new Uint8Array(0));
    server.service.progress(next.id, progress);
    assert.equal(server.service.get(next.id).progress, undefined);
  });
});

Deno.test("a restarted server fails unfinished captures and keeps published versions", async () => {
  await inTemporary(async (folder) => {
    const tree = await makeTree(`${folder}/tree`);
    let id: string;
    {
      await using server = await openTestServer(`${folder}/data`);
      await capture(server, tree);
      id = server.service.begin(order).id;
    }
    Deno.writeTextFileSync(`${folder}/data/packs/77.part`, "left over");
    Deno.mkdirSync(`${folder}/data/staging/old`);
    Deno.mkdirSync(`${folder}/data/versions/web@2`);
    await using server = await openTestServer(`${folder}/data`);
    assert.equal(server.service.get(id).state, "failed");
    assert.equal(server.service.list().length, 2);
    assert.equal((await verify(server, "web")).damage.length, 0);
    assert.equal([...Deno.readDirSync(`${folder}/data/packs`)].length, 1);
    assert.equal([...Deno.readDirSync(`${folder}/data/versions`)].length, 1);
    assert.equal((await capture(server, tree)).version, 2);
  });
});

async function capture({ service, ended }: TestServer, tree: Tree) {
  const { id } = service.begin(order);
  await sendTree(service, id, tree);
  return await ended(id);
}

async function verify({ store }: TestServer, ref: string) {
  const events = await Array.fromAsync<VerifyEvent>(store.verify(ref));
  return { damage: events.flatMap((e) => e.type === "damage" ? [e.what] : []), last: events.at(-1) };
}

function problem(status: number, reason = /./) {
  return (error: unknown) =>
    error instanceof RackseedError && error.status === status && reason.test(error.reason);
}

async function makeTree(path: string, { largeBytes = 3 << 20 } = {}): Promise<Tree> {
  Deno.mkdirSync(`${path}/etc`, { recursive: true });
  Deno.mkdirSync(`${path}/var`);
  Deno.writeTextFileSync(`${path}/etc/hostname`, "master\n");
  Deno.writeFileSync(`${path}/etc/large`, randomBytes(largeBytes));
  Deno.writeTextFileSync(`${path}/var/empty`, "");
  Deno.symlinkSync("hostname", `${path}/etc/link`);
  Deno.linkSync(`${path}/etc/hostname`, `${path}/etc/again`);
  Deno.truncateSync(await sparseFile(`${path}/etc/sparse`), 1 << 20);
  return await readTree(path);
}

async function sparseFile(path: string): Promise<string> {
  await Deno.writeFile(path, new Uint8Array(5000).fill(7));
  return path;
}

async function inTemporary(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "rackseed-capture-" });
  try {
    await work(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("a data directory that cannot be created is an error with a remedy", () => {
  assert.throws(() => new DataDirectory("/proc/rackseed"), problem(500, /proc|denied|No such/));
});
