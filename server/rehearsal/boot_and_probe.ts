/** Boots the installed disks, and tries the probes until all have passed, or the machine has come to a dead end. */
import type { Probe, ProbeResult } from "#contract/api/rehearsals.ts";
import { messageOf, RackseedError } from "#contract/errors.ts";
import { BootedMachine } from "../virtual_machine/booted_machine.ts";
import { deadEnd, plainText } from "./console_text.ts";
import { portsOf, tryProbe } from "./probes.ts";

const TRY_MS = 1000;
const SCREENSHOT_MS = 5000;
/** A system may restart at its first boot, for instance to label its files. */
const MAX_RESTARTS = 3;

/** Undefined: the version is proved. A problem: it failed. */
export type Outcome = RackseedError | undefined;

type MachineOptions = Omit<Parameters<typeof BootedMachine.start>[0], "ports">;

interface BootOptions extends MachineOptions {
  /** "web@3" */
  readonly ref: string;
  /** The file that its serial console is written to, and how much of it was there before the machine. */
  readonly console: string;
  readonly before: number;
  /** The file to write, in PNG. */
  readonly screenshot: string;
  readonly probes: readonly Probe[];
  /** Longest time until all have passed. */
  readonly seconds: number;
  readonly onProbes: (results: readonly ProbeResult[]) => void;
  readonly signal: AbortSignal;
}

/** Throws if the machine cannot be carried out, or the signal aborts. */
export async function bootAndProbe(options: BootOptions): Promise<Outcome> {
  const { ref, console, before, screenshot, probes, seconds, onProbes, signal } = options;
  await using machine = await BootedMachine.start({ ...options, ports: portsOf(probes) });
  const startMs = Date.now();
  let results: readonly ProbeResult[] = probes.map((probe) => ({ probe, passed: false }));
  let ended: string | undefined, failure: unknown, picturedMs = 0;
  machine.ended.then((why) => ended = why, (error) => failure = error);
  const picture = async () => {
    // of a machine that ends meanwhile, the picture before stays
    await machine.screenshot(screenshot).catch(() => {});
    picturedMs = Date.now();
  };
  for (;;) {
    signal.throwIfAborted();
    if (failure !== undefined) throw failure;
    const text = plainText((await Deno.readFile(console)).subarray(before));
    if (Date.now() - picturedMs >= SCREENSHOT_MS) await picture();
    results = await Promise.all(results.map(async (result) => {
      if (result.passed) return result;
      const { passed, seen } = await tryProbe(result.probe, { machine, text, signal })
        .catch((error) => ({ passed: false, seen: messageOf(error) }));
      const at = passed ? { seconds: Math.round((Date.now() - startMs) / 1000) } : {};
      return { probe: result.probe, passed, seen: seen.slice(0, 500), ...at };
    }));
    onProbes(results);
    const isProved = results.every(({ passed }) => passed);
    const why = isProved ? undefined : ended ?? deadEnd(text) ??
      (machine.restarts > MAX_RESTARTS ? `it has restarted itself ${machine.restarts} times` : undefined) ??
      (Date.now() - startMs > seconds * 1000 ? `the ${seconds} s that it had have passed` : undefined);
    if (isProved || why !== undefined) await picture();
    if (isProved) return undefined;
    if (why !== undefined) return notProved(ref, { why, results });
    await new Promise((resolve) => setTimeout(resolve, TRY_MS));
  }
}

function notProved(
  ref: string,
  { why, results }: { why: string; results: readonly ProbeResult[] },
): RackseedError {
  const missing = results.filter(({ passed }) => !passed).map(({ seen = "not tried" }) => seen);
  return new RackseedError(`${ref} is not proved`, {
    reason: `${why.replace(/\.$/, "")}; ${missing.join("; ")}`.replace(/\.?$/, ".").slice(0, 2000),
    remedy:
      "see the screenshot and the console, correct the template and capture it again; or give it more time: " +
      "--boot-timeout.",
    status: 409,
  });
}
