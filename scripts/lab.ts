/**
 * `deno task lab`: shows the whole product on real firmware, in QEMU without hardware help. As root on Debian.
 * Exit codes: 0 all checks passed, 1 failed, 2 wrong use.
 */
import { dirname, resolve } from "node:path";
import { parseArgs } from "node:util";
import { ensureProduct } from "./build.ts";
import type { LabOrder } from "./lab/inside.ts";
import { installDebianPackages } from "./setup.ts";

const usage =
  "usage: deno task lab --firmware bios|uefi [--nodes 1…4] [--restore] [--backup] [--power-cut 1…5] " +
  "[--identity ask] [--data MiB] [--keep DIR]";
const root = dirname(import.meta.dirname ?? ".");

type Arguments = Pick<
  LabOrder,
  "firmware" | "nodes" | "restore" | "backup" | "powerCuts" | "identity" | "dataMiB" | "keep"
>;

/** Undefined where the arguments are not of the form in `usage`. */
function parse(args: string[]): Arguments | undefined {
  try {
    const { values } = parseArgs({
      args,
      options: {
        firmware: { type: "string" },
        nodes: { type: "string", default: "1" },
        restore: { type: "boolean", default: false },
        backup: { type: "boolean", default: false },
        "power-cut": { type: "string", default: "0" },
        identity: { type: "string" },
        // of its application, in 1 GB that a template's disk has left
        data: { type: "string", default: "192" },
        keep: { type: "string" },
      },
    });
    const { firmware, nodes, restore, backup, "power-cut": powerCuts, identity, data } = values;
    if (
      (firmware !== "bios" && firmware !== "uefi") || !/^[1-4]$/.test(nodes) || !/^[0-5]$/.test(powerCuts)
    ) return undefined;
    if (identity !== undefined && identity !== "ask" || !/^\d{1,3}$/.test(data)) return undefined;
    const keep = resolve(values.keep ?? `${root}/.cache/lab/last-${firmware}`);
    return {
      firmware,
      nodes: Number(nodes),
      restore,
      backup,
      powerCuts: Number(powerCuts),
      identity,
      dataMiB: Number(data),
      keep,
    };
  } catch {
    return undefined;
  }
}

/** Ends with the lab's own exit code; a signal is the lab's to handle, which then cleans up. */
async function startInside(order: LabOrder): Promise<number> {
  const inside = `${import.meta.dirname}/lab/inside.ts`;
  const child = new Deno.Command("unshare", {
    args: [
      ...["--mount", "--propagation", "private"],
      ...[Deno.execPath(), "run", "--allow-all", inside, JSON.stringify(order)],
    ],
  }).spawn();
  // Ctrl-C reaches both; a signal to this process alone is passed on.
  Deno.addSignalListener("SIGINT", () => {});
  Deno.addSignalListener("SIGTERM", () => child.kill("SIGTERM"));
  return (await child.status).code;
}

async function main(): Promise<number> {
  const args = parse(Deno.args);
  if (!args) {
    console.error(usage);
    return 2;
  }
  if (Deno.uid() !== 0) {
    console.error("the lab makes network namespaces and loop devices. Remedy: run it as root.");
    return 1;
  }
  const missing = await installDebianPackages();
  if (missing.length > 0) {
    console.error(`the lab needs Debian packages that are missing here: ${missing.join(" ")}`);
    return 1;
  }
  const code = await startInside({ ...args, product: await ensureProduct(), cache: `${root}/.cache/lab` });
  console.log(`logs: ${args.keep}`);
  return code;
}

Deno.exit(await main());
