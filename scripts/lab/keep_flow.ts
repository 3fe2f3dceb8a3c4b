/** Reinstalls a clone while the server lists it under another identity: it keeps the identity on its disk. */
import { z } from "zod";
import { StepReport } from "#contract/api.ts";
import type { Check } from "./check.ts";
import { type Clone, installNode, startClone } from "./node_flow.ts";
import type { ProductServer } from "./product_server.ts";
import { image, type Template } from "./template_flow.ts";
import type { NodeFacts, Workplace } from "./workplace.ts";

export async function keepNode(
  lab: Workplace,
  { node: { asked: _, ...node }, template, server, clone }: {
    readonly node: NodeFacts;
    readonly template: Template;
    readonly server: ProductServer;
    /** The clone as it came up after its installation. */
    readonly clone: Clone;
  },
): Promise<Check[]> {
  await server.rackseed("node", "set", node.name, "--hostname", "another", "--address", "10.77.0.99/24");
  await using order = server.begin(
    ...["node", "deploy", node.name, "--image", image, "--identity", "keep", "--wait"],
  );
  await order.output.expect("is ordered for", { timeoutMs: 30_000 });
  await installNode(lab, { node });
  const again = await startClone(lab, { node, template, server, order });
  await order.done;
  const { log } = z.object({ log: z.array(StepReport) })
    .parse(JSON.parse(await server.rackseed("node", "show", node.name, "--json")));
  const seen = log.find(({ step }) => step === "keep")?.message ?? "the step was not there";
  return [
    {
      what: "kept: the whole identity was read from the old disk",
      passed: /hostname, interfaces, machine-id, SSH host keys: the disk's vda\d/.test(seen),
      seen,
    },
    {
      what: "kept: storage knows it by the same names",
      passed: again.storage === clone.storage,
      seen: again.storage.replaceAll("\n", ", "),
    },
    {
      what: "kept: machine-id and SSH host key as before",
      passed: again.machineId === clone.machineId && again.hostKey === clone.hostKey,
      seen: `${again.machineId}, before ${clone.machineId}; ${again.hostKey}, before ${clone.hostKey}`,
    },
    ...again.checks.map((check) => ({ ...check, what: `kept: ${check.what}` })),
  ];
}
