/** Frames larger than usual (jumbo frames): the size that the network's DHCP server names, if the path to the server has it. */
import { messageOf } from "#contract/errors.ts";
import { isIP } from "node:net";
import type { Run } from "../sys/command.ts";
import { echoes } from "../sys/echo.ts";
import { firstLine, namesIn } from "../sys/small_file.ts";

/** RFC 894 */
const USUAL_MTU = 1500;

/**
 * Sets the MTU of a device that has its address. If a packet of that size does not get to the server and back, some
 * switch or the server itself drops it without a word: then it stays at 1500, since every transfer would hang. Returns
 * what was done, as text.
 */
export async function setFrameSize(
  mtu: number,
  { device, server, run, signal }: { device: string; server: string; run: Run; signal: AbortSignal },
): Promise<string> {
  const set = (name: string, bytes: number) =>
    run(["ip", "link", "set", "dev", name, "mtu", `${bytes}`], { signal });
  try {
    for (const name of [...await below(device), device]) await set(name, mtu);
  } catch (error) {
    await set(device, USUAL_MTU);
    return `MTU ${USUAL_MTU}, as ${device} takes no MTU of ${mtu}: ${messageOf(error)}`;
  }
  const host = new URL(server).hostname;
  if (mtu <= USUAL_MTU || isIP(host) === 4 && await echoes(host, { bytes: mtu, device, signal })) {
    return `MTU ${mtu}`;
  }
  await set(device, USUAL_MTU);
  return `MTU ${USUAL_MTU}: packets of ${mtu} bytes, the MTU that DHCP names, do not get to ${host} and back; ` +
    "check the MTU of the switches in between and of the server's interface";
}

/** What carries a VLAN or a bond, the lowest first. */
async function below(device: string): Promise<string[]> {
  const at = `/sys/class/net/${device}`;
  const lower = (await namesIn(at)).flatMap((name) => /^lower_(.+)$/.exec(name)?.[1] ?? []);
  const found: string[] = [];
  for (const name of lower) {
    // the other end of a virtual cable is not below it
    if (await firstLine(`/sys/class/net/${name}/ifindex`) === undefined) continue;
    found.push(...await below(name), name);
  }
  return found;
}
