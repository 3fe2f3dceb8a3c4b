/** One disk of a mirror is pulled: the clone starts from the other, each way round. */
import type { Check } from "./check.ts";
import { run } from "./command.ts";
import { Guest } from "./guest.ts";
import { disksOf, machineOf } from "./node_flow.ts";
import { VirtualMachine } from "./qemu.ts";
import { hostOf, type NodeFacts, type Workplace } from "./workplace.ts";

export async function pullDisks(lab: Workplace, { node }: { readonly node: NodeFacts }): Promise<Check[]> {
  const checks: Check[] = [];
  for (const [i] of disksOf(lab, node).entries()) {
    checks.push(await startWithout(lab, { node, pulled: i }));
  }
  return checks;
}

/** Starts it from copies, so that the mirror's halves stay equal. */
async function startWithout(
  lab: Workplace,
  { node, pulled }: { readonly node: NodeFacts; readonly pulled: number },
): Promise<Check> {
  const left = disksOf(lab, node).filter((_, i) => i !== pulled)
    .map(({ path, serial }) => ({ path: `${path}.left`, serial }));
  for (const { path } of left) {
    await run(["cp", "--sparse=always", path.replace(/\.left$/, ""), path], { signal: lab.signal });
  }
  try {
    await using machine = await VirtualMachine.start({
      ...machineOf(lab, node),
      disks: left,
      bootOrder: "disk-first",
    });
    lab.transcripts.push(machine.serial);
    await lab.timeline.measure(
      `${node.name}: power-on to login prompt without disk ${pulled + 1}`,
      () => machine.serial.expect(`${hostOf(node)} login:`, { timeoutMs: 600_000 }),
    );
    const guest = new Guest(lab.network, { address: node.address, key: lab.sshKey.path });
    const greeting = await guest.greeting(lab);
    const arrays = await guest.shell("cat /proc/mdstat", lab);
    return {
      what: `with disk ${pulled + 1} pulled, it starts from the other and its application answers`,
      passed: greeting.startsWith(`host=${hostOf(node)} `) && /\[_U\]|\[U_\]/.test(arrays),
      seen: `${greeting}; ${arrays.trim().replace(/\s+/g, " ")}`,
    };
  } finally {
    for (const { path } of left) await Deno.remove(path);
  }
}
