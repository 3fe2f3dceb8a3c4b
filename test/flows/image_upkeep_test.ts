import assert from "node:assert/strict";
import { z } from "zod";
import { DeployAnswer, ImageChange, ImageView, NodeView, PruneAnswer } from "#contract/api.ts";
import { ServerUnderTest } from "./support/server_under_test.ts";

Deno.test("versions are compared, and pruned unless they are recent, assigned or armed", async () => {
  await using test = await ServerUnderTest.start();
  const { client, folder } = test;
  const root = `${folder}/tree`;
  await Deno.mkdir(`${root}/etc`, { recursive: true });
  for (const name of ["motd", "issue", "gone"]) await Deno.writeTextFile(`${root}/etc/${name}`, name);
  await test.publish("web", { root });
  await Deno.writeTextFile(`${root}/etc/motd`, "hello");
  await Deno.chmod(`${root}/etc/issue`, 0o600);
  await Deno.remove(`${root}/etc/gone`);
  await Deno.writeTextFile(`${root}/etc/new`, "new one");
  for (let i = 0; i < 4; i++) await test.publish("web", { root });
  await test.publish("db", { root });

  const diff = (from: string, to: string) => client.get(`/images/${from}/diff/${to}`, z.array(ImageChange));
  assert.deepEqual(await diff("web@1", "web"), [
    { change: "attributes", path: "etc", type: "directory", what: ["mtime"] },
    { change: "removed", path: "etc/gone", type: "file", bytes: 4 },
    { change: "attributes", path: "etc/issue", type: "file", what: ["mode"] },
    { change: "content", path: "etc/motd", type: "file", bytes: 5, what: ["mtime"] },
    { change: "added", path: "etc/new", type: "file", bytes: 7 },
  ]);
  assert.deepEqual(await diff("web@2", "web@5"), []);
  await assert.rejects(diff("web@1", "web@9"), { status: 404 });

  await client.put("/nodes/n1", { body: {}, schema: NodeView });
  await client.post("/deployments", { body: { nodes: ["n1"], image: "web@2" }, schema: DeployAnswer });
  const prune = (body: unknown) => client.post("/images/prune", { body, schema: PruneAnswer });
  const names = (versions: readonly { image: string; version: number }[]) =>
    versions.map((v) => `${v.image}@${v.version}`);
  const images = async () => names(await client.get("/images", z.array(ImageView)));

  const plan = await prune({ keepLast: 2, apply: false });
  assert.deepEqual(names(plan.removed), ["web@3", "web@1"]);
  assert.match(plan.kept.find((v) => v.version === 2)?.reason ?? "", /deployed to n1/);
  assert.equal((await images()).length, 6);
  assert.equal((await prune({ keepNewerThanSeconds: 3600, apply: true })).removed.length, 0);
  assert.deepEqual(names((await prune({ keepLast: 1, images: ["db"], apply: true })).removed), []);
  await assert.rejects(prune({ apply: true }), { status: 400 });
  await assert.rejects(prune({ keepLast: 1, images: ["nothing"], apply: true }), { status: 404 });

  const used = () => [...Deno.readDirSync(`${folder}/data/packs`)].length;
  const packs = used();
  assert.deepEqual(names((await prune({ keepLast: 2, apply: true })).removed), names(plan.removed));
  assert.deepEqual(await images(), ["db@1", "web@2", "web@4", "web@5"]);
  // All of them share their data.
  assert.ok(used() <= packs);
  await client.send("POST", "/nodes/n1/cancel");
  assert.deepEqual(names((await prune({ keepLast: 1, apply: true })).removed), ["web@4", "web@2"]);
});
