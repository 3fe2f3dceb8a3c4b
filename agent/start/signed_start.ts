/**
 * The start from a signed image: its command line is the same for every machine, so the agent gets an address by DHCP,
 * and asks the server for its token. Both are unprotected. But the image's signature covers the pin of the server, so
 * that nobody else can give the machine an order.
 */
import { RackseedError } from "#contract/errors.ts";
import { parseToken } from "#contract/token.ts";
import { parseMac } from "../../boot/dhcp/address.ts";
import { readNics } from "../steps/inventory.ts";
import type { StepProgress } from "../steps/step.ts";
import type { Run } from "../sys/command.ts";
import type { BootArguments, SignedArguments } from "./boot_arguments.ts";
import { bootedNic } from "./booted_nic.ts";
import { findAddresses } from "./find_addresses.ts";
import { NIC_MS } from "./nic.ts";
import { deviceOf, type Port, portsOf } from "./port.ts";
import { within } from "./within.ts";

const TOKEN_MS = 20_000;
/** More than any token has. */
const MAX_TOKEN_BYTES = 256;

interface StartOptions {
  readonly update: StepProgress["update"];
  readonly run: Run;
  readonly signal: AbortSignal;
}

/**
 * Tries the NIC that the firmware booted over; if that is not known, each one that has a link. `link` says what was done.
 * Throws RackseedError, with what became of each NIC, if none leads to an order.
 */
export async function fetchOrder(
  { server, pin, orders, vlan }: SignedArguments,
  { update, run, signal }: StartOptions,
): Promise<{ boot: BootArguments; link: string }> {
  await run(["ip", "link", "set", "dev", "lo", "up"], { signal });
  const ports = await portsToTry(vlan, signal);
  const failed: string[] = [];
  for await (const { port, use, reason } of findAddresses(ports, { server, run, signal })) {
    if (use === undefined) {
      failed.push(`${deviceOf(port)} (${port.mac}): ${reason}`);
      continue;
    }
    const link = await use({ run, signal });
    update({ message: `${link}, asking for this machine's order` });
    const answer = await tokenAt(`${orders}${port.mac.replaceAll(":", "-")}`, { pin, signal });
    if ("token" in answer) {
      return { boot: { server, token: answer.token, byKexec: false, lacp: false, mac: port.mac }, link };
    }
    failed.push(`${link} (${port.mac}): ${answer.reason}`);
    await run(["ip", "address", "flush", "dev", deviceOf(port)], { signal });
  }
  throw new RackseedError("cannot get this machine's order", {
    reason: `${failed.join("; ") || "the image's kernel shows no NIC"}.`,
    remedy: "check the network and that the node is armed (rackseed node show NODE), then start it again.",
  });
}

/** If the firmware's boot entry names the NIC, it also names the VLAN, if the firmware sent tags. */
async function portsToTry(vlan: number | undefined, signal: AbortSignal): Promise<Port[]> {
  const booted = await bootedNic();
  const found = await within(NIC_MS, {
    signal,
    ask: async () => {
      const nics = await readNics();
      const fitting = booted === undefined ? nics : nics.filter(({ mac }) => mac === booted.mac);
      return fitting.length > 0 ? fitting : undefined;
    },
  });
  return (found ?? await readNics()).flatMap(({ name, mac }) => {
    const nic = { name, mac: parseMac(mac) };
    return found && booted ? [{ ...nic, vlan: booted.vlan }] : portsOf(nic, vlan);
  });
}

/** The server's answer for a machine. A token with another pin is refused; the server proves itself later, by TLS. */
export async function tokenAt(
  url: string,
  { pin, signal }: { pin: string; signal: AbortSignal },
): Promise<{ token: string } | { reason: string }> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(TOKEN_MS)]);
  let text = "";
  try {
    const response = await fetch(url, { redirect: "error", signal: limit });
    if (response.status === 404) {
      await response.body?.cancel();
      return { reason: "the server has no order for it" };
    }
    if (!response.ok || response.body === null) throw new Error(`HTTP ${response.status}`);
    for await (const part of response.body.pipeThrough(new TextDecoderStream())) {
      text += part;
      if (text.length > MAX_TOKEN_BYTES) throw new Error("the answer is too long");
    }
  } catch (error) {
    signal.throwIfAborted();
    return { reason: `${url}: ${error instanceof Error ? error.message : String(error)}` };
  }
  const token = parseToken(text);
  if (token === undefined) return { reason: `${url} gives no token` };
  if (token.pin !== pin) {
    return { reason: `${url} belongs to another server than the one that signed this image` };
  }
  return { token: text.trim() };
}
