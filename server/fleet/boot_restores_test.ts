import assert from "node:assert/strict";
import type { Notice } from "#contract/api.ts";
import { RackseedError } from "#contract/errors.ts";
import { type Act, AuditLog } from "../store/audit_log.ts";
import { Deployments } from "../store/deployments.ts";
import { EveryBoots } from "../store/every_boot.ts";
import { Nodes } from "../store/nodes.ts";
import { BootRestores } from "./boot_restores.ts";
import { emptyDatabase } from "../store/testing/test_database.ts";

const MINUTE_MS = 60_000;

/** A node with an order for every boot, and real records of what became of its deployments. */
class Classroom implements Disposable {
  readonly db = emptyDatabase();
  readonly clock = { ms: Date.parse("2026-06-01T08:00:00Z") };
  readonly #now = () => this.clock.ms;
  readonly nodes = new Nodes(this.db, { now: this.#now });
  readonly deployments = new Deployments(this.db, { now: this.#now });
  readonly audit = new AuditLog(this.db, { now: this.#now });
  everyBoots = new EveryBoots(this.db, { keys: "/nonexistent" });
  readonly notices = new Map<string, Notice>();
  refusal: RackseedError | undefined;
  readonly node = this.nodes.put("n1", { mac: "52:54:00:00:00:01" });

  constructor() {
    const { id } = this.node;
    this.everyBoots.put({ node: id, terms: {}, by: "anna", since: "2026-06-01T08:00:00.000Z" }, {
      passphrase: undefined,
    });
    this.everyBoots.refresh(id);
  }

  /** The machine asks how to boot: whether it is restored. */
  boot(): boolean {
    const { everyBoots, deployments, audit } = this;
    const restores = new BootRestores({
      everyBoots,
      deployments,
      audit,
      orders: {
        restoreAtBoot: ({ id }) => {
          if (this.refusal) throw this.refusal;
          everyBoots.setPassed(id, undefined);
          const { deployment } = deployments.arm([id], { image: "web", version: 1 });
          return { deployment, image: "web@1", nodes: [] };
        },
      },
      notify: (key, notice) => notice ? this.notices.set(key, notice) : this.notices.delete(key),
      now: this.#now,
    });
    return (deployments.active(this.node.id) ?? restores.atBoot(this.node)) !== undefined;
  }

  /** The agent enrols and gets to its end. `reports`: the clone reports its first boot. */
  install({ state = "done", reports = false }: { state?: "done" | "failed"; reports?: boolean } = {}): void {
    const { deployments, node } = this;
    const { assignment } = deployments.enrol(deployments.issueBootSecret(node.id) ?? "") ?? assert.fail();
    const after = deployments.report(assignment, { step: "finish", state, elapsedMs: 1 });
    if (reports) deployments.report(after, { step: "first-boot", state: "done", elapsedMs: 1 });
  }

  wait(minutes: number): void {
    this.clock.ms += minutes * MINUTE_MS;
  }

  [Symbol.dispose](): void {
    this.db.close();
  }
}

Deno.test("each boot restores, but for the restart at the end of a restore", () => {
  using room = new Classroom();
  assert.equal(room.boot(), true);
  room.install({ reports: false });
  room.wait(5);
  assert.equal(room.boot(), false, "the restart leads to the own disk");
  assert.equal(room.boot(), false, "firmware asks again");
  room.wait(2);
  assert.equal(room.boot(), true, "the next boot restores");
});

Deno.test("a clone that has reported is up, so that its next boot restores even if it never asked in between", () => {
  using room = new Classroom();
  assert.equal(room.boot(), true);
  room.install({ reports: true });
  assert.equal(room.boot(), true);
});

Deno.test("a machine that takes long to restart is not restored a second time", () => {
  using room = new Classroom();
  room.boot();
  room.install();
  room.wait(45);
  assert.equal(room.boot(), false);
});

Deno.test("a restore that failed is tried again at the next boot", () => {
  using room = new Classroom();
  room.boot();
  room.install({ state: "failed" });
  assert.equal(room.boot(), true);
});

Deno.test("a backup in between is no restore, and its restart leads to the own disk, too", () => {
  using room = new Classroom();
  room.deployments.arm([room.node.id], { image: "web", version: 1, backup: { level: 9, excludes: [] } });
  assert.equal(room.boot(), true);
  room.install();
  assert.equal(room.boot(), false);
  room.wait(2);
  assert.equal(room.boot(), true);
});

Deno.test("a refused restore lets the machine start from its disk, and is shown until one is ordered again", () => {
  using room = new Classroom();
  room.refusal = new RackseedError("cannot restore n1", {
    reason: "its disk is gone.",
    remedy: "look at it.",
    status: 409,
  });
  assert.equal(room.boot(), false);
  const [notice] = room.notices.values();
  assert.match(
    notice?.problem ?? "",
    /started from its own disk as it was: cannot restore n1: its disk is gone$/,
  );
  const { entries: [entry] } = room.audit.list({ limit: 1 });
  assert.deepEqual([entry?.who, entry?.subject, entry?.outcome?.result], [
    "restore at every boot",
    "ordered by anna",
    "refused",
  ]);
  room.refusal = undefined;
  assert.equal(room.boot(), true);
  assert.equal(room.notices.size, 0);
});

Deno.test("the order, and the boot that was seen, survive a restart of the server; called off, it is gone", () => {
  using room = new Classroom();
  room.boot();
  room.install();
  assert.equal(room.boot(), false);
  room.everyBoots = new EveryBoots(room.db, { keys: "/nonexistent" });
  room.wait(2);
  assert.equal(room.boot(), true);
  room.install({ reports: true });
  assert.equal(room.everyBoots.delete(room.node.id), true);
  room.everyBoots = new EveryBoots(room.db, { keys: "/nonexistent" });
  assert.equal(room.boot(), false);
});

Deno.test("what cannot be recorded is not done: the machine starts from its own disk", () => {
  using room = new Classroom();
  room.audit.begin = (_: Act) => {
    throw new RackseedError("cannot record this action", {
      reason: "full.",
      remedy: "free space.",
      status: 507,
    });
  };
  assert.equal(room.boot(), false);
  assert.equal(room.deployments.active(room.node.id), undefined);
});
