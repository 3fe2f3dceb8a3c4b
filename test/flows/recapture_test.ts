import assert from "node:assert/strict";
import { CaptureView } from "#contract/api.ts";
import { formatHashedEntry } from "#contract/entry.ts";
import { MemoryStore } from "../../agent/capture/memory/memory_store.ts";
import { encodeMemory, PastCapture } from "../../agent/capture/memory/past_capture.ts";
import { runTemplate, type TemplateEvent } from "../../agent/template.ts";
import { DataDirectory } from "../../server/store/data_directory.ts";
import { openDatabase } from "../../server/store/database.ts";
import { ImageStore } from "../../server/store/images.ts";
import { openSigningKey } from "../../server/store/keys.ts";
import { ServerUnderTest } from "./support/server_under_test.ts";
import { makeSmallTree } from "./support/small_tree.ts";

type Sent = Extract<TemplateEvent, { type: "sent" }>;

/** A template's agent that runs in this process, and a clock by which all files have long been settled. */
class Template implements AsyncDisposable {
  readonly root: string;
  readonly state: string;
  readonly #test: ServerUnderTest;
  readonly #stop = new AbortController();
  readonly #done: Promise<unknown>;
  readonly #sent = new Map<string, Sent>();

  constructor(test: ServerUnderTest) {
    this.#test = test;
    this.root = `${test.folder}/tree`;
    this.state = `${test.folder}/state`;
    this.#done = runTemplate({
      client: test.client,
      name: "golden",
      root: this.root,
      memory: new MemoryStore(this.state),
      machine: () => Promise.resolve({ lacks: [], mountPoints: [] }),
      signal: this.#stop.signal,
      onEvent: (event) => {
        if (event.type === "sent") this.#sent.set(event.order.capture, event);
      },
      now: () => Date.now() + 120_000,
    }).catch((error) => {
      if (!this.#stop.signal.aborted) throw error;
    });
  }

  async capture(image: string): Promise<{ version: number | undefined; sent: Sent }> {
    const { client } = this.#test;
    const body = { template: "golden", image, level: 1 };
    const { id } = await client.post("/captures", { body, schema: CaptureView });
    for (;;) {
      const view = await client.get(`/captures/${id}`, CaptureView);
      const sent = this.#sent.get(id);
      if (view.state === "published" && sent) return { version: view.version, sent };
      if (view.problem) throw new Error(view.problem.detail);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new Error("the test is over"));
    await this.#done;
  }
}

async function sh(script: string, cwd: string): Promise<void> {
  const { success, stderr } = await new Deno.Command("sh", { args: ["-ec", script], cwd }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
}

async function announced(test: ServerUnderTest): Promise<void> {
  while ((await (await test.client.send("GET", "/templates")).json()).length === 0) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Ends the server, and compares what both versions say. */
async function assertSame(folder: string, [a, b]: readonly [string, string]): Promise<void> {
  const directory = new DataDirectory(`${folder}/data`);
  const db = openDatabase(directory.database);
  try {
    using store = new ImageStore({ db, directory, signingKey: await openSigningKey(directory) });
    const lines = (ref: string) => [...store.hashedEntries(ref)].map(formatHashedEntry);
    assert.deepEqual(lines(a), lines(b));
    for (const ref of [a, b]) {
      for await (const event of store.verify(ref)) assert.notEqual(event.type, "damage");
    }
  } finally {
    db.close();
  }
}

async function inFlow(work: (test: ServerUnderTest, template: Template) => Promise<[string, string]>) {
  const test = await ServerUnderTest.start();
  let folder = "";
  try {
    await makeSmallTree(`${test.folder}/tree`);
    const template = new Template(test);
    await announced(test);
    const same = await work(test, template);
    await template[Symbol.asyncDispose]();
    folder = `${test.folder}-after`;
    await Deno.mkdir(folder);
    test.client[Symbol.dispose]();
    await test.server.close();
    await sh(`cp -a data ${folder}/data`, test.folder);
    await assertSame(folder, same);
  } finally {
    await Deno.remove(test.folder, { recursive: true });
    if (folder !== "") await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("a re-capture reads and sends what changed, and is what a whole capture would be", () =>
  inFlow(async (_test, template) => {
    const first = await template.capture("web");
    assert.equal(first.version, 1);
    assert.ok(first.sent.bytesRead > 9_000_000);

    const idle = await template.capture("web");
    assert.equal(idle.version, 2);
    assert.equal(idle.sent.bytesRead, 0);
    assert.equal(idle.sent.sent.bytesSent, 0);

    await sh(
      `printf changed > srv/deep/7; chmod 600 srv/deep/8; touch -d 2001-01-01 srv/deep/9; rm srv/deep/10
       printf new > srv/deep/7a; rm one; ln -s elsewhere srv/link; mv empty-folder full-folder
       printf x > full-folder/x; setfattr -n user.a -v b srv/deep/11; mv srv/deep/12 srv/deep/13`,
      template.root,
    );
    const { version, sent } = await template.capture("web");
    assert.equal(version, 3);
    assert.ok(sent.bytesRead < 200, `${sent.bytesRead} bytes were read`);
    assert.equal(sent.sent.bytesSent, "changednew".length);
    await template.capture("whole");
    return ["web@3", "whole@1"];
  }));

Deno.test("an agent that remembers another parent than the server's is refused, and tells everything", () =>
  inFlow(async (_test, template) => {
    await template.capture("web");
    const path = `${template.state}/golden.web.memory`;
    const { capture, root, amount, lines } = new PastCapture(await Deno.readFile(path));
    const entries = lines.filter((entry) => !entry.path.startsWith("srv/deep/1"));
    await Deno.writeFile(path, encodeMemory({ capture, root, amount, entries }));
    const { version, sent } = await template.capture("web");
    assert.equal(version, 2);
    assert.ok(sent.bytesRead > 9_000_000);
    assert.equal(sent.sent.bytesSent, 0);
    await template.capture("whole");
    return ["web@2", "whole@1"];
  }));
