/**
 * Faults reported against other systems, each as an input to this one with the right result. The tables are in files
 * by subject; `testReports` makes each row a test.
 */
import assert from "node:assert/strict";

interface Report<Input, Value> {
  /** Where it was reported: `rear/rear#1564`, `Debian #834974`, `LP #1642298`, `CVE-2024-47211`. */
  readonly report: string;
  /** What the reporter saw, in one sentence. */
  readonly fault: string;
  readonly input: Input;
  readonly right: Value;
}

/** `judge` is the code under test: its result for a row's input must equal the row's `right`. */
export function testReports<Input, Value>(
  judge: (input: Input) => Value | Promise<Value>,
  reports: readonly Report<Input, Value>[],
): void {
  for (const { report, fault, input, right } of reports) {
    Deno.test(`reported elsewhere, ${report}: ${fault}`, async () => {
      assert.deepEqual(await judge(input), right);
    });
  }
}
