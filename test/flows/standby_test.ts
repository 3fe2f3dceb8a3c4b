/** A second machine follows the server and takes over: nothing that was answered is lost, and only one of them serves. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { AuditPage } from "#contract/api/audit.ts";
import { type NodeView, NodeView as NodeSchema } from "#contract/api/nodes.ts";
import { StandbyOverview, StandbyToken } from "#contract/api/standbys.ts";
import { ApiClient } from "#contract/client.ts";
import { RackseedError } from "#contract/errors.ts";
import { verifyLines } from "../../server/cli/audit.ts";
import { startServer } from "../../server/server.ts";
import { type RunningStandby, startStandby } from "../../server/services/start_standby.ts";
import { contentOf } from "../../server/standby/small_files.ts";
import { readStanding } from "../../server/standby/standing_file.ts";
import { joinServer } from "../../server/standby_command.ts";
import { waitFor } from "../support/wait_for.ts";
import { makeSmallTree } from "./support/small_tree.ts";
import { ServerUnderTest } from "./support/server_under_test.ts";

const { signal } = new AbortController();
/** Two servers on a busy machine. */
const PATIENCE_MS = 120_000;

/** A server with the standby "b", in one process. */
class Site implements AsyncDisposable {
  readonly a: ServerUnderTest;
  readonly data: string;
  #stop = new AbortController();
  standby!: RunningStandby;
  b: ServerUnderTest | undefined;

  private constructor(a: ServerUnderTest) {
    this.a = a;
    this.data = `${a.folder}/b`;
  }

  static async start(): Promise<Site> {
    const site = new Site(await ServerUnderTest.start());
    await site.join();
    await site.follow();
    return site;
  }

  async join(): Promise<void> {
    const { token } = await this.a.client.call("POST /standbys", { body: { name: "b" } });
    await joinServer(this.a.server.urls.server, { data: this.data, token, force: false, signal });
  }

  async follow(): Promise<void> {
    const standing = readStanding(this.data);
    assert.equal(standing?.role, "follows");
    this.#stop = new AbortController();
    const options = { ...this.a.options(), data: this.data };
    this.standby = await startStandby(options, { standing, signal: this.#stop.signal });
    await waitFor(
      "the standby to follow",
      async () => (await this.overview()).standbys[0]?.state === "follows",
      { timeoutMs: PATIENCE_MS },
    );
  }

  overview(): Promise<StandbyOverview> {
    return this.a.client.call("GET /standbys", {});
  }

  /** A client of the standby, with the site's admin token. */
  ofStandby(): Promise<ApiClient> {
    return ApiClient.connect({ server: this.standby.url, token: this.a.server.token });
  }

  async takeOver(): Promise<ServerUnderTest> {
    using client = await this.ofStandby();
    await (await client.send("POST", "/take-over")).body?.cancel();
    assert.ok(await this.standby.done, "it was ordered");
    return this.b = await ServerUnderTest.start({ data: this.data });
  }

  async stopStandby(): Promise<void> {
    this.#stop.abort();
    await this.standby.done;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stopStandby();
    await this.b?.[Symbol.asyncDispose]();
    try {
      await this.a[Symbol.asyncDispose]();
    } catch {
      // it has been superseded, as its test says
      await Deno.remove(this.a.folder, { recursive: true });
    }
  }
}

const nodesOf = async (test: ServerUnderTest): Promise<NodeView[]> =>
  await (await test.client.send("GET", "/nodes")).json();

/** How often the audit log has each action; throws if it is not whole. */
async function actionsOf(test: ServerUnderTest): Promise<Record<string, number>> {
  const { body } = await test.client.send("GET", "/audit/export");
  assert.deepEqual((await verifyLines(body ?? ReadableStream.from([]), undefined)).faults, []);
  const { entries } = AuditPage.parse(await (await test.client.send("GET", "/audit?limit=500")).json());
  const times: Record<string, number> = {};
  for (const { action } of entries) times[action] = (times[action] ?? 0) + 1;
  return times;
}

Deno.test("a standby takes over from a running server: it has everything, the agent goes on, the other one has stopped", async () => {
  await using site = await Site.start();
  const { a } = site;
  await makeSmallTree(`${a.folder}/tree`);
  await a.publish("web", { root: `${a.folder}/tree` });
  for (const node of ["n1", "n2"]) await a.client.put(`/nodes/${node}`, { body: {}, schema: NodeSchema });
  const [first] = await a.deploy(["n1", "n2"]);
  const { agent, order } = await a.enrol(first);
  agent[Symbol.dispose]();
  await waitFor(
    "the image on the standby",
    () => Promise.resolve(JSON.stringify(contentOf(site.data)) === JSON.stringify(contentOf(a.data))),
    { timeoutMs: PATIENCE_MS },
  );
  const stopped = assert.rejects(a.server.done, /another server of this site has taken over \(epoch 2;/);
  const b = await site.takeOver();
  await stopped;

  assert.equal(b.server.token, a.server.token);
  assert.deepEqual((await nodesOf(b)).map(({ name, state }) => [name, state]), [["n1", "installing"], [
    "n2",
    "armed",
  ]]);
  using agentOfN1 = await b.as(b.server.token);
  agentOfN1.useSession(order.session);
  await agentOfN1.send("POST", "/node/report", { json: { step: "install", state: "running", elapsedMs: 1 } });
  assert.doesNotMatch(await (await b.client.send("POST", "/images/web/verify")).text(), /"damage"/);
  const actions = await actionsOf(b);
  assert.deepEqual([actions["server.take-over"], actions["node.deploy"]], [1, 1]);
  const { epoch, standbys, tookOver } = await b.client.call("GET /standbys", {});
  assert.deepEqual([epoch, standbys, tookOver?.standby], [2, [], "b"]);
  assert.match(await (await b.client.send("GET", "/notices")).text(), /b took over from/);

  // the one that was taken over from asks at its start, and must not serve again
  await assert.rejects(startServer(a.options(), { signal }), (error) => {
    assert.ok(error instanceof RackseedError);
    assert.match(error.message, /may have taken over, and does not answer|has taken over/);
    return true;
  });
});

Deno.test("what was answered is on the standby already: a server that dies at once loses nothing", async () => {
  await using site = await Site.start();
  const { a } = site;
  await a.client.put("/nodes/n0", { body: {}, schema: NodeSchema });
  for (let i = 1; i <= 20; i++) {
    await a.client.put(`/nodes/n${i}`, { body: {}, schema: NodeSchema });
    // what SQLite would find if the line were cut now
    const copy = Deno.makeTempDirSync({ dir: a.folder });
    for (const name of ["rackseed.db", "rackseed.db-wal"]) {
      await Deno.copyFile(`${site.data}/${name}`, `${copy}/${name}`);
    }
    const db = new DatabaseSync(`${copy}/rackseed.db`);
    assert.equal(db.prepare("SELECT count(*) AS n FROM nodes").get()?.n, i + 1);
    db.close();
  }
});

Deno.test("an agent that has seen the later epoch stops a server that does not know of it", async () => {
  await using site = await Site.start();
  const { a } = site;
  await a.client.put("/nodes/n1", { body: {}, schema: NodeSchema });
  // the line between the two is cut
  await site.stopStandby();
  const standing = readStanding(site.data);
  assert.equal(standing?.role, "follows");
  const { beginEpoch } = await import("../../server/standby/take_over.ts");
  const cut = { ...standing, server: "https://127.0.0.1:1" };
  beginEpoch(site.data, { standing: cut, by: "test", address: "127.0.0.1", now: () => Date.now() });
  const b = site.b = await ServerUnderTest.start({ data: site.data });
  using agent = await b.as(b.server.token);
  await agent.call("GET /standing", {});
  assert.match(agent.epoch, /^2:/);
  using forger = await a.as(a.server.token);
  forger.epoch = agent.epoch.replace("2:", "3:");
  await forger.call("GET /standing", {});
  using same = await a.as(a.server.token);
  same.epoch = agent.epoch;
  const stopped = assert.rejects(a.server.done, /has taken over/);
  await assert.rejects(same.send("GET", "/nodes"), { status: 503 });
  await stopped;
});

Deno.test("a standby's token is good once; a removed standby cannot follow; a server with a silent standby does not start", async () => {
  await using site = await Site.start();
  const { a } = site;
  const { token } = StandbyToken.parse(
    await (await a.client.send("POST", "/standbys", { json: { name: "c" } })).json(),
  );
  const join = (data: string, as = token) =>
    joinServer(a.server.urls.server, { data: `${a.folder}/${data}`, token: as, force: false, signal });
  await assert.rejects(join("c", a.server.token), { status: 401 });
  await join("c");
  await assert.rejects(join("d"), /used up/);
  await assert.rejects(join("data"), /another server is using it/);
  await assert.rejects(join("c", a.server.token), /it has facts of its own/);
  await a.client.send("DELETE", "/standbys/c");
  await assert.rejects(a.client.send("DELETE", "/standbys/c"), { status: 404 });
  using removed = await a.as(a.server.token);
  const c = readStanding(`${a.folder}/c`);
  removed.useSession(c?.role === "follows" ? c.secret : "");
  await assert.rejects(removed.send("POST", "/standbys/follow", { json: { files: {} } }), { status: 401 });

  using standby = await site.ofStandby();
  assert.match(await (await standby.send("GET", "/standing")).text(), /"follows"/);
  await assert.rejects(standby.send("GET", "/nodes"), /is a standby of/);
  using stranger = await ApiClient.connect({ server: site.standby.url, token: token.slice(0, -3) + "xyz" });
  await assert.rejects(stranger.send("POST", "/take-over"), { status: 401 });
  // an agent whose server's address has moved must not take this for the end of its order
  await assert.rejects(stranger.send("POST", "/node/report", { json: {} }), { status: 503 });
  // it starts again beside a standby that follows
  await a.restart();
  await site.stopStandby();
  await assert.rejects(a.restart(), /may have taken over, and does not answer/);
  await a.restartWith({ startAlone: true });
  assert.equal((await actionsOf(a))["standby.remove"], 2);
});
