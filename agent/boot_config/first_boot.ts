/** What a system offers to run something at its next start, and to report it. */
import type { TreeReader } from "../tree/tree_files.ts";

export type InitSystem = "systemd" | "openrc" | "sysv";
export const CLIENTS = ["curl", "bash", "perl", "wget"] as const;
export type Client = typeof CLIENTS[number];

export async function initSystem(tree: TreeReader): Promise<InitSystem | undefined> {
  const init = await tree.linkTarget("/sbin/init");
  if (init?.endsWith("/systemd")) return "systemd";
  const isThere = async (path: string) => await tree.kind(path) !== undefined;
  if (await isThere("/sbin/openrc-run") && await isThere("/etc/runlevels/default")) return "openrc";
  return await isThere("/etc/init.d") && await isThere("/etc/rc2.d") && await isThere("/sbin/init")
    ? "sysv"
    : undefined;
}

/** The programs that it can send a report with. */
export async function clientsOf(tree: TreeReader): Promise<Client[]> {
  const found: Client[] = [];
  for (const client of CLIENTS) {
    const kinds = ["/usr/bin", "/bin", "/usr/local/bin"].map((folder) => tree.kind(`${folder}/${client}`));
    if ((await Promise.all(kinds)).some((kind) => kind !== undefined)) found.push(client);
  }
  return found;
}

/** What it lacks for that, as text; undefined if nothing. */
export async function firstBootLack(tree: TreeReader): Promise<string | undefined> {
  if (await initSystem(tree) === undefined) return "neither systemd, OpenRC nor SysV init";
  return (await clientsOf(tree)).length > 0 ? undefined : `none of ${CLIENTS.join(", ")}`;
}
