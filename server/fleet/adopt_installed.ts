/**
 * Makes a node of a machine that a medium installed without this server. What the machine reports is entered as if it
 * came now, by the same calls, so that its history and its image are those of any installed node.
 */
import type { NodeView } from "#contract/api.ts";
import { MachineName } from "#contract/api.ts";
import { RackseedError } from "#contract/errors.ts";
import type { MediumReport } from "#contract/format/medium.ts";
import { parseToken } from "#contract/token.ts";
import type { Fleet } from "./fleet.ts";
import type { Images, SwarmAddresses } from "./ports.ts";
import { settingsWith } from "./table_identity.ts";

interface AdoptOptions {
  readonly fleet: Pick<Fleet, "list" | "put" | "get" | "orders" | "agents">;
  readonly images: Pick<Images, "get">;
  readonly swarm: SwarmAddresses;
  /** Of the one who sends the report. */
  readonly address: string;
  readonly by?: string | undefined;
}

/** Throws RackseedError: 404 if the version is not here, 409 if another machine has its name, or it is being deployed. */
export function adoptInstalled(
  { image, manifest, hostname, interfaces, mac, inventory, steps, medium }: MediumReport,
  { fleet, images, swarm, address, by }: AdoptOptions,
): NodeView {
  const title = `cannot adopt the machine ${hostname}`;
  const refuse = (reason: string, remedy: string) =>
    new RackseedError(title, { reason, remedy, status: 409 });
  if (images.get(image).id !== manifest) {
    throw refuse(
      `the medium ${medium} carried another ${image} than this server has.`,
      "send the report to the server that made the medium.",
    );
  }
  const name = MachineName.parse(hostname.split(".")[0]);
  const known = fleet.list().find((node) => node.name.toLowerCase() === name.toLowerCase());
  if (known?.settings.mac !== undefined && known.settings.mac !== mac) {
    throw refuse(
      `the node ${known.name} has the MAC ${known.settings.mac}, and this machine ${
        mac ?? "no network card"
      }.`,
      "rename one of the two: rackseed node set --hostname, or delete the node.",
    );
  }
  const before = known?.settings ?? {};
  fleet.put(name, settingsWith({ ...before, ...(mac !== undefined && { mac }) }, { hostname, interfaces }));
  const { nodes: [ordered] } = fleet.orders.deploy(
    { nodes: [name], image, seed: { mode: "none" }, identity: "assign", force: true },
    { by },
  );
  const { secret = "" } = parseToken(ordered?.token ?? "") ?? {};
  try {
    const { session } = fleet.agents.enrol(secret, { inventory, address, swarm });
    for (const step of steps) {
      if (step.state === "done") fleet.agents.report(fleet.agents.assignmentOf(session), step, { address });
    }
    const message = `installed by the medium ${medium}`;
    const end = { step: "finish" as const, state: "done" as const, elapsedMs: 0, message };
    fleet.agents.report(fleet.agents.assignmentOf(session), end, { address });
  } catch (error) {
    // it must never stay armed: its disk would be overwritten at its next boot
    fleet.orders.cancel(name);
    throw error;
  }
  return fleet.get(name);
}
