/** A clone's hardware is read at one boot: what is found is true, a switch is heard, and the disk stays as it was. */
import { MachineView, NodeView } from "#contract/api.ts";
import { z } from "zod";
import { lldpFrame } from "../../agent/hardware/testing/samples.ts";
import { BackgroundProgram } from "./background_program.ts";
import { sha256 } from "./check_disks.ts";
import type { Check } from "./check.ts";
import { diskOf, installNode } from "./node_flow.ts";
import type { ProductServer } from "./product_server.ts";
import type { NodeFacts, Workplace } from "./workplace.ts";

const SENDER = new URL("../../test/support/send_frame.ts", import.meta.url).pathname;

export async function discoverNode(
  lab: Workplace,
  { node, server }: { readonly node: NodeFacts; readonly server: ProductServer },
): Promise<Check[]> {
  const disk = diskOf(lab, node), before = await sha256(disk);
  {
    await using _switch = announceSwitch(lab);
    await using order = server.begin("node", "discover", node.name, "--wait");
    await order.output.expect("nothing is written to the disks", { timeoutMs: 30_000 });
    await installNode(lab, { node });
    await order.done;
  }
  const after = await sha256(disk);
  const view = NodeView.parse(JSON.parse(await server.rackseed("node", "show", node.name, "--json")));
  const machines = z.array(MachineView).parse(JSON.parse(await server.rackseed("machine", "list", "--json")));
  const { inventory, state, armed, warnings = [] } = view;
  const neighbour = inventory?.nics.find(({ neighbour }) => neighbour)?.neighbour;
  return [
    {
      what: "discover: its disk is unchanged, bit for bit",
      passed: before === after,
      seen: `SHA-256 ${before} before, ${after} after`,
    },
    {
      what: "discover: the node is disarmed in its former state",
      passed: !armed && state === "running",
      seen: `${state}, armed: ${armed}`,
    },
    {
      what: "discover: the switch is heard on its port",
      passed: neighbour?.system === "leaf7" && neighbour.port === "Ethernet1/12",
      seen: JSON.stringify(neighbour),
    },
    {
      what: "discover: memory modules, processors and firmware are read",
      passed: (inventory?.memory?.dimms.length ?? 0) > 0 && inventory?.processors !== undefined &&
        inventory.board?.firmwareVersion !== undefined,
      seen: JSON.stringify([inventory?.memory, inventory?.processors, inventory?.board]),
    },
    {
      what: "discover: nothing has changed since the installation, and no node is listed as a machine",
      passed: warnings.length === 0 && !machines.some(({ mac }) => mac === view.settings.mac),
      seen: JSON.stringify([warnings, machines.map(({ mac }) => mac)]),
    },
  ];
}

/** A switch at the other end of every cable. */
function announceSwitch({ network, keep, signal }: Workplace): BackgroundProgram {
  const send = [Deno.execPath(), "run", "-A", "--no-check", SENDER, network.bridge, lldpFrame().toHex()];
  return new BackgroundProgram(["ip", "netns", "exec", network.namespace, ...send], {
    name: "switch",
    log: `${keep}/switch.log`,
    env: { PATH: Deno.env.get("PATH") ?? "", HOME: Deno.env.get("HOME") ?? "/root" },
    signal,
  });
}
