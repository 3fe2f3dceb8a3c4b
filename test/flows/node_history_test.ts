/** A node's history and log: on the command line, and what a viewer sees of them. */
import assert from "node:assert/strict";
import { HistoryEntry, type StepReport } from "#contract/api.ts";
import { TokenAnswer } from "#contract/api/access.ts";
import { ServerUnderTest } from "./support/server_under_test.ts";
import { makeSmallTree } from "./support/small_tree.ts";

const MAIN = new URL("../../main.ts", import.meta.url).pathname;
const ROOT = new URL("../..", import.meta.url).pathname;

Deno.test("who wiped a node, and what its agent logs, is told on the command line, and to viewers without addresses", async () => {
  await using test = await ServerUnderTest.start();
  await makeSmallTree(`${test.folder}/tree`);
  await test.publish("web", { root: `${test.folder}/tree` });
  await test.client.send("PUT", "/nodes/n17", { json: { group: "compute" } });
  const [token] = await test.deploy(["n17"]);
  using agent = (await test.enrol(token)).agent;
  const report = async (json: StepReport) => {
    await (await agent.send("POST", "/node/report", { json })).body?.cancel();
  };
  await report({ step: "install", state: "running", elapsedMs: 1, console: ["$ mkfs.ext4 /dev/vda2"] });
  await using following = run(test, ["node", "log", "n17", "--follow"]);
  const output = following.stdout.pipeThrough(new TextDecoderStream());
  const said: string[] = [];
  for await (const text of output) {
    said.push(text);
    if (!said.join("").includes("mkfs.ext4") || said.join("").includes("the last line")) continue;
    const problem = { title: "cannot format", status: 500, detail: "no.", remedy: "look." };
    await report({
      step: "install",
      state: "failed",
      elapsedMs: 2,
      problem,
      console: ["the last \u001b[31mline"],
    });
    said.push("the last line");
  }
  assert.equal((await following.status).code, 0, "it ends with the order");
  assert.match(said.join(""), /^\d\d:\d\d:\d\d \$ mkfs\.ext4 \/dev\/vda2$/m);
  assert.match(
    said.join(""),
    /the last \\u001b\[31mline/,
    "control characters are shown, not sent to the terminal",
  );

  const history = await new Response(run(test, ["node", "history", "n17", "--limit", "9"]).stdout).text();
  assert.match(history, /deployment +admin token +web@1 +failed at install .*cannot format: no\./);
  assert.match(history, /settings changed +admin token .*group: – → compute/);

  await test.client.send("POST", "/users", { json: { name: "vera", role: "viewer" } });
  const { token: vera } = await test.client.post("/tokens", {
    body: { name: "t", user: "vera", role: "viewer", days: 1 },
    schema: TokenAnswer,
  });
  using viewer = await test.as(vera);
  const entries = await viewer.get("/nodes/n17/history?limit=1", HistoryEntry.array());
  assert.deepEqual(entries.map(({ by, result }) => [by, result]), [["admin token", "failed"]]);
  const page = await viewer.send("GET", "/nodes/n17/history?limit=1");
  assert.doesNotMatch(await page.text(), /127\.0\.0\.1/);
  const next = /<\/api\/v1([^>]+)>; rel="next"/.exec(page.headers.get("link") ?? "")?.[1] ?? assert.fail();
  const [older] = await viewer.get(next, HistoryEntry.array());
  assert.equal(older?.kind, "settings");
  await assert.rejects(viewer.get("/audit?node=n17", HistoryEntry.array()), { status: 403 });
  await assert.rejects(viewer.get("/nodes/n17/history?cursor=zz", HistoryEntry.array()), { status: 400 });
  await assert.rejects(viewer.get("/nodes/nobody/history", HistoryEntry.array()), { status: 404 });
});

function run({ server }: ServerUnderTest, args: string[]): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", MAIN, ...args, "--server", server.urls.server],
    env: { RACKSEED_TOKEN: server.token, NO_COLOR: "1" },
    cwd: ROOT,
    stdin: "null",
    stdout: "piped",
  }).spawn();
}
