/**
 * Lets a clone tell the server that its own system is up: looks what its tree offers, writes what runs at the
 * first boot. All of it is gone from the clone's disk afterwards.
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
  /** What it lacks for that, in words. */
  readonly note?: string;
}

/** Throws RackseedError where the clone has hooks that it could not run. */
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
        remedy: `install one of them on the template and capture it again, or take the hooks away: ${
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
