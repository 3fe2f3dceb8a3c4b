/** The file for somebody who helps, of a server that has every kind of secret, some of them where they should not be. */
import assert from "node:assert/strict";
import { NodeView, ReportAnswer } from "#contract/api.ts";
import { TokenAnswer, UserAnswer } from "#contract/api/access.ts";
import { NewWebhook } from "#contract/api/webhooks.ts";
import { parseToken } from "#contract/token.ts";
import { runCommandLine } from "../../server/cli/run.ts";
import { unexpectedActions } from "../../server/cli/testing/actions.ts";
import { supportBundle } from "../../server/support_command.ts";
import { needs } from "../support/needs.ts";
import { ServerUnderTest } from "./support/server_under_test.ts";

const SOURCES = new URL("../../server/contract/api", import.meta.url).pathname;
const PASSWORD = "correct horse battery";

/** Secrets without a form, in no file of their own: nothing that the bundle is made of may hold them. */
const UNKNOWABLE = [
  ...["webhook path", "hook", "image key", "identity", "password in a log", "password in a URL"],
  // as they stand here; with what is before them they have a form
  ...["boot token", "session"],
];

/** Runs the command as it is typed. */
async function bundle(args: readonly string[]): Promise<number> {
  return await runCommandLine(["support-bundle", ...args], unexpectedActions({ supportBundle }));
}

/** The members of the archive, as GNU tar reads them. */
async function unpack(file: string, folder: string): Promise<Map<string, string>> {
  await Deno.mkdir(folder);
  const { success } = await new Deno.Command("tar", { args: ["-xzf", file, "-C", folder] }).output();
  assert.ok(success);
  const root = `${folder}/rackseed-support`;
  return new Map(
    [...Deno.readDirSync(root)].map(({ name }) => [name, Deno.readTextFileSync(`${root}/${name}`)]),
  );
}

/** Secrets of every kind, as they are found on the server: by what each is. */
async function plant(test: ServerUnderTest): Promise<Map<string, string>> {
  const { client, data } = test;
  const body = { url: "https://chat.example/hooks/T0K3N" };
  const { secret } = await client.put("/webhooks/chat", { body, schema: NewWebhook });
  const user = await client.post("/users", { body: { name: "anna", role: "admin" }, schema: UserAnswer });
  const token = { user: "anna", name: "ci", role: "admin", days: 1 };
  const personal = await client.post("/tokens", { body: token, schema: TokenAnswer });
  await client.send("PUT", "/hooks/all/pre-install/a", { json: { script: "echo script-secret-1" } });
  await test.publish("web", { root: SOURCES });
  await client.put("/nodes/n1", { body: {}, schema: NodeView });
  const [boot = ""] = await test.deploy(["n1"]);
  const { agent, order } = await test.enrol(boot);
  using _agent = agent;
  const code = user.setup?.path.replace(/.*=/, "") ?? "";
  const log = [
    `tried ${boot}`,
    "DB_PASSWORD=hunter2-secret",
    `authorization: Bearer ${order.session}`,
    "curl https://bot:pass-in-url@mirror.example/x",
    `link ${test.server.urls.server}/setup?code=${code}`,
  ];
  const report = { step: "plan", state: "failed", elapsedMs: 1, log };
  await agent.post("/node/report", { body: report, schema: ReportAnswer });
  await Deno.writeTextFile(`${data}/identities/n1.json`, JSON.stringify({ privateKey: "identity-secret-1" }));
  const lineOf = (path: string) => Deno.readTextFileSync(`${data}/${path}`).split("\n")[1] ?? "";
  const secretOf = (text: string) => parseToken(text)?.secret ?? assert.fail(text);
  return new Map([
    ["webhook secret", secret],
    ["webhook path", "T0K3N"],
    ["set-up code", code],
    ["personal token", secretOf(personal.token)],
    ["hook", "script-secret-1"],
    ["boot token", secretOf(boot)],
    ["session", order.session],
    ["image key", order.key],
    ["password in a log", "hunter2-secret"],
    ["password in a URL", "pass-in-url"],
    ["identity", "identity-secret-1"],
    ["admin token", secretOf(test.server.token)],
    ["metrics token", Deno.readTextFileSync(`${data}/metrics-token`).trim()],
    ["CA key", lineOf("tls/ca.key")],
    ["signing key", lineOf("keys/signing.pem")],
    ["sealing key", Deno.readTextFileSync(`${data}/keys/secrets.key`).trim()],
  ]);
}

Deno.test({
  name: "a support bundle has what went wrong, and no secret of the site",
  ...needs({ programs: ["tar"] }),
  async fn() {
    await using test = await ServerUnderTest.start();
    const secrets = await plant(test);
    const { folder, data } = test;
    const key = `${folder}/site.key`, log = `${folder}/server.log`, file = `${folder}/bundle.tar.gz`;
    await Deno.writeTextFile(key, `${PASSWORD}\n`);
    secrets.set("file that a setting names", PASSWORD);
    const leaked = [...secrets].filter(([what]) => !UNKNOWABLE.includes(what)).map(([, secret]) => secret);
    // as if the server logged what it must not
    await Deno.writeTextFile(log, ["INF serving", ...leaked].join("\nERR leaked value="));
    await Deno.writeTextFile(
      `${folder}/server.yaml`,
      `data: ${data}\ntls-cert: ${folder}/none.pem\ntls-key: ${key}\n`,
    );
    const args = [file, "--config", `${folder}/server.yaml`, "--log", log, "--http-port", "0"];
    assert.equal(await bundle(args), 0);
    assert.equal(((await Deno.stat(file)).mode ?? 0) & 0o777, 0o600);
    const members = await unpack(file, `${folder}/unpacked`);
    for (const [name, text] of members) {
      for (const [what, secret] of secrets) assert.ok(!text.includes(secret), `${what} in ${name}`);
    }
    const json = (name: string) => JSON.parse(members.get(name) ?? assert.fail(name));
    assert.deepEqual(json("missing.json"), {});
    assert.equal(json("nodes.json")[0].state, "failed");
    assert.equal(json("node-logs.json").n1.at(-1).step, "plan");
    assert.equal(json("webhooks.json")[0].url, "https://chat.example");
    assert.equal(json("images.json").length, 1);
    assert.ok(json("users.json").some(({ name }: { name: string }) => name === "anna"));
    assert.ok(json("doctor.json").some(({ check }: { check: string }) => check === "certificates"));
    const setting = json("settings.json").effective.find(({ name }: { name: string }) => name === "tls-key");
    assert.deepEqual(setting.texts, [key], "paths of secrets are no secrets");
    assert.match(members.get("metrics.txt") ?? "", /^rackseed_/m);
    assert.match(members.get("log.txt") ?? "", /INF serving\nERR leaked value=\[removed\]/);
    assert.equal(await bundle(args), 1, "an existing file is not overwritten");
  },
});

Deno.test({
  name: "without a running server the bundle has what there is, and says what is missing",
  ...needs({ programs: ["tar"] }),
  async fn() {
    await using test = await ServerUnderTest.start();
    const { folder, data } = test;
    await test.restart(async () => {
      const file = `${folder}/bundle.tar.gz`;
      assert.equal(await bundle([file, "--data", data, "--log", `${folder}/none.log`]), 0);
      const members = await unpack(file, `${folder}/unpacked`);
      const missing = JSON.parse(members.get("missing.json") ?? "");
      assert.match(missing["nodes.json"], /cannot reach the server/);
      assert.match(missing["log.txt"], /No such file/);
      assert.ok(members.has("doctor.json"));
    });
  },
});
