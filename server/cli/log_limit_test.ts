import assert from "node:assert/strict";
import type { LogRecord } from "@logtape/logtape";
import { LogLimit } from "./log_limit.ts";

const record = (rawMessage: string, timestamp: number) =>
  ({ category: ["rackseed", "web"], rawMessage, timestamp }) as unknown as LogRecord;

Deno.test("an event that repeats a million times takes 60 lines a minute, and the rest is counted", () => {
  const limit = new LogLimit();
  let lines = 0;
  for (let i = 0; i < 1_000_000; i++) if (limit.pass(record("refused", i % 1000)) !== undefined) lines++;
  assert.equal(lines, 60);
  assert.equal(limit.pass(record("refused", 60_000)), 999_940);
  assert.equal(limit.pass(record("refused", 60_001)), 0);
});

Deno.test("a flood of one event does not suppress others", () => {
  const limit = new LogLimit();
  for (let i = 0; i < 1000; i++) limit.pass(record("refused", i));
  assert.equal(limit.pass(record("enrolled", 1000)), 0);
});
