/**
 * Measures Rackseed in the shape of tests that other distributors have published, and prints both side by side, with
 * what was converted. `server/docs/field-tables.md` says what each table shows.
 *
 *     deno task bench field --table NAME [--json] [--svg FILE] [OPTION…]
 *
 *     --table  kraken, dragonfly, owl, kascade, kascade-real or ezio                (required)
 *     --json   print the table as JSON
 *     --svg    write the table's plot to FILE
 *
 * Options of a table:
 *
 *     kraken     --nodes N  --pieces N  --seeds N  --seed N                          (2600, 768, 5, 1)
 *     dragonfly  --nodes N,…  --size MB  --rate Mbit  --engines NAME,…  --runs N
 *                (1,2,4,8,16; 50; 50; ours,aria2,libtorrent; 1)
 *     owl        --nodes N  --leave PERCENT,…  --pieces N  --seed N           (500; 5,10,20; 512; 1)
 *     kascade    --nodes N  --pieces N  --seed N                              (200, 512, 1)
 *     kascade-real  --nodes N  --killed N,…  --size MB  --rate Mbit  --engines NAME,…
 *                (16; 1,2; 100; 50; ours,aria2)
 *     ezio       --nodes N,…  --tree MiB  --rate Mbit  --disk MB/s  --engines NAME,…
 *                (1,2,8,32; 48; 25; 3.2; ours,libtorrent,udpcast)
 *
 * kraken, owl and kascade are simulated (see `simulate`); the others run real programs and need root, ezio the blkio
 * controller of cgroup v1 too. Exits with 1 if a goal is missed.
 */
import { type FieldBench, tableText } from "./field/field_table.ts";

/** Loaded on demand: a simulation needs nothing of the network labs. */
const TABLES: Readonly<Record<string, () => Promise<{ readonly bench: FieldBench }>>> = {
  kraken: () => import("./field/kraken.ts"),
  dragonfly: () => import("./field/dragonfly.ts"),
  owl: () => import("./field/owl.ts"),
  kascade: () => import("./field/kascade.ts"),
  "kascade-real": () => import("./field/kascade_real.ts"),
  ezio: () => import("./field/ezio.ts"),
};

async function main(args: readonly string[]): Promise<number> {
  const rest = [...args];
  const takeValue = (flag: string) => {
    const at = rest.indexOf(flag);
    return at < 0 ? undefined : rest.splice(at, 2)[1];
  };
  const name = takeValue("--table");
  const svg = takeValue("--svg");
  const json = rest.indexOf("--json");
  if (json >= 0) rest.splice(json, 1);
  const load = name === undefined || !Object.hasOwn(TABLES, name) ? undefined : TABLES[name];
  if (!load) {
    const subject = name === undefined ? "no table is named" : `there is no table ${name}`;
    console.error(`error: ${subject}. Remedy: --table ${Object.keys(TABLES).join("|")}.`);
    return 2;
  }
  const { bench } = await load();
  const table = await bench(rest);
  if (svg !== undefined && table.plot !== undefined) await Deno.writeTextFile(svg, table.plot);
  console.log(json < 0 ? tableText(table) : JSON.stringify({ ...table, plot: undefined }));
  return table.goals.every(({ kept }) => kept) ? 0 : 1;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
