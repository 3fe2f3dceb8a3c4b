/** Cuts the power at several points of one installation: kills QEMU, and switches the machine on again. */
import type { Check } from "./check.ts";
import { compareWithTemplate } from "./check_disks.ts";
import { disksOf, keepRecoveryKey, machineOf, orderNodes, startClone } from "./node_flow.ts";
import { checkOwnDisk, ownSum } from "./own_data.ts";
import type { ProductServer } from "./product_server.ts";
import { VirtualMachine } from "./qemu.ts";
import type { Template } from "./template_flow.ts";
import type { NodeFacts, Workplace } from "./workplace.ts";

/** From the first megabytes to the boot loader. For fewer cuts, the first points are used; a layout
 * is made before the first. */
const POINTS = [
  { name: "while it formats", at: /\] format …/ },
  { name: "with 20 MB written", at: written("[2-9]\\d|\\d{3,}") },
  { name: "with 100 MB more written", at: written("\\d{3,}") },
  { name: "with 150 MB more written", at: written("1[5-9]\\d|[2-9]\\d\\d|\\d{4,}") },
  { name: "at its boot loader", at: /\] bootloader …/ },
];
/** The largest share of the image that may be fetched again because of a cut. */
const TWICE = 0.1;

/** Matches a progress line of the step "install" with this many megabytes written. */
export function written(megabytes: string): RegExp {
  return new RegExp(`install: (?:all fetched, |[^\\r\\n]*? peers?, )(?:${megabytes})\\.\\d of `);
}

interface Run {
  /** What the step "torrent" announced to fetch; undefined if it did not get that far. */
  readonly toFetchMB: number | undefined;
  /** Bytes received on its NIC since the agent's start: a little more than it fetched. */
  readonly receivedMB: number;
}

export async function cutPower(
  lab: Workplace,
  { node, template, server, cuts }: {
    readonly node: NodeFacts;
    readonly template: Template;
    readonly server: ProductServer;
    readonly cuts: number;
  },
): Promise<Check[]> {
  await using order = await orderNodes(lab, { nodes: [node], server });
  const before = await ownSum(lab, node);
  const runs: Run[] = [];
  const points = (lab.layout ? POINTS.slice(1) : POINTS).slice(0, cuts);
  for (const point of points) {
    runs.push(
      await lab.timeline.measure(
        `${node.name}: power on, and lost ${point.name}`,
        () => runUntil(lab, node, (machine) => machine.serial.expect(point.at, { timeoutMs: 600_000 })),
      ),
    );
  }
  runs.push(
    await lab.timeline.measure(
      `${node.name}: power on, and installed to the end`,
      () => runUntil(lab, node, (machine) => machine.exited({ timeoutMs: 1_800_000 })),
    ),
  );
  await keepRecoveryKey(lab, { node, server });
  const compared = await compareWithTemplate(lab, { clone: disksOf(lab, node), template: template.disks });
  const { checks } = await startClone(lab, { node, template, server, order });
  await order.done;
  const own = await checkOwnDisk(lab, { node, before });
  return [compared, ...checks, ...own, ...points.map(({ name }, i) => fetchedTwice(runs, { name, i }))];
}

/** The traffic of a run that did not reduce what the next run had to fetch. */
function fetchedTwice(
  runs: readonly Run[],
  { name, i }: { readonly name: string; readonly i: number },
): Check {
  const imageMB = Math.max(...runs.map(({ toFetchMB = 0 }) => toFetchMB));
  const before = runs[i], after = runs[i + 1];
  const savedMB = (before?.toFetchMB ?? imageMB) - (after?.toFetchMB ?? imageMB);
  const twiceMB = Math.max(0, (before?.receivedMB ?? 0) - savedMB);
  return {
    what: `power lost ${name}: at most 10 % of the image is fetched twice`,
    passed: twiceMB <= TWICE * imageMB,
    seen:
      `${before?.receivedMB.toFixed(1)} MB received, ${savedMB.toFixed(1)} MB less to fetch afterwards; ` +
      `${twiceMB.toFixed(1)} of ${imageMB.toFixed(1)} MB twice`,
  };
}

async function runUntil(
  lab: Workplace,
  node: NodeFacts,
  end: (machine: VirtualMachine) => Promise<unknown>,
): Promise<Run> {
  await using machine = await VirtualMachine.start({ ...machineOf(lab, node), noReboot: true });
  lab.transcripts.push(machine.serial);
  await machine.serial.expect(/Rackseed: asking the server/, { timeoutMs: 600_000 });
  const started = await lab.network.sentTo(machine.tap);
  let toFetchMB: number | undefined;
  const torrent = machine.serial.expect(/torrent: [^\n]*?([\d.]+) MB to fetch/, { timeoutMs: 1_800_000 });
  torrent.then((line) => {
    toFetchMB = Number(/([\d.]+) MB to fetch/.exec(line)?.[1]);
  }, () => {});
  let received = started;
  // The NIC vanishes with the machine.
  const watch = setInterval(async () => {
    received = await lab.network.sentTo(machine.tap).catch(() => received);
  }, 500);
  try {
    await end(machine);
  } finally {
    clearInterval(watch);
  }
  received = await lab.network.sentTo(machine.tap).catch(() => received);
  return { toFetchMB, receivedMB: (received - started) / 1e6 };
}
