/** Kascade's failures with real programs: machines of a swarm lose power during the download. */
import { parseArgs } from "node:util";
import { interruption } from "../interruption.ts";
import { numberOption, numbersOption } from "../number_option.ts";
import { provideEngines } from "../swarm/engines.ts";
import { Session } from "../swarm/session.ts";
import { type FieldTable, goal } from "./field_table.ts";
import { AT_PERCENTS, MOST_RATIO, SOURCE } from "./kascade.ts";

export async function bench(args: string[]): Promise<FieldTable> {
  const { values } = parseArgs({
    args,
    options: {
      nodes: { type: "string", default: "16" },
      killed: { type: "string", default: "1,2" },
      size: { type: "string", default: "100" },
      rate: { type: "string", default: "50" },
      engines: { type: "string", default: "ours,aria2" },
    },
  });
  const nodes = numberOption("nodes", values.nodes, { least: 2, most: 64 });
  const counts = numbersOption("killed", values.killed).map((count) =>
    numberOption("killed", `${count}`, { least: 1, most: nodes - 1 })
  );
  const sizeBytes = Math.round(numberOption("size", values.size) * 1e6);
  const rateMbit = numberOption("rate", values.rate);
  const signal = interruption();
  const { engines, absent } = await provideEngines(values.engines.split(","));
  await using session = await Session.open("field-kascade", { nodes, sizeBytes, rateMbit, signal });
  const swarms: CutSwarm[] = [];
  for (const engine of engines) {
    const undisturbed = (await session.run(engine, nodes)).seconds;
    swarms.push({ engine: engine.name, killed: 0, at: 0, seconds: undisturbed });
    for (const killed of counts) {
      // the last machines, since the first ones may be special to an engine
      const machines = Array.from({ length: killed }, (_, i) => nodes - i);
      for (const at of AT_PERCENTS) {
        const powerCut = { machines, afterMs: undisturbed * at * 10 };
        const { seconds } = await session.run(engine, nodes, { powerCut });
        swarms.push({ engine: engine.name, killed, at, seconds });
        console.error(
          `${engine.name}, ${killed} at ${at} %: ${seconds.toFixed(1)} s of ${undisturbed.toFixed(1)}`,
        );
      }
    }
  }
  return kascadeRealTable(swarms, { nodes, sizeBytes, rateMbit, absent });
}

interface CutSwarm {
  readonly engine: string;
  /** Machines that lost power; 0: the undisturbed swarm. */
  readonly killed: number;
  /** Percent of the undisturbed time. */
  readonly at: number;
  /** Until the last survivor has everything. */
  readonly seconds: number;
}

/** A row for each swarm, with a pair of columns for each engine. Goals are of our own rows only. */
export function kascadeRealTable(
  swarms: readonly CutSwarm[],
  { nodes, sizeBytes, rateMbit, absent }: {
    nodes: number;
    sizeBytes: number;
    rateMbit: number;
    absent: Readonly<Record<string, string>>;
  },
): FieldTable {
  const engines = [...new Set(swarms.map(({ engine }) => engine))];
  const undisturbed = new Map(swarms.filter(({ killed }) => killed === 0).map((s) => [s.engine, s.seconds]));
  const ratioOf = ({ engine, seconds }: CutSwarm) => seconds / (undisturbed.get(engine) ?? NaN);
  const labelOf = ({ killed, at }: CutSwarm) => killed === 0 ? "none" : `${killed} at ${at} %`;
  const limit = sizeBytes * 8 / rateMbit / 1e6;
  return {
    title: `Failures, after Kascade, real programs: ${nodes} nodes, ${sizeBytes / 1e6} MB, limit ${
      limit.toFixed(1)
    } s`,
    source: SOURCE,
    columns: [
      "nodes that lose power",
      ...engines.flatMap((name) => [name === "ours" ? "Rackseed" : name, "÷ undisturbed"]),
    ],
    rows: [...new Set(swarms.map(labelOf))].map((label) => [
      label,
      ...engines.flatMap((name) => {
        const swarm = swarms.find((each) => each.engine === name && labelOf(each) === label);
        return swarm ? [`${swarm.seconds.toFixed(1)} s`, ratioOf(swarm).toFixed(2)] : ["", ""];
      }),
    ]),
    conversions: [
      `One machine of ${nodes} is ${
        (100 / nodes).toFixed(0)
      } %: 1 % needs a hundred. The moments are shares of the undisturbed time.`,
      "A machine's link goes down: nothing is reset, and its program goes on without a network.",
      "Until the last survivor has everything; each survivor's copy is compared.",
      ...Object.entries(absent).map(([engine, why]) => `Without ${engine}: ${why}.`),
    ],
    goals: swarms.filter(({ engine, killed }) => engine === "ours" && killed > 0).map((swarm) =>
      goal(`last survivor ÷ undisturbed, ${labelOf(swarm)}`, ratioOf(swarm), MOST_RATIO)
    ),
  };
}
