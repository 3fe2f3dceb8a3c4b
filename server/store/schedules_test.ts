import assert from "node:assert/strict";
import { openDatabase } from "./database.ts";
import { EveryBoots } from "./every_boot.ts";
import { type ScheduleRecord, Schedules } from "./schedules.ts";
import { emptyDatabase } from "./testing/test_database.ts";

const SECRET = "correct horse battery";
const RECORD: ScheduleRecord = {
  name: "lab",
  nodes: ["@lab"],
  order: { work: "deploy", image: "web", passphrase: SECRET },
  cron: "0 3 * * *",
  zone: "Europe/Vienna",
  windows: ["22:00-05:00"],
  batch: 2,
  by: { name: "anna", user: "anna", role: "operator" },
  created: "2026-06-01T12:00:00.000Z",
  paused: false,
  lookedMs: 1,
};

/** A database in a folder of its own, and the folder's keys. */
async function withFolder(work: (folder: string, keys: { keys: string }) => void): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "rackseed-schedules-" });
  try {
    work(folder, { keys: folder });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("a schedule is kept as it was set, and its passphrase is sealed and not listed", () =>
  withFolder((folder, keys) => {
    using db = openDatabase(`${folder}/a.db`);
    const schedules = new Schedules(db, keys);
    schedules.add(RECORD);
    const { passphrase: _, ...order } = RECORD.order as typeof RECORD.order & { passphrase?: string };
    assert.deepEqual(new Schedules(db, keys).list(), [{ ...RECORD, order, hasPassphrase: true }]);
    assert.equal(schedules.passphrase("lab"), SECRET);
    db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    assert.equal(
      new TextDecoder("latin1").decode(Deno.readFileSync(`${folder}/a.db`)).includes(SECRET),
      false,
    );
    const { name, created: _c, paused: _p, ...terms } = RECORD;
    schedules.change(name, { ...terms, cron: "@daily", order });
    assert.deepEqual(schedules.list(), [{ ...RECORD, cron: "@daily", order }]);
    assert.equal(schedules.passphrase("lab"), undefined);
  }));

Deno.test("the passphrase of a restore at every boot is sealed", () =>
  withFolder((folder, keys) => {
    using db = openDatabase(`${folder}/a.db`);
    const everyBoots = new EveryBoots(db, keys);
    const record = { node: "1", terms: { image: "web" }, by: "anna", since: "2026-06-01T12:00:00.000Z" };
    everyBoots.put(record, { passphrase: SECRET });
    assert.equal(everyBoots.of("1"), undefined, "the old order holds until the transaction is done");
    everyBoots.refresh("1");
    assert.deepEqual(everyBoots.of("1"), record);
    assert.equal(everyBoots.passphrase("1"), SECRET);
    db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    assert.equal(
      new TextDecoder("latin1").decode(Deno.readFileSync(`${folder}/a.db`)).includes(SECRET),
      false,
    );
  }));

Deno.test("runs are kept with their nodes, the latest twenty of a schedule, and go with it", () => {
  using db = emptyDatabase();
  const schedules = new Schedules(db, { keys: "/nonexistent" });
  schedules.add({ ...RECORD, order: { work: "restore" } });
  const run = {
    schedule: "lab",
    cause: "time" as const,
    planned: "2026-06-02T03:00:00.000Z",
    order: { work: "restore" as const },
    parts: [{ node: "b", name: "n2", state: "waiting" as const }, {
      node: "a",
      name: "n1",
      state: "waiting" as const,
    }],
  };
  const number = schedules.begin(run, { lookedMs: 5 });
  assert.equal(schedules.list()[0]?.lookedMs, 5);
  schedules.update(number, [{ node: "a", name: "n1", state: "ordered", handle: "d1", orderedMs: 7 }]);
  assert.deepEqual(schedules.current("lab")?.parts, [
    { node: "b", name: "n2", state: "waiting" },
    { node: "a", name: "n1", state: "ordered", handle: "d1", orderedMs: 7 },
  ]);
  schedules.end(number, { ended: "2026-06-02T04:00:00.000Z", outcome: "stopped", reason: "too many" });
  assert.equal(schedules.current("lab"), undefined);
  for (let i = 0; i < 25; i++) schedules.begin(run, { lookedMs: i });
  const kept = schedules.runs("lab");
  assert.deepEqual([kept.length, kept[0]?.number], [20, number + 25]);
  const { n } = db.prepare("SELECT count(*) AS n FROM schedule_parts").get() as { n: number };
  assert.equal(n, 40);
  schedules.delete("lab");
  assert.deepEqual(schedules.runs("lab"), []);
});
