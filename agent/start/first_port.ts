/** Which of several ways into a network leads to the server. */
import type { Run } from "../sys/command.ts";
import { findAddresses } from "./find_addresses.ts";
import { deviceOf, type Port } from "./port.ts";
import { within } from "./within.ts";

/** A server answers at once; one that is being started again is waited for later, by the step that enrols. */
const ANSWER_MS = 20_000;

/**
 * Brings up the first port that is given an address. If a NIC is tried with a tag and without, the server has to answer
 * there: the network without tags may be another one, with a DHCP server of its own. `link`: what was done, as text.
 */
export async function bringUpFirst(
  ports: readonly Port[],
  { server, run, signal }: { readonly server: string; readonly run: Run; readonly signal: AbortSignal },
): Promise<{ readonly link: string } | { readonly reasons: readonly string[] }> {
  const reasons: string[] = [], mustAnswer = ports.length > 1 && ports.some(({ vlan }) => vlan !== undefined);
  for await (const { port, use, reason } of findAddresses(ports, { server, run, signal })) {
    const device = deviceOf(port);
    if (use === undefined) {
      reasons.push(`${device} (${port.mac}): ${reason}`);
      continue;
    }
    const link = await use({ run, signal });
    if (!mustAnswer || await answers(server, signal)) return { link };
    reasons.push(`${link}: ${server} does not answer`);
    await run(["ip", "address", "flush", "dev", device], { signal });
  }
  return { reasons };
}

/** Whether something listens there. */
async function answers(server: string, signal: AbortSignal): Promise<boolean> {
  const { hostname, port } = new URL(server);
  const limit = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]);
  const to = { hostname: hostname.replace(/^\[|\]$/g, ""), port: Number(port || 443), signal: limit };
  const ask = async () => {
    try {
      using _ = await Deno.connect(to);
      return true;
    } catch {
      return undefined;
    }
  };
  return await within(ANSWER_MS, { ask, signal }) ?? false;
}
