/**
 * Prepares a clone to report to the server that its own system is up: finds out what its tree offers, and writes the
 * script that runs at the first boot. The script removes itself and everything that belongs to it.
 */
import type { Order } from "#contract/api.ts";
import { RackseedError } from "#contract/errors.ts";
import type { Identity } from "#contract/identity.ts";
import { firstBootObstacle } from "#plan/first_boot_obstacle.ts";
import { nodeEnvironment } from "../../hooks/environment.ts";
import { hooksAt } from "../../hooks/hooks_at.ts";
import type { CloneTree } from "../../tree/tree_files.ts";
import {
  type Client,
  clientsOf,
  firstBootLack,
  type InitSystem,
  initSystem,
} from "../../boot_config/first_boot.ts";
import { hookFile, runScript } from "./run_script.ts";
import { FOLDER, serviceOf } from "./services.ts";

interface FirstBootPrepared {
  /** Whether the clone will report. */
  readonly willReport: boolean;
  /** What it lacks for that, as text. */
  readonly note?: string;
}

/**
 * Throws RackseedError if there are first-boot hooks that the clone could not run.
 *
 * @example
 * ```ts
 * import type { Order } from "#contract/api.ts";
 * import { CloneTree } from "../../tree/tree_files.ts";
 * import { prepareFirstBoot } from "./prepare.ts";
 *
 * async function willReport(at: string, order: Order): Promise<boolean> {
 *   const identity = order.identity.assigned;
 *   return (await prepareFirstBoot(new CloneTree(at), { order, identity })).willReport;
 * }
 * ```
 */
export async function prepareFirstBoot(
  clone: CloneTree,
  { order, identity }: { order: FirstBootOrder; identity: Identity },
): Promise<FirstBootPrepared> {
  const { firstBoot, ...facts } = order;
  if (firstBoot === undefined) return { willReport: false };
  const init = await initSystem(clone);
  const clients = await clientsOf(clone);
  if (init !== undefined && clients.length > 0) {
    await writeScript(clone, { order: facts, identity, firstBoot, init, clients });
    return { willReport: true };
  }
  const lack = await firstBootLack(clone) ?? "";
  const obstacle = firstBootObstacle(lack, hooksAt("first-boot", order).map(({ name }) => name));
  if (obstacle !== undefined) {
    throw new RackseedError("cannot set up the hooks of the first boot", { ...obstacle, status: 409 });
  }
  return { willReport: false, note: `its first boot will not be reported: the image has ${lack}` };
}

type FirstBootOrder = Pick<Order, "node" | "image" | "version" | "hooks" | "firstBoot">;

async function writeScript(
  clone: CloneTree,
  { order, identity, firstBoot, init, clients }: {
    order: Omit<FirstBootOrder, "firstBoot">;
    identity: Identity;
    firstBoot: NonNullable<Order["firstBoot"]>;
    init: InitSystem;
    clients: readonly Client[];
  },
): Promise<void> {
  const { files, links } = serviceOf(init);
  const hooks = hooksAt("first-boot", order);
  const script = runScript({
    url: firstBoot.url,
    tryForSeconds: firstBoot.tryForSeconds,
    clients,
    hooks,
    environment: nodeEnvironment("first-boot", { order, identity }),
    folder: FOLDER,
    belongings: [...files, ...links].map(({ path }) => path),
  });
  await clone.write(`${FOLDER}/token`, { text: `${firstBoot.token}\n`, mode: 0o600 });
  for (const [i, hook] of hooks.entries()) {
    await clone.write(`${FOLDER}/hooks/${hookFile(hook, i)}`, { text: hook.script, mode: 0o700 });
  }
  await clone.write(`${FOLDER}/run`, { text: script, mode: 0o700 });
  for (const file of files) await clone.write(file.path, file);
  for (const { path, target } of links) await clone.link(path, { target });
}
