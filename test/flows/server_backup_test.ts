/** A server's facts are saved while it runs, and restored: nodes and agents find the same server again. */
import assert from "node:assert/strict";
import type { ImageView } from "#contract/api.ts";
import { backUpServer, restoreServer } from "../../server/facts_command.ts";
import { runCommandLine } from "../../server/cli/run.ts";
import { openAuthority } from "../../server/access/tls.ts";
import { ENCRYPTED_LAYOUT } from "../support/encrypted_layout.ts";
import { MACHINE_INVENTORY } from "../support/inventory.ts";
import { ServerUnderTest } from "./support/server_under_test.ts";
import { waitFor } from "../support/wait_for.ts";

const SOURCES = new URL("../../server/contract/api", import.meta.url).pathname;

function cli(...args: string[]): Promise<number> {
  const never = () => Promise.reject(new Error("not here"));
  return runCommandLine(args, {
    version: "0",
    apiDocument: never,
    signal: new AbortController().signal,
    backUpServer,
    restoreServer: (file, options) => Promise.resolve().then(() => restoreServer(file, options)),
    joinServer: never,
    runServer: never,
    installService: never,
    uninstallService: never,
    runDoctor: never,
    supportBundle: never,
    runTemplate: never,
    runInstall: never,
    sendTree: never,
    exportDisk: never,
    claimDevice: never,
  });
}

const imagesOf = async (test: ServerUnderTest) =>
  (await (await test.client.send("GET", "/images")).json() as ImageView[]).map((v) =>
    `${v.image}@${v.version}`
  );

const verified = async (test: ServerUnderTest, ref: string) =>
  !/"damage"/.test(await (await test.client.send("POST", `/images/${ref}/verify`)).text());

for (const how of ["running", "stopped"] as const) {
  Deno.test(`the facts of a ${how} server are restored into its directory after the database was lost`, async () => {
    await using test = await ServerUnderTest.start();
    const { data, folder } = test;
    await test.publish("web", { root: SOURCES });
    await test.client.send("PUT", "/nodes/n1", { json: { address: "10.0.0.1/24" } });
    const file = `${folder}/facts.tar`;
    const { token } = test.server;
    const { pem } = await openAuthority(data);
    const key = Deno.readTextFileSync(`${data}/keys/signing.pem`);
    if (how === "running") assert.equal(await cli("server", "backup", file, "--data", data), 0);
    await test.restart(async () => {
      if (how === "stopped") assert.equal(await cli("server", "backup", file, "--data", data), 0);
      assert.equal((Deno.statSync(file).mode ?? 0) & 0o777, 0o600);
      Deno.truncateSync(`${data}/rackseed.db`);
      for (const name of ["keys/signing.pem", "tls/ca.pem", "token"]) Deno.removeSync(`${data}/${name}`);
      assert.equal(
        await cli("server", "restore", file, "--data", data),
        1,
        "existing data is not overwritten",
      );
      assert.equal(await cli("server", "restore", file, "--data", data, "--force"), 0);
    });
    assert.equal(test.server.token, token);
    assert.equal((await openAuthority(data)).pem, pem);
    assert.equal(Deno.readTextFileSync(`${data}/keys/signing.pem`), key);
    assert.deepEqual(await imagesOf(test), ["web@1"]);
    assert.ok(await verified(test, "web@1"));
    assert.match(await (await test.client.send("GET", "/nodes/n1")).text(), /10\.0\.0\.1\/24/);
    assert.ok([...Deno.readDirSync(data)].some(({ name }) => name.startsWith("before-restore-")));
  });
}

Deno.test("restored into an empty directory, the server reports missing packs; a damaged backup changes nothing", async () => {
  await using test = await ServerUnderTest.start();
  await test.publish("web", { root: SOURCES });
  const file = `${test.folder}/facts.tar`, empty = `${test.folder}/empty`;
  assert.equal(await cli("server", "backup", file, "--data", test.data), 0);
  const bytes = Deno.readFileSync(file);
  const damaged: Record<string, Uint8Array> = {
    "cut.tar": bytes.subarray(0, bytes.length / 2),
    "flipped.tar": bytes.map((byte, i) => i === bytes.length - 12_000 ? byte ^ 1 : byte),
    "foreign.tar": new Uint8Array(10_240),
  };
  for (const [name, content] of Object.entries(damaged)) {
    Deno.writeFileSync(`${test.folder}/${name}`, content);
    assert.equal(await cli("server", "restore", `${test.folder}/${name}`, "--data", empty), 1, name);
    assert.deepEqual([...Deno.readDirSync(empty)].map((e) => e.name), ["lock"], name);
  }
  assert.equal(await cli("server", "restore", file, "--data", empty), 0);
  await using moved = await ServerUnderTest.start({ data: empty });
  assert.equal(moved.server.token, test.server.token);
  assert.deepEqual(await imagesOf(moved), ["web@1"]);
  assert.equal(await verified(moved, "web@1"), false);
  const notices = async () => await (await moved.client.send("GET", "/notices")).text();
  await waitFor("the notice about web@1", async () => /web@1.*is missing/.test(await notices()));
  await Deno.remove(empty, { recursive: true }).catch(() => {});
});

Deno.test("a backup has the nodes' recovery keys, and the record of who saw them", async () => {
  await using test = await ServerUnderTest.start();
  await test.publish("vault", { root: SOURCES, layout: ENCRYPTED_LAYOUT });
  await test.client.send("PUT", "/nodes/n1", { json: {} });
  const [token] = await test.deploy(["n1"], { image: "vault", unlock: "tpm2" });
  const { agent, order } = await test.enrol(token, MACHINE_INVENTORY);
  using _agent = agent;
  await agent.send("POST", "/node/report", {
    json: { step: "format", state: "done", elapsedMs: 1, encrypted: true },
  });
  await test.client.send("POST", "/nodes/n1/recovery-key", { json: {} });
  const file = `${test.folder}/facts.tar`, empty = `${test.folder}/empty`;
  assert.equal(await cli("server", "backup", file, "--data", test.data), 0);
  assert.equal(await cli("server", "restore", file, "--data", empty), 0);
  assert.equal((Deno.statSync(`${empty}/keys/secrets.key`).mode ?? 0) & 0o777, 0o600);
  await using moved = await ServerUnderTest.start({ data: empty });
  await assert.rejects(moved.client.send("POST", "/nodes/n1/recovery-key", { json: {} }), { status: 409 });
  const again = await moved.client.send("POST", "/nodes/n1/recovery-key", { json: { again: "moved" } });
  assert.equal((await again.json()).keys[0].recoveryKey, order.encryption?.recoveryKey);
});

Deno.test("only the operator's token may fetch a backup", async () => {
  await using test = await ServerUnderTest.start();
  using other = await test.as(`${test.server.token.slice(0, -3)}xyz`);
  await assert.rejects(other.send("POST", "/server/backup"), { status: 401 });
});
