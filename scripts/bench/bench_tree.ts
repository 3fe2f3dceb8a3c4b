/** The Debian tree that the capture and extract benches work on, and helpers for both. */
import { messageOf } from "#contract/errors.ts";

/** Copied in this order up to the limit: programs, libraries, and many small files of a system. */
const PARTS = ["/etc", "/usr/share", "/usr/bin", "/usr/sbin", "/usr/lib/x86_64-linux-gnu", "/usr/include"];

/** Benches work in memory, so that they do not measure a disk. */
export async function workplace(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await Deno.makeTempDir({ dir: "/dev/shm", prefix: "rackseed-bench-" });
  return {
    path,
    [Symbol.asyncDispose]: () => shell(`rm -rf --one-file-system ${path}`, "/"),
  };
}

/** Copies this machine's own Debian files into `directory`, up to the limit. */
export async function makeBenchTree(directory: string, { limitMib = 1000 } = {}): Promise<void> {
  let left = limitMib;
  for (const part of PARTS) {
    const size = await measure(part);
    if (size === undefined || size > left) continue;
    left -= size;
    await shell(`cp -a --parents ${part} .`, directory);
  }
  if (left === limitMib) throw new Error("this machine has no Debian files to work on");
}

async function measure(path: string): Promise<number | undefined> {
  const { success, stdout } = await new Deno.Command("du", { args: ["-sm", path], stderr: "null" }).output();
  return success ? Number(new TextDecoder().decode(stdout).split("\t")[0]) : undefined;
}

/** Runs one line of bash; throws if any part of it fails. */
export async function shell(line: string, cwd: string): Promise<void> {
  const { success, stderr } = await new Deno.Command("bash", {
    args: ["-o", "pipefail", "-ec", line],
    cwd,
    stdout: "null",
  }).output();
  if (!success) throw new Error(`${line}: ${new TextDecoder().decode(stderr)}`);
}

/** Limits this process and its children to two processors from now on. */
export async function useTwoProcessors(): Promise<void> {
  try {
    await shell(`taskset --all-tasks --cpu-list --pid 0,1 ${Deno.pid}`, "/");
  } catch (error) {
    console.log(`not limited to two processors: ${messageOf(error)}`);
  }
}

export async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

export interface Comparison {
  readonly name: string;
  readonly bar: number;
  readonly ours: readonly number[];
  readonly peer: readonly number[];
}

/** Ours ÷ the peer's: the median of the paired rounds. */
function ratioOf({ ours, peer }: Comparison): number {
  return median(ours.map((seconds, round) => seconds / (peer[round] as number)));
}

/** Prints the ratios; returns whether every bar is kept. */
export function printComparisons(comparisons: readonly Comparison[], { json }: { json: boolean }): boolean {
  const results = comparisons.map((c) => ({ ...c, ratio: ratioOf(c), kept: ratioOf(c) <= c.bar }));
  if (json) console.log(JSON.stringify(results));
  else {
    for (const { name, ratio, bar, ours, peer, kept } of results) {
      const times = `${median(ours).toFixed(2)} s against ${median(peer).toFixed(2)} s`;
      console.log(`${name}: ${ratio.toFixed(2)} (bar ${bar}, ${kept ? "kept" : "MISSED"}), ${times}`);
    }
  }
  return results.every((r) => r.kept);
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] as number;
}
