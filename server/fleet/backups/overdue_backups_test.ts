import assert from "node:assert/strict";
import { OverdueBackups } from "./overdue_backups.ts";

const HOUR = 3_600_000;
const DAILY = { name: "n1", image: "n1", everySeconds: 86_400 };
const at = (hours: number) => ({ image: "n1", created: new Date(hours * HOUR).toISOString() });

Deno.test("a daily backup is overdue after a day and a half, and named once until the next backup", () => {
  const overdue = new OverdueBackups();
  const check = (hours: number, versions: ReturnType<typeof at>[]) =>
    overdue.check([DAILY], { versions, nowMs: hours * HOUR });
  assert.deepEqual(check(36, [at(0)]), []);
  assert.deepEqual(check(37, [at(0)]), ["n1"]);
  assert.deepEqual(check(38, [at(0)]), []);
  assert.deepEqual(overdue.nodes, ["n1"]);
  assert.deepEqual(check(39, [at(0), at(38)]), []);
  assert.deepEqual(overdue.nodes, []);
  assert.deepEqual(check(75, [at(0), at(38)]), ["n1"]);
});

Deno.test("a node without any backup is late from the time that its schedule was set", () => {
  const overdue = new OverdueBackups();
  const check = (hours: number, everySeconds: number | undefined = 86_400) =>
    overdue.check([{ name: "n1", image: "n1", everySeconds }], { versions: [], nowMs: hours * HOUR });
  assert.deepEqual(check(1000), []);
  assert.deepEqual(check(1030), []);
  assert.deepEqual(check(1037), ["n1"]);
  overdue.check([{ name: "n1", image: "n1", everySeconds: undefined }], { versions: [], nowMs: 1038 * HOUR });
  assert.deepEqual(overdue.nodes, []);
  assert.deepEqual(check(1039), []);
});

Deno.test("a backup every minute has time for another attempt", () => {
  const overdue = new OverdueBackups();
  const node = { name: "n1", image: "n1", everySeconds: 60 };
  const check = (ms: number) => overdue.check([node], { versions: [at(0)], nowMs: ms });
  assert.deepEqual(check(16 * 60_000), []);
  assert.deepEqual(check(16 * 60_000 + 1), ["n1"]);
});
