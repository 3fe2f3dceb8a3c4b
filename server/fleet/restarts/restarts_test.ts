import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { RestartAbility, StepReport } from "#contract/api.ts";
import { Deployments } from "../../store/deployments.ts";
import { Nodes } from "../../store/nodes.ts";
import { Templates } from "../../store/templates.ts";
import { Bell } from "../bell.ts";
import type { BootFile } from "../ports.ts";
import { restartRefusal } from "./restart_refusal.ts";
import { Restarts } from "./restarts.ts";
import { isSignedKernel } from "./signed_kernel.ts";
import { emptyDatabase } from "../../store/testing/test_database.ts";

const MAC = "52:54:00:00:00:01";
const ABLE: RestartAbility = { macs: [MAC], signedOnly: false, availableBytes: 1 << 30 };
const KERNEL = new TextEncoder().encode("the kernel"), INITRAMFS = new TextEncoder().encode("the initramfs");

function bootFile(bytes: Uint8Array): BootFile {
  return {
    sizeBytes: bytes.length,
    read(offset, into) {
      const part = bytes.subarray(offset, offset + into.length);
      into.set(part);
      return part.length;
    },
  };
}

/** A node n1 whose agent runs, in a real database. */
function open() {
  const db = emptyDatabase();
  const clock = { ms: Date.parse("2026-06-30T12:00:00Z") }, now = () => clock.ms;
  const nodes = new Nodes(db, { now }), deployments = new Deployments(db, { now });
  const templates = new Templates(db, { now });
  const { id } = nodes.put("n1", { mac: MAC });
  templates.announce({ name: "n1", lacks: [], restart: ABLE }, { address: "10.0.0.7" });
  const ended: string[] = [];
  const files = new Map([["images/web@3/vmlinuz", KERNEL], ["images/web@3/initramfs", INITRAMFS]]);
  const restarts = new Restarts({
    attestations: { isRequired: ({ settings }) => settings.requireTpm === "on" },
    nodes,
    deployments,
    templates,
    encryption: { end: (node: string) => void ended.push(node) },
    installer: () => ({
      server: "https://10.0.0.1:8443",
      file: (name) => {
        const bytes = files.get(name);
        return bytes && bootFile(bytes);
      },
      parameters: ({ token, mac }) => `rackseed.token=${token} rackseed.mac=${mac}`,
    }),
    bell: new Bell(),
    pin: "p".repeat(43),
    onChange: () => {},
    now,
  });
  const arm = (more: object = { now: true as const }) => {
    const { deployment } = deployments.arm([id], { image: "web", version: 3, ...more });
    restarts.begin(deployment, id);
    return deployment;
  };
  const state = () => deployments.progress(id).assignment?.state;
  const report = (): StepReport | undefined => deployments.progress(id).report;
  return { clock, nodes, deployments, templates, restarts, files, ended, id, arm, state, report };
}

Deno.test("the agent's order has the hashes of both files and a boot token that is good once", async () => {
  const { deployments, restarts, arm, report, state } = open();
  const deployment = arm();
  assert.equal(report()?.message, "waits for the agent that runs on it");
  const order = await restarts.orderFor("n1") ?? assert.fail();
  const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
  assert.deepEqual(
    [order.restart, order.node, order.purpose, order.mac, order.server],
    [deployment, "n1", "overwritten with web@3", MAC, "https://10.0.0.1:8443"],
  );
  assert.deepEqual([order.kernel.sha256, order.initramfs.sha256], [sha256(KERNEL), sha256(INITRAMFS)]);
  assert.equal(report()?.message, "its agent loads the installer");
  // an agent that lost the answer asks again
  assert.ok(await restarts.orderFor("n1"));
  restarts.report("n1", { state: "done", elapsedMs: 5000, message: "the system stops" });
  assert.deepEqual([report()?.step, report()?.state, state()], ["restart", "done", "armed"]);
  assert.equal(await restarts.orderFor("n1"), undefined);
  const secret = /token=rs1\.p+\.(\S+)/.exec(order.parameters)?.[1] ?? "";
  assert.equal(deployments.enrol(secret)?.assignment.deployment, deployment);
  assert.equal(deployments.enrol(secret), undefined);
  assert.throws(() => restarts.imageOf("n1"), { status: 409 });
});

Deno.test("an order that is not for now is no order for the agent", async () => {
  const { restarts, deployments, id } = open();
  deployments.arm([id], { image: "web", version: 3 });
  assert.equal(await restarts.orderFor("n1"), undefined);
  restarts.announced("n1");
  assert.throws(() => restarts.report("n1", { state: "failed", elapsedMs: 1 }), { status: 409 });
  assert.equal(deployments.progress(id).assignment?.state, "armed");
});

Deno.test("an agent whose order was cancelled meanwhile does not stop its system", async () => {
  const { restarts, deployments, id, arm } = open();
  arm();
  assert.ok(await restarts.orderFor("n1"));
  deployments.cancel(id);
  assert.throws(() => restarts.imageOf("n1"), { status: 409 });
  assert.throws(() => restarts.report("n1", { state: "done", elapsedMs: 1 }), /it was cancelled/);
});

Deno.test("a restart that fails disarms the node: its disk must not be overwritten at some later boot", () => {
  const problem = { title: "cannot restart n1", detail: "no memory.", remedy: "r.", status: 409 };
  type Bench = ReturnType<typeof open>;
  const cases: [what: string, happens: (bench: Bench) => void, says: RegExp][] = [
    [
      "its agent refuses",
      ({ restarts }) => restarts.report("n1", { state: "failed", elapsedMs: 1, problem }),
      /no memory/,
    ],
    [
      "its own system starts again",
      ({ restarts }) => {
        restarts.report("n1", { state: "done", elapsedMs: 1 });
        restarts.announced("n1");
      },
      /its own system started again/,
    ],
    [
      "its agent does not load it",
      ({ restarts, clock }) => {
        clock.ms += 9 * 60_000;
        restarts.tick();
        clock.ms += 60_000;
        restarts.tick();
      },
      /its agent has not reported for 10 min/,
    ],
    [
      "the installer does not start",
      ({ restarts, clock }) => {
        restarts.report("n1", { state: "done", elapsedMs: 1 });
        clock.ms += 29 * 60_000;
        restarts.tick();
        clock.ms += 60_000;
        restarts.tick();
      },
      /the installer has not reported for 30 min/,
    ],
  ];
  for (const [what, happens, says] of cases) {
    const bench = open();
    bench.arm();
    const secret = bench.deployments.issueBootSecret(bench.id) ?? "";
    assert.equal(bench.state(), "armed", what);
    happens(bench);
    assert.equal(bench.state(), "failed", what);
    assert.match(bench.report()?.problem?.detail ?? "", says, what);
    assert.equal(bench.deployments.ofBootSecret(secret), undefined, what);
    assert.deepEqual(bench.ended, [bench.id], what);
  }
});

Deno.test("a node that installs is not disturbed by its agent's restart", () => {
  const { restarts, deployments, id, arm, clock, state } = open();
  arm();
  deployments.enrol(deployments.issueBootSecret(id) ?? "");
  clock.ms += 60 * 60_000;
  restarts.tick();
  restarts.announced("n1");
  assert.equal(state(), "installing");
});

Deno.test("all nodes are refused, before any is armed, if one of them cannot restart", () => {
  const { nodes, restarts, id } = open();
  const other = nodes.put("n2", {});
  const version = { image: "web", version: 3 };
  restarts.prove([nodes.get(id)], version);
  assert.throws(() => restarts.prove([nodes.get(id), other], version), {
    status: 409,
    message: /cannot restart n2 into the installer: no agent runs on it.*rackseed node agent n2/,
  });
  assert.throws(() => restarts.prove([nodes.get(id)], { image: "web", version: 4 }), /no sound kernel/);
  const mustProve = nodes.put("n1", { ...nodes.get(id).settings, requireTpm: "on" });
  assert.throws(() => restarts.prove([mustProve], version), /its TPM must prove what it runs/);
});

Deno.test("what a node's agent has announced decides whether it can restart", () => {
  const loaded = { image: "web@3", isSigned: false, sizeBytes: 100 << 20 };
  const node = { name: "n1", settings: { mac: MAC } };
  const obstacle = { reason: "it is a container.", remedy: "r." };
  const cases: [what: string, machine: object | undefined, says: RegExp | undefined][] = [
    ["able", { restart: ABLE }, undefined],
    ["offline", { restart: ABLE, online: false }, /its agent is not connected/],
    ["no agent", undefined, /no agent runs on it/],
    ["an old agent", {}, /earlier release/],
    ["an obstacle", { restart: { ...ABLE, obstacle } }, /container/],
    ["another NIC", { restart: { ...ABLE, macs: ["52:54:00:00:00:09"] } }, /over 52:54:00:00:00:09, and not/],
    ["Secure Boot", { restart: { ...ABLE, signedOnly: true } }, /the kernel of web@3 is not signed/],
    ["no memory", { restart: { ...ABLE, availableBytes: 347 << 20 } }, /348 MiB of free memory.*has 347 MiB/],
  ];
  for (const [what, parts, says] of cases) {
    const machine = parts && { online: true, ...parts };
    const refusal = restartRefusal(node, { machine, loaded });
    if (says === undefined) assert.equal(refusal, undefined, what);
    else assert.match(refusal?.reason ?? "", says, what);
  }
  const signed = {
    machine: { online: true, restart: { ...ABLE, signedOnly: true } },
    loaded: { ...loaded, isSigned: true },
  };
  assert.equal(restartRefusal(node, signed), undefined);
  assert.equal(
    restartRefusal({ name: "n1", settings: {} }, { machine: { online: true, restart: ABLE }, loaded }),
    undefined,
  );
});

Deno.test("a kernel counts as signed if its PE header has a certificate table", () => {
  const header = (size: number, magic = 0x20b) => {
    const bytes = Buffer.alloc(1024), pe = 0x80;
    bytes.writeUInt32LE(pe, 0x3c);
    bytes.writeUInt32LE(0x4550, pe);
    bytes.writeUInt16LE(magic, pe + 24);
    bytes.writeUInt32LE(0x1000, pe + 24 + 112 + 32);
    bytes.writeUInt32LE(size, pe + 24 + 112 + 36);
    return bytes;
  };
  assert.equal(isSignedKernel(header(1500)), true);
  for (const none of [header(0), header(1500, 0x10b), header(1500).subarray(0, 200), new Uint8Array(10)]) {
    assert.equal(isSignedKernel(none), false);
  }
});
