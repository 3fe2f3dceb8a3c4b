/** Ctrl-C and `systemctl stop`: every command ends within five seconds, even if its server does not answer. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { DeployAnswer, type NodeView } from "#contract/api.ts";
import { ApiClient } from "#contract/client.ts";
import { waitFor } from "../support/wait_for.ts";
import { ServerUnderTest } from "./support/server_under_test.ts";

const MAIN = new URL("../../main.ts", import.meta.url).pathname;
const ROOT = new URL("../..", import.meta.url).pathname;
const WITHIN_MS = 5_000;

type Args = (place: { folder: string; bootToken: string }) => string[];

const commands: [name: string, args: Args, token?: "boot"][] = [
  [
    "agent template",
    (
      { folder },
    ) => ["agent", "template", "--name", "golden", "--root", `${folder}/tree`, "--state", `${folder}/state`],
  ],
  ["agent install", ({ folder }) => ["agent", "install", "--target", `${folder}/n1`], "boot"],
  ["node deploy --wait", () => ["node", "deploy", "n2", "--image", "web", "--wait"]],
  ["capture", () => ["capture", "silent", "--image", "other"]],
  ["image import", ({ folder }) => ["image", "import", "more", `${folder}/tree`]],
  ["image export", () => ["image", "export", "web"]],
  ["image verify", () => ["image", "verify", "web"]],
  ["image list", () => ["image", "list"]],
];

Deno.test("every command obeys SIGTERM and SIGINT with its exit code while the server hangs, and so does the server", async () => {
  const folder = await Deno.makeTempDir({ prefix: "rackseed-signal-" });
  const children: Deno.ChildProcess[] = [];
  const spawn = (args: readonly string[], env: Record<string, string> = {}) => {
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", `--config=${ROOT}deno.json`, MAIN, ...args],
      env,
      stdout: "piped",
      stderr: "null",
    }).spawn();
    children.push(child);
    return child;
  };
  try {
    await Deno.mkdir(`${folder}/tree`);
    await Deno.mkdir(`${folder}/n1`);
    await Deno.writeFile(`${folder}/tree/file`, crypto.getRandomValues(new Uint8Array(60_000)));
    const data = `${folder}/data`;
    const server = spawn([
      ...["server", "--data", data, "--listen", "127.0.0.1:0", "--http-port", "0", "--peer-port", "0"],
      ...["--tracker-port", "0", "--tftp-port", "off", "--rsync-port", "off", "--json"],
    ]);
    const said = server.stdout.getReader();
    const status = JSON.parse(new TextDecoder().decode((await said.read()).value)) as { server: string };
    const env = {
      RACKSEED_SERVER: status.server,
      RACKSEED_TOKEN: Deno.readTextFileSync(`${data}/token`).trim(),
    };
    assert.equal((await spawn(["image", "import", "web", `${folder}/tree`], env).output()).code, 0);
    const bootToken = await prepareNodes(env);

    server.kill("SIGSTOP");
    const begun = commands.map(([name, args, token]) => ({
      name,
      child: spawn(
        args({ folder, bootToken }),
        token === "boot" ? { ...env, RACKSEED_TOKEN: bootToken } : env,
      ),
    }));
    const port = Number(new URL(status.server).port);
    await Promise.all(begun.map(async ({ name, child }, i) => {
      await waitFor(`a connection of ${name}`, () => isConnected(child.pid, port), { timeoutMs: 60_000 });
      assert.deepEqual(
        await endedBy(child, i % 2 === 0 ? "SIGTERM" : "SIGINT"),
        { code: 1, inTime: true },
        name,
      );
    }));
    server.kill("SIGCONT");
    const idle = spawn([
      "agent",
      "template",
      "--name",
      "golden",
      "--root",
      `${folder}/tree`,
      "--state",
      `${folder}/state`,
    ], env);
    await waitFor("the template to announce itself", () => isAnnounced("golden", env), { timeoutMs: 60_000 });
    assert.deepEqual(await endedBy(server, "SIGTERM"), { code: 0, inTime: true }, "server");
    assert.equal((await endedBy(idle, "SIGTERM")).inTime, true, "agent template without a server");
    said.releaseLock();
  } finally {
    for (const child of children) {
      try {
        child.kill("SIGKILL");
      } catch {
        // it has ended
      }
      await child.stdout.cancel().catch(() => {});
      await child.status;
    }
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a node's agent ends within five seconds amid a slow download", async () => {
  await using test = await ServerUnderTest.start();
  const root = `${test.folder}/tree`, target = `${test.folder}/n1`;
  await Deno.mkdir(root);
  await Deno.mkdir(target);
  for (let i = 0; i < 8; i++) await Deno.writeFile(`${root}/${i}`, randomBytes(2 << 20));
  await test.publish("web", { root });
  await test.client.send("POST", "/swarm", { json: { uploadLimit: 200_000 } });
  const { server, token } = { server: test.server.urls.server, token: test.server.token };
  const bootToken = await prepareNodes({ RACKSEED_SERVER: server, RACKSEED_TOKEN: token });
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "--no-check",
      `--config=${ROOT}deno.json`,
      MAIN,
      "agent",
      "install",
      "--target",
      target,
    ],
    env: { RACKSEED_SERVER: server, RACKSEED_TOKEN: bootToken },
    stdout: "null",
    stderr: "null",
  }).spawn();
  try {
    const isInstalling = async () =>
      (await (await test.client.send("GET", "/nodes/n1")).json() as NodeView).report?.step === "install";
    await waitFor("the step install", isInstalling, { everyMs: 100 });
    assert.deepEqual(await endedBy(child, "SIGTERM"), { code: 1, inTime: true });
  } finally {
    try {
      child.kill("SIGKILL");
    } catch {
      // it has ended
    }
    await child.status;
  }
});

/** Whether the process has an established TCP connection to `port` (/proc/net/tcp, man 5 proc). */
function isConnected(pid: number, port: number): boolean {
  const to = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const sockets = new Set(
    Deno.readTextFileSync("/proc/net/tcp").split("\n").map((line) => line.trim().split(/\s+/))
      .filter(([, , remote, state]) => remote?.endsWith(to) && state === "01")
      .map((fields) => `socket:[${fields[9]}]`),
  );
  return [...Deno.readDirSync(`/proc/${pid}/fd`)].some(({ name }) => {
    try {
      return sockets.has(Deno.readLinkSync(`/proc/${pid}/fd/${name}`));
    } catch {
      return false; // closed meanwhile
    }
  });
}

async function endedBy(child: Deno.ChildProcess, signal: Deno.Signal) {
  const started = performance.now();
  child.kill(signal);
  const { code } = await child.status;
  return { code, inTime: performance.now() - started < WITHIN_MS };
}

async function isAnnounced(
  template: string,
  { RACKSEED_SERVER: server, RACKSEED_TOKEN: token }: { RACKSEED_SERVER: string; RACKSEED_TOKEN: string },
): Promise<boolean> {
  using client = await ApiClient.connect({ server, token });
  const templates = await (await client.send("GET", "/templates")).json() as { name: string }[];
  return templates.some(({ name }) => name === template);
}

/** Creates n1 and n2, and arms n1. Returns n1's boot token. */
async function prepareNodes({ RACKSEED_SERVER: server, RACKSEED_TOKEN: token }: {
  RACKSEED_SERVER: string;
  RACKSEED_TOKEN: string;
}): Promise<string> {
  using client = await ApiClient.connect({ server, token });
  for (const node of ["n1", "n2"]) await client.send("PUT", `/nodes/${node}`, { json: {} });
  const body = { nodes: ["n1"], image: "web" };
  const { nodes } = await client.post("/deployments", { body, schema: DeployAnswer });
  return nodes[0]?.token ?? "";
}
