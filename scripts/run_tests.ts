/**
 * `deno task test`: installs what the tests need, builds the product, runs every test and every example in a
 * docstring, and ends with the names of the failed ones and one line of counts. Arguments are passed on to `deno test` ("boot/dhcp", "--filter …");
 * without them, the tests in virtual machines run beside the others, since they mostly wait for one emulated processor.
 */
import { ensureProduct } from "./build.ts";
import { installDebianPackages } from "./setup.ts";

const MACHINES = ["test/network", "test/vm", "test/volumes"];
/** As `exclude` in deno.json, which --ignore replaces. */
const NO_SOURCES = ["dist", ".cache"];

const missing = await installDebianPackages();
if (missing.length > 0) {
  console.log(`missing Debian packages: ${missing.join(" ")}; tests that need them are skipped`);
}
await ensureProduct();

const started = performance.now();
const runs = Deno.args.length > 0 ? [await runTests(Deno.args)] : await Promise.all([
  runTests(MACHINES, { prefix: "vm| ", isNice: true }),
  runTests([`--ignore=${[...NO_SOURCES, ...MACHINES].join()}`]),
]);
const total = (key: keyof Counts) => runs.reduce((sum, { counts }) => sum + counts[key], 0);
console.log(`tests took ${minutesSince(started)} minutes`);
for (const name of runs.flatMap(({ failures }) => failures)) console.log(`failed: ${name}`);
console.log(`${total("passed")} passed, ${total("failed")} failed, ${total("skipped")} skipped`);
Deno.exit(runs.find(({ code }) => code !== 0)?.code ?? 0);

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

interface TestRun {
  code: number;
  counts: Counts;
  /** "a sentence => ./test/x_test.ts:7:6" */
  failures: string[];
}

/**
 * Runs the tests, passes their output through line by line, and reads the counts from the last line and the failures from
 * the list above it. `isNice`: they leave the processor to others, among which are tests that take time.
 */
async function runTests(
  args: string[],
  { prefix = "", isNice = false }: { prefix?: string; isNice?: boolean } = {},
): Promise<TestRun> {
  const begun = performance.now();
  const argv = [Deno.execPath(), "test", "-A", "--no-check", "--doc", ...args];
  const [program = "", ...rest] = isNice ? ["nice", "-n", "10", ...argv] : argv;
  const child = new Deno.Command(program, {
    args: rest,
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  let counts: Counts | undefined;
  let failures: string[] | undefined;
  let unfinished = "";
  const show = (line: string) => {
    console.log(prefix + line);
    counts = closingLine(line) ?? counts;
    if (line === " FAILURES ") failures = [];
    else if (/ => \S+:\d+:\d+$/.test(line)) failures?.push(line);
  };
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    const lines = (unfinished + text).split("\n");
    unfinished = lines.pop() ?? "";
    lines.forEach(show);
  }
  if (unfinished !== "") show(unfinished);
  const { code } = await child.status;
  console.log(`${prefix}deno test ${args.join(" ")}: ${minutesSince(begun)} minutes, exit ${code}`);
  return {
    code: counts ? code : code || 1,
    counts: counts ?? { passed: 0, failed: 0, skipped: 0 },
    failures: failures ?? [],
  };
}

function minutesSince(start: number): string {
  return ((performance.now() - start) / 60_000).toFixed(1);
}

/** "ok | 12 passed (3 steps) | 0 failed | 1 ignored (2s)" */
function closingLine(text: string): Counts | undefined {
  const match = /^(?:ok|FAILED) \| (\d+) passed.*? \| (\d+) failed/.exec(text);
  if (!match) return undefined;
  const ignored = /\| (\d+) ignored/.exec(text)?.[1] ?? "0";
  return { passed: Number(match[1]), failed: Number(match[2]), skipped: Number(ignored) };
}
