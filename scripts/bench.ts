/**
 * Benches; each compares ours with a named peer in the same run, or with its bar, and prints the ratio.
 *
 *     deno task bench [NAME…] [OPTION…]
 *
 * Without a name the short ones run one after the other. Options go to every bench that is named; `--help` after
 * a name tells what it measures and takes.
 */
import { installDebianPackages } from "./setup.ts";

/** Name → what it is told where nothing else is. */
const SHORT: Readonly<Record<string, readonly string[]>> = {
  extract: [],
  capture: [],
  swarm: ["--engines", "ours,aria2", "--nodes", "1,4"],
  initramfs: [],
};
/** Run by name only. */
const LONG = [
  ...["recapture", "racks", "install", "plot", "tracker", "heartbeats", "simulate"],
  ...["faults", "flood", "fuzz"],
];

const scriptOf = (name: string) => new URL(`./bench/${name}.ts`, import.meta.url).pathname;

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
    console.error(`there is no bench ${options[0]}. Remedy: choose among ${known.join(", ")}.`);
    return 2;
  }
  await installDebianPackages();
  let failed = false;
  for (const name of names.length > 0 ? names : Object.keys(SHORT)) {
    // what a bench prints as JSON, or as a plot, stands alone on standard output
    console.error(`== ${name}`);
    if (!await run(name, options.length > 0 ? options : SHORT[name] ?? [])) failed = true;
  }
  return failed ? 1 : 0;
}

/** Signals reach the bench, which then undoes what it has set up, and this waits for it. */
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

/** The comment at a script's top, which says what it is for. */
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
