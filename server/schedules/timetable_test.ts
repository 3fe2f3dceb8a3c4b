import assert from "node:assert/strict";
import { GRACE_MS, whatIsDue } from "./due.ts";
import { Timetable } from "./timetable.ts";

const at = (iso: string) => Date.parse(iso);

/** Each "next" is the first time after "after". */
const times: readonly (readonly [what: string, cron: string, zone: string, after: string, next: string[]])[] =
  [
    ["on working days only", "0 3 * * 1-5", "Europe/Vienna", "2026-12-04T12:00:00Z", [
      "2026-12-07T02:00:00Z",
      "2026-12-08T02:00:00Z",
    ]],
    ["by a nickname", "@daily", "Asia/Kolkata", "2026-06-01T00:00:00Z", ["2026-06-01T18:30:00Z"]],
    ["strictly after a time of its own", "0 3 * * *", "UTC", "2026-06-01T03:00:00Z", [
      "2026-06-02T03:00:00Z",
    ]],
    ["on the 13th or on a Friday, as cron has it", "0 0 13 * 5", "UTC", "2026-06-10T00:00:00Z", [
      "2026-06-12T00:00:00Z",
      "2026-06-13T00:00:00Z",
    ]],
    ["on leap days", "0 0 29 2 *", "UTC", "2026-06-01T00:00:00Z", ["2028-02-29T00:00:00Z"]],

    // Vienna, 2027-03-28: 02:00 becomes 03:00
    ["after the gap, if its time lies in it", "30 2 * * *", "Europe/Vienna", "2027-03-27T12:00:00Z", [
      "2027-03-28T01:00:00Z",
      "2027-03-29T00:30:00Z",
    ]],
    ["not in the gap, if it follows the clock", "*/30 * * * *", "Europe/Vienna", "2027-03-28T00:15:00Z", [
      "2027-03-28T00:30:00Z",
      "2027-03-28T01:00:00Z",
      "2027-03-28T01:30:00Z",
    ]],
    // Vienna, 2026-10-25: 03:00 becomes 02:00
    ["once, the first time, if it occurs twice", "30 2 * * *", "Europe/Vienna", "2026-10-24T12:00:00Z", [
      "2026-10-25T00:30:00Z",
      "2026-10-26T01:30:00Z",
    ]],
    ["once, if it is in a list", "30 2,14 * * *", "Europe/Vienna", "2026-10-24T20:00:00Z", [
      "2026-10-25T00:30:00Z",
      "2026-10-25T13:30:00Z",
    ]],
    ["in both hours, if it follows the clock", "30 * * * *", "Europe/Vienna", "2026-10-25T00:00:00Z", [
      "2026-10-25T00:30:00Z",
      "2026-10-25T01:30:00Z",
      "2026-10-25T02:30:00Z",
    ]],
    // New York, 2027-03-14 and 2026-11-01
    ["after the gap in New York", "15 2 * * *", "America/New_York", "2027-03-13T12:00:00Z", [
      "2027-03-14T07:00:00Z",
      "2027-03-15T06:15:00Z",
    ]],
    ["once in New York", "30 1 * * *", "America/New_York", "2026-10-31T12:00:00Z", [
      "2026-11-01T05:30:00Z",
      "2026-11-02T06:30:00Z",
    ]],
    // Lord Howe Island sets its clocks by half an hour: 2026-10-04, 02:00 becomes 02:30
    ["after a gap of half an hour", "15 2 * * *", "Australia/Lord_Howe", "2026-10-03T00:00:00Z", [
      "2026-10-03T15:30:00Z",
      "2026-10-04T15:15:00Z",
    ]],
    // Santiago, 2026-09-06: the day begins at 01:00
    ["on a day without a midnight", "0 0 * * *", "America/Santiago", "2026-09-05T12:00:00Z", [
      "2026-09-06T04:00:00Z",
      "2026-09-07T03:00:00Z",
    ]],
  ];

for (const [what, cron, zone, after, next] of times) {
  Deno.test(`a schedule runs ${what}: ${cron}`, () => {
    const timetable = Timetable.parse({ cron, zone });
    const found = timetable.upcoming(at(after), next.length).map((ms) =>
      new Date(ms).toISOString().replace(".000", "")
    );
    assert.deepEqual(found, next);
  });
}

Deno.test("through the years of several zones, times move on, one for each day", () => {
  for (
    const zone of ["Europe/Vienna", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo", "Asia/Beirut"]
  ) {
    for (const cron of ["0 0 * * *", "30 2 * * *", "59 23 * * *"]) {
      const timetable = Timetable.parse({ cron, zone });
      const found = timetable.upcoming(at("2026-01-01T12:00:00Z"), 400);
      assert.equal(found.length, 400);
      const day = new Intl.DateTimeFormat("en-CA", { timeZone: zone });
      assert.equal(new Set(found.map((ms) => day.format(ms))).size, 400, `${cron} in ${zone}`);
      assert.ok(found.every((ms, i) => i === 0 || ms > (found[i - 1] as number)));
    }
  }
});

const refused: readonly (readonly [cron: string, zone: string, says: RegExp])[] = [
  ["0 3 * *", "UTC", /does not have five fields/],
  ["0 0 3 * * *", "UTC", /does not have five fields/],
  ["2026-12-01T03:00:00", "UTC", /does not have five fields/],
  ["61 3 * * *", "UTC", /61/],
  ["0 3 * * FUNDAY", "UTC", /./],
  ["@reboot", "UTC", /five fields/],
  ["0 3 * * *", "Europe/Nowhere", /IANA/],
  ["0 3 * * *", "+02:00", /IANA/],
];

for (const [cron, zone, says] of refused) {
  Deno.test(`refused is "${cron}" in ${zone}`, () => {
    assert.throws(() => Timetable.parse({ cron, zone }), { status: 400, reason: says, remedy: /example/ });
  });
}

Deno.test("a time that never comes has no next", () => {
  assert.equal(
    Timetable.parse({ cron: "0 0 31 2 *", zone: "UTC" }).next(at("2026-01-01T00:00:00Z")),
    undefined,
  );
});

Deno.test("after a year without a server, the last time that passed is found without counting them all", () => {
  const timetable = Timetable.parse({ cron: "*/5 * * * *", zone: "Europe/Vienna" });
  const passed = timetable.passed({ sinceMs: at("2025-06-01T00:00:00Z"), nowMs: at("2026-06-01T00:07:00Z") });
  assert.equal(new Date(passed?.lastMs ?? 0).toISOString(), "2026-06-01T00:05:00.000Z");
  const yearly = Timetable.parse({ cron: "* * 1 1 *", zone: "UTC" });
  const last = yearly.passed({ sinceMs: at("2020-01-01T00:00:00Z"), nowMs: at("2026-06-01T00:00:00Z") })
    ?.lastMs;
  assert.equal(new Date(last ?? 0).toISOString(), "2026-01-01T23:59:00.000Z");
});

Deno.test("a time is kept a little late, missed when it is later, and made up for where that is wanted", () => {
  const timetable = Timetable.parse({ cron: "0 3 * * *", zone: "UTC" });
  const plannedMs = at("2026-06-03T03:00:00Z");
  const due = (nowMs: number, { since = "2026-06-02T12:00:00Z", catchUp = false } = {}) =>
    whatIsDue(timetable, { lookedMs: at(since), nowMs, catchUp });
  assert.deepEqual(due(plannedMs - 1), { kind: "not yet" });
  assert.deepEqual(due(plannedMs), { kind: "now", plannedMs, cause: "time" });
  assert.deepEqual(due(plannedMs + GRACE_MS), { kind: "now", plannedMs, cause: "time" });
  const late = plannedMs + GRACE_MS + 1;
  assert.deepEqual(due(late), { kind: "missed", plannedMs, count: 1 });
  const days = { since: "2026-05-31T12:00:00Z" };
  assert.deepEqual(due(late, days), { kind: "missed", plannedMs, count: 3 });
  assert.deepEqual(due(late, { ...days, catchUp: true }), { kind: "now", plannedMs, cause: "catch-up" });
});
