import assert from "node:assert/strict";
import { type Problem, RackseedError } from "#contract/errors.ts";
import type { Api } from "./capture/capture_api.ts";
import { runTemplate, type TemplateEvent } from "./template.ts";

type Answer = Response | RackseedError | (() => Response);

const json = (value: unknown) => new Response(JSON.stringify(value));
const empty = () => new Response(null, { status: 204 });
const trouble = (status: number) => new RackseedError("call failed", { reason: "r", remedy: "m", status });
const order = (capture: string, more: { force?: true; isBackup?: true } = {}) =>
  json({ capture, image: "web", excludes: ["*.tmp"], level: 9, ...more });

/** Serves orders from a list, then aborts; answers everything else as a server would. */
class Server implements Api {
  readonly calls: { call: string; body: unknown }[] = [];
  readonly #abort: AbortController;
  readonly #orders: Answer[];
  announcements: Answer[] = [];

  constructor(abort: AbortController, orders: Answer[]) {
    this.#abort = abort;
    this.#orders = orders;
  }

  async send(
    method: string,
    path: string,
    options: { body?: BodyInit; json?: unknown } = {},
  ): Promise<Response> {
    // it says that this agent takes checks, too
    const call = `${method} ${path.replace("orders?checks=true", "orders")}`;
    if (options.body instanceof ReadableStream) await new Response(options.body).arrayBuffer();
    this.calls.push({ call, body: options.json });
    if (call === "POST /templates") return give(this.announcements.shift() ?? json({ id: "t1" }));
    if (call === "GET /templates/t1/orders") {
      const next = this.#orders.shift();
      if (next) return give(next);
      this.#abort.abort(new Error("enough"));
      throw this.#abort.signal.reason;
    }
    if (path.endsWith("/known")) {
      return new Response(new Uint8Array((options.body as Uint8Array).length / 32));
    }
    return empty();
  }

  count(call: string): number {
    return this.calls.filter((c) => c.call === call).length;
  }
}

function give(answer: Answer): Response {
  if (answer instanceof RackseedError) throw answer;
  return answer instanceof Response ? answer : answer();
}

async function run(
  orders: Answer[],
  options: { announcements?: Answer[]; root?: string; refusals?: readonly string[] } = {},
) {
  const abort = new AbortController();
  const server = new Server(abort, orders);
  server.announcements = options.announcements ?? [];
  const events: TemplateEvent[] = [];
  const pauses: number[] = [];
  const root = options.root ?? Deno.makeTempDirSync();
  try {
    await assert.rejects(
      runTemplate({
        client: server,
        name: "web1",
        root,
        machine: () =>
          Promise.resolve({
            obstacles: ["sfdisk (package fdisk)"],
            refusals: options.refusals,
            mountPoints: [],
          }),
        signal: abort.signal,
        onEvent: (event) => events.push(event),
        pause: (ms) => Promise.resolve(void pauses.push(ms)),
      }),
      /enough/,
    );
  } finally {
    if (options.root === undefined) Deno.removeSync(root, { recursive: true });
  }
  return { server, types: events.map((e) => e.type).filter((t) => t !== "progress"), pauses };
}

Deno.test("a template announces itself, polls, captures what is ordered, and polls again", async () => {
  const { server, types } = await run([empty(), order("c1"), empty(), order("c2")]);
  assert.deepEqual(server.calls[0]?.body, { name: "web1", lacks: ["sfdisk (package fdisk)"] });
  assert.equal(server.count("POST /templates"), 1);
  assert.equal(server.count("PUT /captures/c1/entries"), 1);
  assert.equal(server.count("PUT /captures/c2/entries"), 1);
  assert.equal(server.count("GET /templates/t1/orders"), 5);
  assert.deepEqual(types, ["waiting", "capturing", "sent", "capturing", "sent"]);
});

Deno.test("a failed capture is reported as a problem, and the template keeps waiting", async () => {
  const { server, types } = await run([order("c1"), empty()], { root: "/nowhere/at/all" });
  const report = server.calls.find((c) => c.call === "POST /captures/c1/failed");
  assert.equal((report?.body as Problem).title, "cannot capture /nowhere/at/all");
  assert.match((report?.body as Problem).remedy, /--root/);
  assert.equal(server.count("GET /templates/t1/orders"), 3);
  assert.deepEqual(types, ["waiting", "capturing", "failed"]);
});

Deno.test("a machine that could not be cloned is not captured, unless that is wanted; a backup always is", async () => {
  const { server, types } = await run(
    [order("c1"), order("c2", { force: true }), order("c3", { isBackup: true })],
    { refusals: ["its /boot is encrypted: move it", "GRUB for BIOS is missing: install grub-pc"] },
  );
  const report = server.calls.find((c) => c.call === "POST /captures/c1/failed")?.body as Problem;
  assert.equal(report.title, "cannot capture web1");
  assert.match(report.detail, /its \/boot is encrypted: move it; GRUB for BIOS is missing: install grub-pc/);
  assert.match(report.remedy, /--force/);
  assert.equal(server.count("PUT /captures/c1/entries"), 0);
  assert.equal(server.count("PUT /captures/c2/entries"), 1);
  assert.equal(server.count("PUT /captures/c3/entries"), 1);
  assert.deepEqual(types, ["waiting", "capturing", "failed", "capturing", "sent", "capturing", "sent"]);
});

Deno.test("a server that comes back gets a new announcement", async () => {
  const { server, types, pauses } = await run([trouble(503), trouble(404), empty()], {
    announcements: [trouble(503), trouble(503), json({ id: "t1" })],
  });
  assert.equal(server.count("POST /templates"), 5);
  assert.equal(pauses.length, 3);
  assert.deepEqual(types, ["unreachable", "unreachable", "waiting", "unreachable", "waiting", "waiting"]);
});

Deno.test("a refused token ends the template's agent", async () => {
  const abort = new AbortController();
  const server = new Server(abort, []);
  server.announcements = [trouble(401)];
  const machine = () => Promise.resolve({ obstacles: [], mountPoints: [] });
  const { signal } = abort;
  await assert.rejects(runTemplate({ client: server, name: "web1", root: "/", machine, signal }), {
    status: 401,
  });
});

Deno.test("a check begins at once, and a capture that is ordered meanwhile does not wait for it", async () => {
  const check = {
    check: "k1",
    image: "web",
    version: 1,
    manifest: "a".repeat(64),
    keep: [],
    left: [],
    readsAll: false,
  };
  const { server, types } = await run([json(check), json(check), order("c1")]);
  // the order of a check that runs already changes nothing
  assert.equal(server.count("GET /checks/k1/manifest"), 1);
  assert.deepEqual(types, ["waiting", "checking", "checking", "capturing", "sent"]);
});
