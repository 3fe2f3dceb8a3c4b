/**
 * Damages the data directory and starts a real server on it, once per fault: a file is emptied, deleted, truncated or
 * gets flipped bytes; the disk is full or read-only; the server is killed while publishing. Afterwards every intact
 * version must be unchanged, and the server must start, or refuse with a remedy. Prints a table by kind of fault.
 * Without root, faults that need mounts are left out.
 *
 *     deno task bench faults [--count N] [--only NUMBER] [--verbose]
 *
 *     --count    number of faults                 (200)
 *     --only     try only the fault of this number
 *     --verbose  print every outcome, not only failures
 */
import { parseArgs } from "node:util";
import { makeBaseStore } from "./faults/base_store.ts";
import { type Fault, faultOf, KINDS } from "./faults/catalogue.ts";
import { type Outcome, rememberPacks, tryFault } from "./faults/trial.ts";

const RESULTS = ["clean start", "started, named", "refused", "wrong"] as const;

function needsRoot({ kind }: Fault): boolean {
  return kind === "full disk" || kind === "read-only";
}

/** Tries faults one after the other. */
export async function* tryFaults(numbers: Iterable<number>): AsyncGenerator<Outcome> {
  await using base = await makeBaseStore();
  rememberPacks(base);
  for (const number of numbers) {
    const fault = faultOf(number);
    if (needsRoot(fault) && Deno.uid() !== 0) continue;
    yield await tryFault(fault, base);
  }
}

function printTable(outcomes: readonly Outcome[]): void {
  const of = (kind: string, result?: string) =>
    outcomes.filter((o) =>
      (kind === "all" || o.fault.kind === kind) && (result === undefined || o.result === result)
    )
      .length;
  const row = (cells: readonly (string | number)[]) =>
    console.log(
      cells.map((cell, i) => i === 0 ? String(cell).padEnd(10) : String(cell).padStart(15)).join(""),
    );
  row(["fault", "tried", ...RESULTS]);
  for (const kind of [...KINDS, "all"]) row([kind, of(kind), ...RESULTS.map((result) => of(kind, result))]);
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      count: { type: "string", default: "200" },
      only: { type: "string" },
      verbose: { type: "boolean", default: false },
    },
  });
  const numbers = values.only === undefined
    ? Array.from({ length: Number(values.count) }, (_, i) => i)
    : [Number(values.only)];
  const outcomes: Outcome[] = [];
  for await (const outcome of tryFaults(numbers)) {
    outcomes.push(outcome);
    const { fault: { number, kind, afterKill }, result, detail } = outcome;
    if (result !== "wrong" && !values.verbose && values.only === undefined) continue;
    console.log(`${number} ${kind}${afterKill ? " after a kill" : ""}: ${result}: ${detail}`);
  }
  printTable(outcomes);
  Deno.exit(outcomes.some(({ result }) => result === "wrong") ? 1 : 0);
}
