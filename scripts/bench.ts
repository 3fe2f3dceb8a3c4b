/**
 * Runs benches. Each compares the product with a named peer in the same run, or with a limit (its "bar"), and prints
 * the ratio. The exit code is 1 if a bar is missed.
 *
 *     deno task bench [NAME…] [OPTION…]
 *
 * Without a name, the short benches run one after the other. Options are passed to every named bench. To see what a
 * bench measures and which options it takes, run `deno task bench NAME --help`.
 */
import { installDebianPackages } from "./setup.ts";

/** Name → default options. */
const SHORT: Readonly<Record<string, readonly string[]>> = {
  extract: [],
  capture: [],
  swarm: ["--engines", "ours,aria2", "--nodes", "1,4"],
  initramfs: [],
};
/** These run only by name. */
const LONG = [
  ...["recapture", "check", "racks", "install", "plot", "tracker", "heartbeats", "simulate"],
  ...["layouts", "faults", "flood", "fuzz", "desk", "fleet", "boot", "boot-storm", "agent-start", "failover"],
  ...["field", "store", "per-core"],
];

const scriptOf = (name: string) =>
  new URL(`./bench/${name.replaceAll("-", "_")}.ts`, import.meta.url).pathname;

async function main(args: readonly string[]): Promise<number> {
  const known = [...Object.keys(SHORT), ...LONG].filter(exists);
  const end = args.findIndex((argument) => !known.includes(argument));
  const names = end < 0 ? args : args.slice(0, end);
  const options = end < 0 ? [] : args.slice(end);
  const wantsHelp = options.includes("--help");
  if (wantsHelp) {
    const path = (name: string) => name === "" ? new URL(import.meta.url).pathname : scriptOf(name);
    for (const name of names.length > 0 ? names : [""]) console.log(await headOf(path(name)));
    if (names.length === 0) console.log(`\nBenches: ${known.join(", ")}.`);
    return 0;
  }
  if (names.length === 0 && options.length > 0) {
    console.error(`error: there is no bench ${options[0]}. Remedy: choose one of ${known.join(", ")}.`);
    return 2;
  }
  await installDebianPackages();
  let failed = false;
  for (const name of names.length > 0 ? names : Object.keys(SHORT)) {
    // Standard output holds nothing but a bench's JSON or plot.
    console.error(`== ${name}`);
    if (!await run(name, options.length > 0 ? options : SHORT[name] ?? [])) failed = true;
  }
  return failed ? 1 : 0;
}

/** Runs a bench. Signals are passed on to it, and it gets the time to clean up. */
async function run(name: string, options: readonly string[]): Promise<boolean> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", scriptOf(name), ...options],
    stdout: "inherit",
    stderr: "inherit",
  }).spawn();
  let ended = false;
  const signals = ["SIGINT", "SIGTERM"] as const;
  const listeners = signals.map((signal) =>
    [signal, () => {
      ended = true;
      child.kill(signal);
    }] as const
  );
  for (const [signal, listener] of listeners) Deno.addSignalListener(signal, listener);
  const { success } = await child.status;
  for (const [signal, listener] of listeners) Deno.removeSignalListener(signal, listener);
  if (ended) Deno.exit(130);
  return success;
}

/** The comment at the top of a script, which describes it. */
async function headOf(path: string): Promise<string> {
  const comment = /\/\*\*\n(.*?)\n? \*\//s.exec(await Deno.readTextFile(path))?.[1] ?? "";
  return comment.replaceAll(/^ \* ?/gm, "");
}

function exists(name: string): boolean {
  try {
    return Deno.statSync(scriptOf(name)).isFile;
  } catch {
    return false;
  }
}

if (import.meta.main) Deno.exit(await main(Deno.args));
