import assert from "node:assert/strict";
import { Windows } from "./windows.ts";

const at = (iso: string) => Date.parse(iso);

const cases: readonly (readonly [window: string, zone: string, open: string[], closed: string[]])[] = [
  ["22:00-05:00", "UTC", ["2026-06-01T22:00:00Z", "2026-06-02T04:59:59Z"], [
    "2026-06-01T21:59:59Z",
    "2026-06-02T05:00:00Z",
  ]],
  // 2026-06-05 is a Friday
  ["Mon-Fri 22:00-05:00", "UTC", ["2026-06-05T23:00:00Z", "2026-06-06T04:00:00Z"], [
    "2026-06-06T23:00:00Z",
    "2026-06-07T04:00:00Z",
    "2026-06-08T04:00:00Z",
  ]],
  // over the end of the week
  ["Sat 22:00-05:00", "UTC", ["2026-06-06T22:30:00Z", "2026-06-07T04:30:00Z"], ["2026-06-07T22:30:00Z"]],
  ["Fri-Mon 00:00-24:00", "UTC", ["2026-06-05T00:00:00Z", "2026-06-08T23:59:00Z"], ["2026-06-09T00:00:00Z"]],
  ["sat,sun 8:00-18:30", "Europe/Vienna", ["2026-06-06T06:00:00Z", "2026-06-07T16:29:00Z"], [
    "2026-06-06T05:59:00Z",
    "2026-06-07T16:30:00Z",
  ]],
  // the repeated hour: 02:10 comes twice on 2026-10-25
  ["02:00-03:00", "Europe/Vienna", ["2026-10-25T00:10:00Z", "2026-10-25T01:10:00Z"], [
    "2026-10-25T02:10:00Z",
  ]],
];

for (const [window, zone, open, closed] of cases) {
  Deno.test(`the window ${window} in ${zone} is open when it should be, and only then`, () => {
    const windows = new Windows([window], { zone });
    assert.deepEqual(open.filter((time) => !windows.isOpen(at(time))), []);
    assert.deepEqual(closed.filter((time) => windows.isOpen(at(time))), []);
  });
}

const opening: readonly (readonly [what: string, windows: string[], from: string, opens: string])[] = [
  ["later on the same day", ["22:00-05:00"], "2026-06-01T10:00:30Z", "2026-06-01T20:00:00Z"],
  ["at once if it is open", ["22:00-05:00"], "2026-06-01T21:00:30Z", "2026-06-01T21:00:30Z"],
  ["days later", ["Sat 12:00-13:00"], "2026-06-07T12:00:00Z", "2026-06-13T10:00:00Z"],
  [
    "with the first of several",
    ["Sat 12:00-13:00", "Wed 01:00-02:00"],
    "2026-06-07T12:00:00Z",
    "2026-06-09T23:00:00Z",
  ],
  // 2027-03-28: 02:00 becomes 03:00
  ["after the gap", ["02:00-04:00"], "2027-03-27T12:00:00Z", "2027-03-28T01:00:00Z"],
  ["a day later if the gap swallows it", ["02:10-02:50"], "2027-03-27T12:00:00Z", "2027-03-29T00:10:00Z"],
  ["across clocks that are set back", ["Sun 04:00-05:00"], "2026-10-24T20:00:00Z", "2026-10-25T03:00:00Z"],
];

for (const [what, windows, from, opens] of opening) {
  Deno.test(`a window opens ${what}`, () => {
    const found = new Windows(windows, { zone: "Europe/Vienna" }).opens(at(from));
    assert.equal(new Date(found).toISOString().replace(".000", ""), opens);
  });
}

Deno.test("without windows it is always open", () => {
  assert.equal(new Windows(undefined, { zone: "UTC" }).isOpen(at("2026-06-01T10:00:00Z")), true);
});

for (
  const [window, says] of [
    ["22:00-22:00", /never open/],
    ["22:00", /form/],
    ["25:00-26:00", /form/],
    ["22:60-23:00", /form/],
    ["24:00-02:00", /form/],
    ["Mo-Fr 22:00-05:00", /"mo-fr" is no day/],
    ["Mon-Wed-Fri 22:00-05:00", /is no day/],
    ["at night", /form/],
  ] as const
) {
  Deno.test(`refused is the window "${window}"`, () => {
    assert.throws(() => new Windows([window], { zone: "UTC" }), {
      status: 400,
      reason: says,
      remedy: /Mon-Fri 22:00-05:00/,
    });
  });
}
