import { getLogger } from "@logtape/logtape";
import { messageOf } from "#contract/errors.ts";
import { BoundedLog } from "../bounded_log.ts";
import { type MacAddress, macOfBytes } from "../dhcp/address.ts";
import { TokenBucket } from "../token_bucket.ts";
import type { Ipv6Prefix } from "../dhcp6/address.ts";
import { encodeAdvertisement } from "./advertisement.ts";
import { Icmpv6Socket, type SolicitationPort } from "./icmpv6_socket.ts";
import { ALL_NODES, decide } from "./policy.ts";
import { decodeSolicitation, NdpFormatError } from "./solicitation.ts";

interface RouterAdvertisementOptions {
  /** The one interface to serve. */
  readonly interface: string;
  /** Of the machines that are answered; with a link to announce, all are. */
  readonly answers: (mac: MacAddress) => boolean;
  /** The link's prefix, if this server gives addresses of it by DHCPv6. */
  readonly link?: Ipv6Prefix;
  /** Ends the service. */
  readonly signal: AbortSignal;
}

/** Between advertisements that nobody has asked for, RFC 4861 §6.2.1: 200 to 600 s by default. */
const REPEAT_MS = 300_000;

/** A machine asks about once a second for 13 s. */
const PACE = { burst: 2000, perSecond: 500 };

const log = getLogger(["rackseed", "ndp"]);

/**
 * Answers router solicitations on one interface until the signal aborts. A machine boots without it, only later: if it
 * cannot be had, the log says why, and the result is undefined.
 */
export function startRouterAdvertisements(
  options: RouterAdvertisementOptions,
): { readonly finished: Promise<void> } | undefined {
  const { interface: device, answers, link, signal } = options;
  if (isRouter(device)) {
    log.info("not-served", {
      interface: device,
      reason: "this machine forwards IPv6 there, so its own router advertisement daemon answers",
    });
    return undefined;
  }
  let port: SolicitationPort;
  try {
    port = new Icmpv6Socket(device);
  } catch (error) {
    log.warn("not-served", {
      interface: device,
      error: messageOf(error),
      remedy: link === undefined ? "iPXE waits 13 s per stage" : "no machine learns of this DHCPv6 server",
    });
    return undefined;
  }
  const repeat = link && setInterval(() => advertiseToAll(port, link), REPEAT_MS);
  const close = () => {
    clearInterval(repeat);
    port.close();
  };
  signal.addEventListener("abort", close, { once: true });
  if (signal.aborted) close();
  else if (link) advertiseToAll(port, link);
  const finished = serveSolicitations(port, link ? { answers: "all", link } : { answers }).finally(() => {
    signal.removeEventListener("abort", close);
    close();
  });
  log.info("serving", { interface: device });
  return { finished };
}

/** Until the port is closed. No message ends it. */
export async function serveSolicitations(
  port: SolicitationPort,
  { answers, link }: { readonly answers: ((mac: MacAddress) => boolean) | "all"; readonly link?: Ipv6Prefix },
): Promise<void> {
  const lines = new BoundedLog(log);
  const policy = { answers, pace: new TokenBucket(PACE) };
  for (;;) {
    const message = await port.receive();
    if (message === undefined) return;
    try {
      const solicitation = decodeSolicitation(message);
      const decision = decide(solicitation, { policy, nowMs: performance.now() });
      const { mac } = solicitation;
      if (decision.kind === "silent") {
        log.debug(decision.why, { mac });
        continue;
      }
      port.send(encodeAdvertisement(link), decision.to);
      lines.write("info", "advertised", { mac });
    } catch (error) {
      if (error instanceof NdpFormatError) log.debug("malformed", { error: error.message });
      else lines.write("warn", "unsent", { to: macOfBytes(message.source), error: messageOf(error) });
    }
  }
}

function advertiseToAll(port: SolicitationPort, link: Ipv6Prefix): void {
  try {
    port.send(encodeAdvertisement(link), ALL_NODES);
  } catch (error) {
    log.debug("unsent", { error: messageOf(error) });
  }
}

/** Whether the kernel forwards IPv6 packets that arrive at this interface. */
function isRouter(device: string): boolean {
  try {
    return Deno.readTextFileSync(`/proc/sys/net/ipv6/conf/${device}/forwarding`).trim() !== "0";
  } catch {
    return false; // no IPv6 at all: the socket's error says so
  }
}
