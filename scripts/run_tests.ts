/**
 * `deno task test`: installs what the tests need, builds the product, runs every test and every example in a
 * docstring, and ends with one line of counts. Arguments are passed on to `deno test` ("boot/dhcp", "--filter …").
 */
import { ensureProduct } from "./build.ts";
import { installDebianPackages } from "./setup.ts";

const missing = await installDebianPackages();
if (missing.length > 0) {
  console.log(`missing Debian packages: ${missing.join(" ")}; tests that need them are skipped`);
}
await ensureProduct();

const started = performance.now();
const { code, counts } = await runTests(Deno.args);
const minutes = ((performance.now() - started) / 60_000).toFixed(1);
console.log(`tests took ${minutes} minutes`);
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
Deno.exit(code);

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

/** Runs the tests, passes their output through, and reads the counts from the last line. */
async function runTests(args: string[]): Promise<{ code: number; counts: Counts }> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["test", "-A", "--no-check", "--doc", ...args],
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  let counts: Counts | undefined;
  let line = "";
  const decoder = new TextDecoder();
  for await (const chunk of child.stdout) {
    await Deno.stdout.write(chunk);
    const lines = (line + decoder.decode(chunk, { stream: true })).split("\n");
    line = lines.pop() ?? "";
    for (const text of lines) counts = closingLine(text) ?? counts;
  }
  const { code } = await child.status;
  return { code: counts ? code : code || 1, counts: counts ?? { passed: 0, failed: 0, skipped: 0 } };
}

/** "ok | 12 passed (3 steps) | 0 failed | 1 ignored (2s)" */
function closingLine(text: string): Counts | undefined {
  const match = /^(?:ok|FAILED) \| (\d+) passed.*? \| (\d+) failed/.exec(text);
  if (!match) return undefined;
  const ignored = /\| (\d+) ignored/.exec(text)?.[1] ?? "0";
  return { passed: Number(match[1]), failed: Number(match[2]), skipped: Number(ignored) };
}
