/** Rehearsals at the server: what is refused, what a crash leaves, and what a verdict does. QEMU itself: the lab. */
import assert from "node:assert/strict";
import { DeployAnswer, ImageView, NodeView, VersionView } from "#contract/api.ts";
import { RehearsalView } from "#contract/api/rehearsals.ts";
import { ImageSettings } from "#contract/api/restore.ts";
import { z } from "zod";
import { openDatabase } from "../../server/store/database.ts";
import { type RehearsalRecord, RehearsalTable } from "../../server/store/rehearsals.ts";
import { pngOf } from "../../server/virtual_machine/png.ts";
import { apiDocument } from "../../server/web/openapi/document.ts";
import { AnswerWatch, DocumentedApi } from "./support/documented_api.ts";
import { makeSmallTree } from "./support/small_tree.ts";
import { ServerUnderTest } from "./support/server_under_test.ts";

const RECORD = {
  image: "web",
  version: 1,
  firmware: "bios",
  by: "ann",
  ordered: "2026-06-30T12:00:00.000Z",
  started: "2026-06-30T12:00:01.000Z",
  memoryMiB: 2048,
  probes: [{ probe: { type: "login" }, passed: false }],
  request: {},
  mac: "52:54:00:00:00:09",
  node: "rehearsal-00000009",
} as const;
const ENDED = { ended: "2026-06-30T12:03:01.000Z" };

Deno.test("a server that was killed cleans up after its rehearsal, and keeps verdicts, consoles and screens", async () => {
  await using test = await ServerUnderTest.start();
  using watch = new AnswerWatch(new DocumentedApi(apiDocument()));
  const { folder, data } = test;
  await makeSmallTree(`${folder}/tree`);
  await test.publish("web", { root: `${folder}/tree` });
  await Deno.writeTextFile(`${folder}/tree/more`, "more");
  await test.publish("web", { root: `${folder}/tree` });
  const version = await test.client.get("/images/web@1", VersionView);
  await test.client.put(`/nodes/${RECORD.node}`, { body: { mac: RECORD.mac }, schema: NodeView });

  // this image was made of a directory
  await assert.rejects(test.client.send("POST", "/images/web/rehearsals", { json: {} }), {
    status: 409,
    title: "cannot rehearse web@2",
  });
  for (const probes of [[], [{ type: "tcp", port: 0 }], [{ type: "http", port: 80, path: "no" }]]) {
    await assert.rejects(test.client.send("POST", "/images/web/rehearsals", { json: { probes } }), {
      status: 400,
    });
  }

  const work = `${data}/rehearsals/crashed/work`;
  // stands for the machine: it names the same folder
  const machine = new Deno.Command("sh", { args: ["-c", "sleep 100; true", "sh", `${work}/qemu.pid`] })
    .spawn();
  await test.restart(async () => {
    await Deno.mkdir(work, { recursive: true });
    await Deno.writeTextFile(`${work}/qemu.pid`, `${machine.pid}\n`);
    await Deno.writeTextFile(`${work}/disk0.img`, "disk");
    await Deno.mkdir(`${data}/rehearsals/proved`);
    await Deno.writeTextFile(
      `${data}/rehearsals/proved/console.log`,
      "Command line: rackseed.token=rs1.pin.secret quiet\r\nweb login: ",
    );
    const pixel = new Uint8Array([...new TextEncoder().encode("P6\n1 1\n255\n"), 1, 2, 3]);
    await Deno.writeFile(`${data}/rehearsals/proved/screenshot.png`, pngOf(pixel));
    using db = openDatabase(`${data}/rackseed.db`);
    const table = new RehearsalTable(db);
    const put = (record: Partial<RehearsalRecord> & Pick<RehearsalRecord, "id" | "state">) =>
      table.put({ ...RECORD, probes: [...RECORD.probes], versionId: version.id, ...record });
    put({ id: "proved", state: "proved", ...ENDED });
    put({ id: "crashed", state: "installing" });
    put({ id: "replaced", state: "queued", versionId: "of a version that was deleted" });
    put({ id: "gone", state: "failed", version: 7, ...ENDED });
  });
  const { client } = test;
  assert.notEqual((await machine.status).code, 0);
  await assert.rejects(Deno.stat(work), Deno.errors.NotFound);
  await assert.rejects(client.get(`/nodes/${RECORD.node}`, NodeView), { status: 404 });
  const list = await client.get("/images/web@1/rehearsals", z.array(RehearsalView));
  assert.deepEqual(list.map(({ id, state }) => [id, state]), [["crashed", "cancelled"], [
    "proved",
    "proved",
  ]]);
  assert.match(list[0]?.problem?.detail ?? "", /the server ended while it ran/);
  // it is not carried out with the version that has its number now
  const replaced = await client.get("/rehearsals/replaced", RehearsalView);
  assert.equal(replaced.state, "cancelled");
  assert.match(replaced.problem?.detail ?? "", /was deleted, and another one has its number/);
  await assert.rejects(client.get("/rehearsals/gone", RehearsalView), { status: 404 });

  const console = await (await client.send("GET", "/rehearsals/proved/console")).text();
  assert.match(console, /web login: $/);
  assert.doesNotMatch(console, /secret/);
  const screen = await client.send("GET", "/rehearsals/proved/screenshot");
  assert.equal(screen.headers.get("content-type"), "image/png");
  assert.equal((await screen.bytes())[1], 0x50);
  await assert.rejects(client.send("GET", "/rehearsals/crashed/screenshot"), { status: 404 });
  await assert.rejects(client.send("GET", "/rehearsals/..%2f..%2frackseed.db/console"), { status: 404 });
  await assert.rejects(client.send("POST", "/rehearsals/proved/cancel"), { status: 409 });

  const first = await client.send("GET", "/rehearsals?limit=1&image=web");
  assert.equal(z.array(RehearsalView).parse(await first.json()).length, 1);
  assert.match(first.headers.get("link") ?? "", /cursor=/);
  assert.deepEqual(watch.complaints, []);
});

Deno.test("a version is deployed without proof, with a warning or not at all, as its image's settings say", async () => {
  await using test = await ServerUnderTest.start();
  const { folder, data } = test;
  await makeSmallTree(`${folder}/tree`);
  await test.publish("web", { root: `${folder}/tree` });
  await Deno.writeTextFile(`${folder}/tree/more`, "more");
  await test.publish("web", { root: `${folder}/tree` });
  const { id: versionId } = await test.client.get("/images/web@1", VersionView);
  await test.client.put("/nodes/n1", { body: {}, schema: NodeView });
  const deploy = async (image: string) => {
    const body = { nodes: ["n1"], image };
    return (await test.client.post("/deployments", { body, schema: DeployAnswer })).warnings;
  };
  assert.equal(await deploy("web@2"), undefined);
  await test.restart(() => {
    using db = openDatabase(`${data}/rackseed.db`);
    new RehearsalTable(db).put({
      ...RECORD,
      ...ENDED,
      id: "r1",
      state: "proved",
      versionId,
      probes: [...RECORD.probes],
    });
    return Promise.resolve();
  });
  const { client } = test;
  const images = await client.get("/images", z.array(ImageView));
  assert.deepEqual(images.map(({ rehearsal }) => rehearsal), [
    { id: "r1", firmware: "bios", by: "ann", state: "proved", ...ENDED, seconds: 180 },
    undefined,
  ]);
  assert.equal(await deploy("web@1"), undefined);
  assert.deepEqual(await deploy("web@2"), [
    "web@2: no rehearsal has proved that it boots; rackseed image rehearse web@2",
  ]);
  const rule = (rehearsal: ImageSettings["rehearsal"]) =>
    client.put("/images/web/settings", { body: { rehearsal }, schema: ImageSettings });
  await rule("off");
  assert.equal(await deploy("web@2"), undefined);
  await rule("require");
  await assert.rejects(deploy("web@2"), { status: 409, title: "cannot deploy web@2" });
  assert.equal(await deploy("web@1"), undefined);
});
