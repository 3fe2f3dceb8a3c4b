import assert from "node:assert/strict";
import { CaptureView } from "#contract/api.ts";
import { formatHashedEntry } from "#contract/format/entry.ts";
import { encodeCache, PastCapture } from "../../agent/capture/cache/past_capture.ts";
import { DataDirectory } from "../../server/store/data_directory.ts";
import { openDatabase } from "../../server/store/database.ts";
import { ImageStore } from "../../server/store/images.ts";
import { openSigningKey } from "../../server/store/keys.ts";
import { ServerUnderTest } from "./support/server_under_test.ts";
import { makeSmallTree } from "./support/small_tree.ts";
import { type Sent, TemplateUnderTest } from "./support/template_under_test.ts";

async function sh(script: string, cwd: string): Promise<void> {
  const { success, stderr } = await new Deno.Command("sh", { args: ["-ec", script], cwd }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
}

/** Stops the server and compares both versions. */
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

interface Template {
  readonly root: string;
  readonly state: string;
  capture(image: string): Promise<{ version: number | undefined; sent: Sent }>;
}

async function inFlow(work: (template: Template) => Promise<[string, string]>): Promise<void> {
  const test = await ServerUnderTest.start();
  const { folder, client } = test;
  const root = `${folder}/tree`, state = `${folder}/state`;
  const after = `${folder}-after`;
  try {
    await makeSmallTree(root);
    const template = await TemplateUnderTest.start(client, { name: "golden", root, state });
    const capture = async (image: string) => {
      const body = { template: "golden", image, level: 1 };
      return await template.published(client, await client.post("/captures", { body, schema: CaptureView }));
    };
    const same = await work({ root, state, capture });
    await template[Symbol.asyncDispose]();
    client[Symbol.dispose]();
    await test.server.close();
    await sh(`mkdir ${after} && cp -a data ${after}/data`, folder);
    await assertSame(after, same);
  } finally {
    await sh(`rm -rf ${folder} ${after}`, "/");
  }
}

Deno.test("a re-capture reads and sends only changes, with the same result as a full capture", () =>
  inFlow(async (template) => {
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

Deno.test("an agent that remembers another parent than the server's is refused, and sends everything", () =>
  inFlow(async (template) => {
    await template.capture("web");
    const path = `${template.state}/golden.web.memory`;
    const { capture, root, amount, lines } = new PastCapture(await Deno.readFile(path));
    const entries = lines.filter((entry) => !entry.path.startsWith("srv/deep/1"));
    await Deno.writeFile(path, encodeCache({ capture, root, amount, entries }));
    const { version, sent } = await template.capture("web");
    assert.equal(version, 2);
    assert.ok(sent.bytesRead > 9_000_000);
    assert.equal(sent.sent.bytesSent, 0);
    await template.capture("whole");
    return ["web@2", "whole@1"];
  }));
