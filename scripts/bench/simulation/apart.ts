/** Runs a simulation in a process with a heap of its own: ten thousand nodes have a million connection ends. */
import { simulate, type SimulationOptions, type SimulationResult } from "./simulation.ts";

interface TimedResult extends SimulationResult {
  /** How long the simulation itself took. */
  readonly seconds: number;
}

/** The same result as `simulate`'s. Throws if the process fails. */
export async function simulateApart(options: Omit<SimulationOptions, "onSecond">): Promise<TimedResult> {
  const started = performance.now();
  const flags = "--v8-flags=--max-old-space-size=14000,--max-semi-space-size=64";
  const own = new URL(import.meta.url).pathname;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", flags, own],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  // by standard input: the lifetimes of many nodes are too long for an argument
  const sent = new Blob([JSON.stringify(options)]).stream().pipeTo(child.stdin);
  const [{ success, stdout }] = await Promise.all([child.output(), sent]);
  if (!success) throw new Error("the simulation failed");
  const result = JSON.parse(new TextDecoder().decode(stdout)) as SimulationResult;
  return { ...result, seconds: (performance.now() - started) / 1000 };
}

if (import.meta.main) {
  const options = await new Response(Deno.stdin.readable).json() as SimulationOptions;
  console.log(JSON.stringify(simulate(options)));
}
