import { RackseedError } from "#contract/errors.ts";
import type { ServerOptions } from "../cli/server_options.ts";

/** Throws RackseedError if the server's own packets cannot be of the size that it would tell nodes of. */
export async function refuseLargerFrames(
  { interface: device, mtu }: Pick<ServerOptions, "interface" | "mtu">,
): Promise<void> {
  if (mtu === undefined || device === undefined) return;
  const own = Number(await Deno.readTextFile(`/sys/class/net/${device}/mtu`).catch(() => ""));
  if (own === 0 || own >= mtu) return;
  throw new RackseedError(`cannot tell nodes of an MTU of ${mtu} on ${device}`, {
    reason: `${device} has an MTU of ${own} itself.`,
    remedy:
      `run "ip link set dev ${device} mtu ${mtu}", on every switch in between as well, or choose --mtu ${own}.`,
    status: 400,
  });
}
