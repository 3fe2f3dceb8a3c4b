import assert from "node:assert/strict";
import { AuditLog } from "../../store/audit_log.ts";
import { Deployments } from "../../store/deployments.ts";
import { HardwareRecords } from "../../store/hardware_records.ts";
import { NodeHistory } from "../../store/node_history.ts";
import { Nodes } from "../../store/nodes.ts";
import { MACHINE_INVENTORY } from "../../../test/support/inventory.ts";
import { BootLog } from "./boot_log.ts";
import { NodeTimeline } from "./node_timeline.ts";
import { emptyDatabase } from "../../store/testing/test_database.ts";

const MAC = "52:54:00:00:00:17";

/** Real records; each act takes a minute, and what it does happens in its middle. */
function open() {
  const db = emptyDatabase(), clock = { ms: Date.parse("2026-06-30T12:00:00Z") };
  const now = () => clock.ms;
  const audit = new AuditLog(db, { now }), nodes = new Nodes(db, { now });
  const deployments = new Deployments(db, { now }), history = new NodeHistory(db);
  const boots = new BootLog(history, { now }), hardware = new HardwareRecords(db);
  const act = <T>(who: string, action: string, work: () => T, names = ["n17"]): T => {
    const begun = audit.begin({
      who,
      role: "operator",
      address: "10.0.0.9",
      action,
      nodes: names,
      images: [],
    });
    clock.ms += 30_000;
    const result = work();
    clock.ms += 30_000;
    begun.end({ result: "done", status: 200 });
    return result;
  };
  const timeline = new NodeTimeline({ history, audit });
  const life = (after?: string) => [...timeline.items(nodes.get("n17"), { after })];
  const inWords = () =>
    life().map(({ entry: { kind, result, by, image } }) =>
      [kind, result, by, image].filter(Boolean).join(" ")
    );
  return { clock, audit, nodes, deployments, boots, hardware, act, life, inWords, now };
}

/** Bob wipes node 17, after Anna had set it up and installed it. */
function lived() {
  const site = open(), { clock, nodes, deployments, boots, hardware, act } = site;
  const { id } = act("anna", "node.set", () => nodes.put("n17", { mac: MAC }));
  const install = (who: string, version: number) => {
    const { secrets } = act(who, "node.deploy", () => deployments.arm([id], { image: "web", version }));
    boots.note(nodes.get(id), { image: `web@${version}` });
    clock.ms += 60_000;
    const { assignment } = deployments.enrol(secrets.get(id) ?? "") ?? assert.fail();
    clock.ms += 60_000;
    return assignment;
  };
  const first = install("anna", 1);
  const installed = deployments.report(first, { step: "finish", state: "done", elapsedMs: 1 });
  clock.ms += 60_000;
  deployments.report(installed, { step: "first-boot", state: "done", elapsedMs: 1, message: "up as n17" });
  clock.ms += 60_000;
  hardware.add(id, {
    at: new Date(clock.ms).toISOString(),
    changes: ["a disk is gone"],
    inventory: MACHINE_INVENTORY,
  });
  clock.ms += 60_000;
  const second = install("bob (token ci)", 2);
  const problem = { title: "cannot format", status: 500, detail: "no", remedy: "look" };
  deployments.report(second, { step: "format", state: "failed", elapsedMs: 1, problem });
  return { ...site, id };
}

Deno.test("a node's life is one list, newest first, each order with who gave it", () => {
  const { inWords, life } = lived();
  assert.deepEqual(inWords(), [
    "boot done web@2",
    "deployment failed bob (token ci) web@2",
    "hardware done",
    "first-boot done web@1",
    "boot done web@1",
    "deployment done anna web@1",
    "settings done anna",
  ]);
  const wiped = life()[1]?.entry;
  assert.deepEqual([wiped?.step, wiped?.problem?.remedy, wiped?.action], ["format", "look", "node.deploy"]);
  assert.equal(Date.parse(wiped?.ended ?? "") - Date.parse(wiped?.began ?? ""), 60_000);
  assert.ok(!JSON.stringify(life()).includes("10.0.0.9"), "the address of who ordered it is the audit log's");
});

Deno.test("page by page it is the same list, whatever happens meanwhile", () => {
  const { life, act } = lived();
  const all = life().map(({ entry }) => entry), paged = [];
  let after: string | undefined;
  for (;;) {
    const [item] = life(after);
    if (!item) break;
    paged.push(item.entry);
    after = item.key;
    act("carl", "node.cancel", () => {});
  }
  assert.deepEqual(paged, all);
});

Deno.test("what was ordered and did nothing is listed, too, and of other nodes nothing", () => {
  const { audit, act, inWords } = lived();
  audit.begin({ who: "eve", address: "::1", action: "node.deploy", nodes: ["n17"], images: ["db"] })
    .end({ result: "refused", status: 403 });
  act("anna", "node.deploy", () => {}, ["n18"]);
  act("anna", "node.recovery-key", () => {});
  assert.deepEqual(inWords().slice(0, 3), [
    "recovery-key done anna",
    "deployment refused eve db",
    "boot done web@2",
  ]);
});

Deno.test("an order that replaces another one, or is cancelled, ends it", () => {
  const { deployments, nodes, act, clock, inWords } = open();
  const { id } = nodes.put("n17", {});
  clock.ms += 1000;
  act("anna", "node.deploy", () => deployments.arm([id], { image: "web", version: 1 }));
  const restore = { keep: [], dryRun: true };
  act("bob", "node.restore", () => deployments.arm([id], { image: "web", version: 1, restore }));
  act("carl", "node.cancel", () => deployments.cancel(id));
  assert.deepEqual(
    inWords(),
    [
      "cancel done carl",
      "dry-run cancelled bob web@1",
      "deployment cancelled anna web@1",
      "settings done",
    ].filter((line) => !line.startsWith("settings")),
  );
});

Deno.test("requests of one boot are one boot, and boots do not push out what was ordered", () => {
  const { clock, nodes, boots, inWords } = lived();
  for (let boot = 0; boot < 150; boot++) {
    clock.ms += 90_000;
    boots.note(nodes.get("n17"), undefined);
    clock.ms += 5000;
    boots.note(nodes.get("n17"), undefined);
  }
  const words = inWords();
  assert.equal(words.filter((line) => line.startsWith("boot")).length, 100);
  assert.ok(words.includes("deployment done anna web@1"));
});
