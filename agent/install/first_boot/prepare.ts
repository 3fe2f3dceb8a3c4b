/**
 * Prepares a clone to report to the server that its own system is up: finds out what its tree offers, and writes the
 * script that runs at the first boot. The script removes itself and everything that belongs to it.
 */
import type { Order } from "#contract/api.ts";
import type { Identity } from "#contract/identity.ts";
import { RackseedError } from "#contract/errors.ts";
import { nodeEnvironment } from "../../hooks/environment.ts";
import { hooksAt } from "../../hooks/hooks_at.ts";
import type { CloneTree } from "../../tree/tree_files.ts";
import { type Client, CLIENTS } from "./clients.ts";
import { hookFile, runScript } from "./run_script.ts";
import { FOLDER, type InitSystem, serviceOf } from "./services.ts";

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
  { order, identity }: {
    order: Pick<Order, "node" | "image" | "version" | "hooks" | "firstBoot">;
    identity: Identity;
  },
): Promise<FirstBootPrepared> {
  const { firstBoot } = order;
  const hooks = hooksAt("first-boot", order);
  if (firstBoot === undefined) return { willReport: false };
  const init = await initSystem(clone);
  const clients = await clientsOf(clone);
  const lack = init === undefined
    ? "neither systemd, OpenRC nor SysV init"
    : clients.length === 0
    ? `none of ${CLIENTS.join(", ")}`
    : undefined;
  if (init === undefined || lack !== undefined) {
    if (hooks.length > 0) {
      throw new RackseedError("cannot set up the hooks of the first boot", {
        reason: `the image has ${lack}.`,
        remedy: `install one of them on the template and capture it again, or remove the hooks: ${
          hooks.map(({ name }) => name).join(", ")
        }.`,
      });
    }
    return { willReport: false, note: `its first boot will not be reported: the image has ${lack}` };
  }
  const { files, links } = serviceOf(init);
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
  return { willReport: true };
}

async function initSystem(clone: CloneTree): Promise<InitSystem | undefined> {
  const init = await clone.linkTarget("/sbin/init");
  if (init?.endsWith("/systemd")) return "systemd";
  const isThere = async (path: string) => await clone.kind(path) !== undefined;
  if (await isThere("/sbin/openrc-run") && await isThere("/etc/runlevels/default")) return "openrc";
  return await isThere("/etc/init.d") && await isThere("/etc/rc2.d") && await isThere("/sbin/init")
    ? "sysv"
    : undefined;
}

async function clientsOf(clone: CloneTree): Promise<Client[]> {
  const found: Client[] = [];
  for (const client of CLIENTS) {
    const kinds = ["/usr/bin", "/bin", "/usr/local/bin"].map((folder) => clone.kind(`${folder}/${client}`));
    if ((await Promise.all(kinds)).some((kind) => kind !== undefined)) found.push(client);
  }
  return found;
}
