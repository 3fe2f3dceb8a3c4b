/** `rackseed node check`: a running node compared with its image, by its agent and a real server. */
import assert from "node:assert/strict";
import type { CheckReport } from "#contract/api/checks.ts";
import { NodeView } from "#contract/api.ts";
import { ImageSettings } from "#contract/api/restore.ts";
import { DRIFT_PROGRAMS, DriftingNode, PLANTED } from "./drifting_node.ts";
import { waitFor } from "../support/wait_for.ts";
import { missingForDisks } from "./loop_disk.ts";

const missing = missingForDisks(DRIFT_PROGRAMS);
if (missing) console.log(`skipped: checks of running nodes: ${missing}`);

/** What makes the node itself, and what a running system writes: none of it counts. */
const NO_DRIFT = `
echo other > etc/hostname; echo '10.0.0.9 other' >> etc/hosts
rm -f etc/resolv.conf; echo nameserver 10.0.0.2 > etc/resolv.conf
mkdir -p var/log/app var/lib/systemd/timers var/spool/postfix/private
echo line >> var/log/app/log; touch var/lib/systemd/timers/x
python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("opt/app/data/socket")'
mount -t tmpfs tmpfs opt/app/data; echo hidden > opt/app/data/hidden
mount -t proc proc proc
`;

const counts = ({ result }: CheckReport) => [result?.changed, result?.missing, result?.foreign];
const lines = ({ result }: CheckReport) =>
  (result?.differences ?? []).map(({ what, path, detail }) => `${what} ${path} ${detail ?? ""}`.trim())
    .sort();

Deno.test({
  name: "a node is as its image right after its installation, and then exactly what was changed is found",
  ignore: missing !== undefined,
  async fn() {
    await using node = await DriftingNode.make({ files: 12_000 });
    await using _agent = await node.agent();

    const first = await node.check();
    assert.deepEqual(lines(first), []);
    assert.equal(first.result?.drifted, false);
    assert.ok((first.result?.entries ?? 0) > 12_000, `${first.result?.entries} entries`);
    // one file in 25 is read, since the index of the installation vouches for the others
    const quick = first.result?.readBytes ?? 0;
    const whole = await node.check({ check: "content" });
    assert.deepEqual(lines(whole), []);
    assert.ok(
      (whole.result?.readBytes ?? 0) > 3 * quick,
      `${quick} and ${whole.result?.readBytes} bytes read`,
    );

    await node.live(NO_DRIFT);
    assert.deepEqual(lines(await node.check()), []);

    await node.live("umount opt/app/data");
    await node.plant();
    const before = await node.marks();
    const found = await node.check();
    assert.equal(await node.marks(), before);
    const expected = PLANTED.map(([, finding]) => finding).sort();
    const matched = lines(found).map((line, i) => line.startsWith(expected[i] ?? "?") ? expected[i] : line);
    assert.deepEqual(matched, expected);
    assert.deepEqual(counts(found), [23, 2, 3]);
    assert.equal(found.result?.drifted, true);
    assert.equal(found.result?.differences.find(({ path }) => path === "/usr/bin/env")?.package, "coreutils");
    assert.equal(
      found.result?.differences.find(({ path }) => path === "/usr/bin/implant")?.package,
      undefined,
    );

    await keptPaths(node);
    await bySchedule(node);
    await commandLine(node);
    await node.live("chattr -i opt/app/locked");
  },
});

/** Paths that the image or the order keeps do not count, and the threshold says what is drift. */
async function keptPaths(node: DriftingNode): Promise<void> {
  await node.client.put("/images/tree/settings", {
    body: { keep: ["/opt/app"], driftThreshold: 2 },
    schema: ImageSettings,
  });
  const kept = await node.check();
  assert.deepEqual(lines(kept).map((line) => line.split(" ").slice(0, 2).join(" ")), [
    "changed /usr/bin/env",
    "foreign /usr/bin/implant",
  ]);
  assert.equal(kept.result?.drifted, false);
  const strict = await node.check({ keep: ["/usr/bin/env"], threshold: 0 });
  assert.deepEqual([counts(strict), strict.result?.drifted], [[0, 0, 1], true]);
  const { check } = await node.client.get("/nodes/n1", NodeView);
  assert.deepEqual([check?.state, check?.result?.foreign, check?.result?.drifted], ["done", 1, true]);
}

/** A schedule orders the same; its run is done once the node was compared. */
async function bySchedule({ client }: DriftingNode): Promise<void> {
  const before = (await client.call("GET /nodes/:node/check", { node: "n1" })).id;
  const order = { work: "check" as const, keep: ["/usr/bin/env"], threshold: 0 };
  await client.call("POST /schedules", {
    body: { name: "drift", nodes: ["n1"], cron: "0 0 1 1 *", order },
  });
  await client.call("POST /schedules/:schedule/run", { schedule: "drift" });
  const last = await waitFor(
    "the run to end",
    async () => (await client.call("GET /schedules/:schedule", { schedule: "drift" })).last,
    { timeoutMs: 60_000, everyMs: 50 },
  );
  assert.deepEqual([last.outcome, last.nodes.done], ["done", 1]);
  const { id, result } = await client.call("GET /nodes/:node/check", { node: "n1" });
  assert.notEqual(id, before);
  assert.deepEqual([result?.foreign, result?.drifted], [1, true]);
  await client.call("DELETE /schedules/:schedule", { schedule: "drift" });
}

/** The command orders, waits, prints, and fails for a node that has drifted. */
async function commandLine({ test: { server } }: DriftingNode): Promise<void> {
  const main = new URL("../../main.ts", import.meta.url).pathname;
  const run = async (...args: string[]) => {
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", main, "node", ...args],
      env: { RACKSEED_SERVER: server.urls.server, RACKSEED_TOKEN: server.token },
    }).output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    return { code, stdout: text(stdout), stderr: text(stderr) };
  };
  const checked = await run("check", "--keep", "/usr/bin/env");
  assert.equal(checked.code, 0, checked.stderr);
  assert.match(
    checked.stdout,
    /^n1: 1 foreign \(tree@1, \d+ entries\)\n {2}foreign {2}\/usr\/bin\/implant\n$/,
  );
  const strict = await run("check", "n1", "--threshold", "0");
  assert.equal(strict.code, 1);
  assert.match(strict.stdout, /changed {2}\/usr\/bin\/env {2}\(content: .*; package coreutils\)/);
  assert.match(strict.stderr, /drifted: n1/);
  const last = await run("check", "--last", "--json");
  assert.equal(JSON.parse(last.stdout)[0].result.changed, 1);
  assert.match((await run("list")).stdout, /1 changed, 1 foreign/);
  assert.match((await run("show", "n1")).stdout, /^Drift: +1 changed, 1 foreign \(tree@1, /m);
}
