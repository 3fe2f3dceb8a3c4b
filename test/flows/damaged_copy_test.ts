/** The server's own copy of an image goes bad while nodes are fetching it: nodes and operator learn which one. */
import { flipBit } from "../support/flip_bit.ts";
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { isDamagedCopy } from "#contract/damaged_copy.ts";
import { NodeView, type Notice } from "#contract/api.ts";
import { runInstall } from "../../agent/install_command.ts";
import { waitFor } from "../support/wait_for.ts";
import { ServerUnderTest } from "./support/server_under_test.ts";

/** The time within which a node must fail. */
const WITHIN_MS = 60_000;

const damages: [what: string, damage: (files: { pack: string; version: string }) => void, named: RegExp][] = [
  [
    "a changed byte of a pack",
    ({ pack }) => flipBit(pack, 3_000_000),
    /pack.*: its content is not what was published/,
  ],
  [
    "a changed manifest",
    ({ version }) => flipBit(`${version}/manifest.rsm`, 40),
    /manifest.rsm: its content is not what was published/,
  ],
  ["a missing torrent", ({ version }) => Deno.removeSync(`${version}/torrent`), /torrent: .*No such file/],
];

/** They mostly wait, each for a server of its own, so they run at the same time. */
Deno.test("a damaged copy of an image", async (t) => {
  const steps: [name: string, fn: () => Promise<void>][] = [
    ...damages.map(([what, ...damage]): [string, () => Promise<void>] => [
      `${what} fails the installation within a minute, with the file's name and a remedy`,
      () => failsInstallation(...damage),
    ]),
    [
      "a version that goes bad while idle is reported within half a minute, until it is repaired",
      isReportedWhileIdle,
    ],
  ];
  const sanitized = { sanitizeOps: false, sanitizeResources: false, sanitizeExit: false };
  const passed = await Promise.all(steps.map(([name, fn]) => t.step({ name, fn, ...sanitized })));
  assert.ok(passed.every(Boolean));
});

Deno.test("a request for extents of a damaged pack gets an error that names it, not a broken connection", async () => {
  await using test = await ServerUnderTest.start();
  const { pack } = await publish(test);
  using agent = (await test.enrol(await arm(test))).agent;
  // Frames are packed as they become ready, so that any of the file's frames may be the first.
  for (let at = 100; at < Deno.statSync(pack).size; at += 1 << 20) flipBit(pack, at);
  const json = { frames: [{ frame: 0, extents: [0] }] };
  await assert.rejects(agent.send("POST", "/node/extents", { json }), (error) => {
    assert.ok(isDamagedCopy(error), String(error));
    return /pack: /.test(error.reason);
  });
});

async function failsInstallation(
  damage: (files: { pack: string; version: string }) => void,
  named: RegExp,
): Promise<void> {
  await using test = await ServerUnderTest.start();
  const files = await publish(test);
  const token = await arm(test);
  damage(files);
  const target = await Deno.makeTempDir();
  const started = performance.now();
  try {
    await assert.rejects(
      runInstall({
        server: test.server.urls.server,
        token,
        target,
        signal: AbortSignal.timeout(2 * WITHIN_MS),
      }),
      /the server's copy of web@1 is damaged.*image verify web@1/,
    );
    assert.ok(performance.now() - started < WITHIN_MS, `${performance.now() - started} ms`);
    const { state, report } = await test.client.get("/nodes/n1", NodeView);
    assert.equal(state, "failed");
    assert.match(report?.problem?.detail ?? "", named);
    const [notice] = await notices(test, 1);
    assert.equal(notice?.subject, "web@1");
    await assert.rejects(arm(test), /the server's copy of web@1 is damaged/);
    const lines = await (await test.client.send("POST", "/images/web@1/verify")).text();
    assert.match(lines, /"damage"/);
  } finally {
    await Deno.remove(target, { recursive: true });
  }
}

async function isReportedWhileIdle(): Promise<void> {
  await using test = await ServerUnderTest.start();
  const { pack } = await publish(test);
  const whole = Deno.readFileSync(pack);
  Deno.truncateSync(pack, 1000);
  const [notice] = await notices(test, 1);
  assert.match(notice?.problem ?? "", /pack: it has 1000 bytes instead of/);
  Deno.writeFileSync(pack, whole);
  await notices(test, 0);
  await arm(test);
}

/** Publishes 8 MiB of incompressible data, in several pieces. Returns the paths of its files. */
async function publish(test: ServerUnderTest): Promise<{ pack: string; version: string }> {
  const root = `${test.folder}/tree`;
  Deno.mkdirSync(root);
  for (const name of ["a", "b", "c", "d"]) Deno.writeFileSync(`${root}/${name}`, randomBytes(2 << 20));
  await test.publish("web", { root });
  const [entry] = [...Deno.readDirSync(`${test.data}/packs`)].filter(({ name }) => name.endsWith(".pack"));
  return { pack: `${test.data}/packs/${entry?.name}`, version: `${test.data}/versions/web@1` };
}

async function arm(test: ServerUnderTest): Promise<string> {
  await test.client.put("/nodes/n1", { body: {}, schema: NodeView });
  return (await test.deploy(["n1"]))[0] ?? "";
}

/** Waits until there are `count` notices, and returns them. */
async function notices(test: ServerUnderTest, count: number): Promise<Notice[]> {
  return await waitFor(`${count} notices`, async () => {
    const found = await (await test.client.send("GET", "/notices")).json() as Notice[];
    return found.length === count && found;
  }, { everyMs: 200 });
}
