import assert from "node:assert/strict";
import { isWithin, parseDailyHours } from "./daily_hours.ts";

Deno.test("hours have a beginning that belongs to them, an end that does not, and may cross midnight", () => {
  const at = (hour: number, minute = 0) => new Date(2026, 10, 30, hour, minute);
  const day = parseDailyHours("08:00-18:30"), night = parseDailyHours("22:00-06:00");
  assert.deepEqual([at(7, 59), at(8), at(18, 29), at(18, 30)].map((time) => isWithin(day, time)), [
    false,
    true,
    true,
    false,
  ]);
  assert.deepEqual([at(21, 59), at(22), at(0), at(5, 59), at(6)].map((time) => isWithin(night, time)), [
    false,
    true,
    true,
    true,
    false,
  ]);
});

Deno.test("hours of another form, or without length, are refused", () => {
  for (
    const text of ["", "22-6", "24:00-06:00", "22:60-06:00", "22:00-22:00", "22:00-06:00 ", "2:00-06:00"]
  ) {
    assert.throws(() => parseDailyHours(text), RangeError, text);
  }
});
