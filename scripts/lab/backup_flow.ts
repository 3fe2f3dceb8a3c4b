/** A clone that lost its power is backed up by an armed boot, loses its data, and gets it back from the backup. */
import { z } from "zod";
import { ImageView, NodeView, StepReport } from "#contract/api.ts";
import { sha256 } from "./check_disks.ts";
import type { Check } from "./check.ts";
import { run } from "./command.ts";
import { Guest } from "./guest.ts";
import { LoopDisk } from "./loop_disk.ts";
import { type Clone, diskOf, disksOf, installNode, machineOf } from "./node_flow.ts";
import { onDisks } from "./on_disks.ts";
import type { ProductServer } from "./product_server.ts";
import { shutdownMs, VirtualMachine } from "./qemu.ts";
import { rootPartition } from "./template_disk.ts";
import { hostOf, type NodeFacts, type Workplace } from "./workplace.ts";

interface Context {
  readonly node: NodeFacts;
  readonly server: ProductServer;
  /** The clone as it came up after its installation. */
  readonly clone: Clone;
}

const data = "srv/application";
/** Written and synced at the last moment: it is in the journal, and perhaps nowhere else. */
const write = `mkdir /${data}; head -c 3000000 /dev/urandom > /${data}/table; sync
echo "the last words" > /${data}/last; sync; cat /${data}/table /${data}/last | sha256sum`;

export async function backUpNode(lab: Workplace, context: Context): Promise<Check[]> {
  const { node, server, clone } = context, disk = diskOf(lab, node);
  const written = await lab.timeline.measure(
    `${node.name}: data written, power cut`,
    () => cutOff(lab, node),
  );
  const dirty = await needsRecovery(disk);
  const before = await sha256(disk);
  {
    await using order = server.begin("node", "backup", node.name, "--at-boot", "--wait");
    await order.output.expect("will be backed up", { timeoutMs: 30_000 });
    await installNode(lab, { node });
    await order.done;
  }
  const after = await sha256(disk);
  const { view, log } = await shown(server, node);
  const mounted = log.find(({ step }) => step === "mount")?.message ?? "the step was not there";
  const captured = log.find(({ step, state }) => step === "capture" && state === "done")?.message ??
    "nothing";
  lab.timeline.note(`${node.name}: ${captured}`);

  await onDisks(lab, "lose", { disks: disksOf(lab, node), access: "write" });
  {
    await using order = server.begin("node", "restore", node.name, "--image", node.name, "--wait");
    await order.output.expect("is ordered for", { timeoutMs: 30_000 });
    await installNode(lab, { node });
  }
  const again = await restarted(lab, node);
  return [
    { what: "backup: its file system was in use when the power failed", passed: dirty, seen: `${dirty}` },
    {
      what: "backup: its disk is unchanged, bit for bit",
      passed: before === after,
      seen: `SHA-256 ${before} before, ${after} after`,
    },
    {
      what: "backup: the journal was replayed in memory",
      passed: /journal was replayed in memory/.test(mounted),
      seen: mounted,
    },
    {
      what: "backup: published, and the node disarmed in its former state",
      passed: !view.armed && view.state === "running" && (await versions(server)).includes(`${node.name}@1`),
      seen: `${view.state}, armed: ${view.armed}; ${captured}`,
    },
    {
      what: "backup: the lost data is back, and the clone has kept its identity",
      passed: again.sum === written && again.machineId === clone.machineId &&
        again.greeting.startsWith(`host=${hostOf(node)} `),
      seen:
        `${again.sum}, written ${written}; ${again.machineId}, before ${clone.machineId}; ${again.greeting}`,
    },
  ];
}

/** Lets the application write, then cuts the power. Returns the checksum of what it wrote. */
async function cutOff(lab: Workplace, node: NodeFacts): Promise<string> {
  // QEMU is killed at the end of this scope.
  await using _machine = await started(lab, node);
  const guest = new Guest(lab.network, { address: node.address, key: lab.sshKey.path });
  return (await guest.shell(write, lab)).trim();
}

async function restarted(
  lab: Workplace,
  node: NodeFacts,
): Promise<{ sum: string; machineId: string; greeting: string }> {
  await using machine = await started(lab, node);
  const guest = new Guest(lab.network, { address: node.address, key: lab.sshKey.path });
  const sum = (await guest.shell(`cat /${data}/table /${data}/last | sha256sum`, lab)).trim();
  const machineId = (await guest.shell("cat /etc/machine-id", lab)).trim();
  const greeting = await guest.greeting(lab);
  await guest.powerOff(lab);
  await machine.exited({ timeoutMs: shutdownMs });
  return { sum, machineId, greeting };
}

async function started(lab: Workplace, node: NodeFacts): Promise<VirtualMachine> {
  const machine = await VirtualMachine.start(machineOf(lab, node));
  lab.transcripts.push(machine.serial);
  try {
    await machine.serial.expect(`${hostOf(node)} login:`, { timeoutMs: 300_000 });
    return machine;
  } catch (error) {
    await machine[Symbol.asyncDispose]();
    throw error;
  }
}

async function needsRecovery(image: string): Promise<boolean> {
  await using disk = await LoopDisk.attach(image, { readOnly: true });
  const { stdout } = await run(["dumpe2fs", "-h", disk.partition(rootPartition)]);
  return /^Filesystem features:.*needs_recovery/m.test(stdout);
}

async function shown(
  server: ProductServer,
  { name }: NodeFacts,
): Promise<{ view: NodeView; log: StepReport[] }> {
  const json = JSON.parse(await server.rackseed("node", "show", name, "--json"));
  return { view: NodeView.parse(json), log: z.array(StepReport).parse(json.log) };
}

async function versions(server: ProductServer): Promise<string[]> {
  const images = z.array(ImageView).parse(JSON.parse(await server.rackseed("image", "list", "--json")));
  return images.map(({ image, version }) => `${image}@${version}`);
}
