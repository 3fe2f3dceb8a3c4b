/** Measures several engines with several numbers of nodes, for `bench swarm` and `bench field`. */
import { messageOf } from "#contract/errors.ts";
import type { Engine } from "./engine.ts";
import type { Sample } from "./measure.ts";
import { resultOf } from "./report.ts";
import type { Result } from "./result.ts";
import type { Session } from "./session.ts";

interface Measurements {
  readonly engines: readonly Engine[];
  readonly counts: readonly number[];
  readonly runs: number;
  readonly sizeBytes: number;
  /** Engines that are unavailable, with the reason; those that fail are added. */
  readonly absent: Record<string, string>;
  readonly signal: AbortSignal;
}

export async function measureAll(
  session: Session,
  { engines, counts, runs, sizeBytes, absent, signal }: Measurements,
): Promise<Result[]> {
  const results: Result[] = [];
  for (const nodes of counts) {
    const samples = new Map<string, Sample[]>();
    // Each run covers all engines, so that other work on the machine affects all of them.
    for (let run = 0; run < runs; run++) {
      for (const engine of engines.filter(({ name }) => !(name in absent))) {
        try {
          const sample = await session.run(engine, nodes);
          samples.set(engine.name, [...samples.get(engine.name) ?? [], sample]);
          console.error(`${engine.name}, ${nodes} nodes: ${sample.seconds.toFixed(1)} s`);
        } catch (error) {
          signal.throwIfAborted();
          absent[engine.name] = `failed with ${nodes} nodes: ${messageOf(error)}`;
        }
      }
    }
    for (const [engine, taken] of samples) results.push(resultOf(taken, { engine, nodes, sizeBytes }));
  }
  return results;
}
