/**
 * The lab itself, started by scripts/lab.ts in its own mount namespace, which hides its mounts. Otherwise a process
 * that copies the host's mounts meanwhile would keep a file system alive, and not fully written to its disk, after it
 * was unmounted here.
 */
import { messageOf } from "#contract/errors.ts";
import {
  cloneMachines,
  leaveOthersAlone,
  startByMedium,
  startContainer,
  startPages,
  startRehearsals,
} from "./flow.ts";
import type { PowerProtocol } from "./lab_bmc.ts";
import { layouts } from "./layouts/layouts.ts";
import type { Firmware } from "./qemu.ts";
import { summary } from "./summary.ts";
import { Timeline } from "./timeline.ts";

/** The only argument, as JSON. */
export interface LabOrder {
  readonly firmware: Firmware;
  /** A name of `layouts`. */
  readonly layout?: string | undefined;
  /** Instead of capturing a machine, make one of a container image. */
  readonly container: boolean;
  /** Machines without a network are installed from media. */
  readonly medium: boolean;
  /** The server rehearses versions. */
  readonly rehearse: boolean;
  /** All orders are given in a browser. */
  readonly pages: boolean;
  readonly nodes: number;
  readonly installs: number;
  readonly pullDisks: boolean;
  readonly restore: boolean;
  readonly backup: boolean;
  readonly discover: boolean;
  readonly kexec: boolean;
  readonly powerCuts: number;
  readonly identity?: "ask" | undefined;
  /** The nodes are started through their BMCs. */
  readonly power?: PowerProtocol | undefined;
  /** The network has IPv6 alone. */
  readonly ipv6: boolean;
  readonly dataMiB: number;
  /** The folder for logs and the summary. */
  readonly keep: string;
  /** The compiled product. */
  readonly product: string;
  /** The server runs under systemd. */
  readonly service: boolean;
  /** The product of the version before, from which the server is upgraded. */
  readonly previous?: string | undefined;
  /** The folder that caches the Debian tree between runs. */
  readonly cache: string;
}

async function lab(
  { firmware, layout: name, container, medium, rehearse, pages, keep, ...order }: LabOrder,
): Promise<boolean> {
  const interrupted = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(name, () => interrupted.abort(new Error(`interrupted by ${name}`)));
  }
  const timeline = new Timeline(console.log);
  const layout = name === undefined ? undefined : layouts[name];
  const of = layout && name ? { layout: { ...layout, name } } : {};
  const options = { ...order, ...of, firmware, timeline, signal: interrupted.signal };
  const checks = container
    ? await startContainer({ ...options, keep })
    : medium
    ? await startByMedium({ ...options, keep })
    : rehearse
    ? await startRehearsals({ ...options, keep })
    : pages
    ? await startPages({ ...options, keep })
    : order.power !== undefined
    ? await cloneMachines({ ...options, keep })
    : [
      ...await cloneMachines({ ...options, keep }),
      ...await leaveOthersAlone({ ...options, previous: undefined, keep: `${keep}/unarmed` }),
    ];
  const text = summary({ machine: name ?? firmware.toUpperCase(), checks, milestones: timeline.milestones });
  await Deno.writeTextFile(`${keep}/summary.txt`, text);
  await Deno.writeTextFile(`${keep}/timings.json`, JSON.stringify(timeline.milestones));
  console.log(`\n${text}`);
  return checks.every(({ passed }) => passed);
}

if (import.meta.main) {
  try {
    Deno.exit(await lab(JSON.parse(Deno.args[0] ?? "") as LabOrder) ? 0 : 1);
  } catch (error) {
    console.error(`the lab failed: ${messageOf(error)}`);
    Deno.exit(1);
  }
}
