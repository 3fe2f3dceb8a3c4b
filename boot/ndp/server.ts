import { getLogger } from "@logtape/logtape";
import { messageOf } from "#contract/errors.ts";
import { BoundedLog } from "../bounded_log.ts";
import { type MacAddress, macOfBytes } from "../dhcp/address.ts";
import { TokenBucket } from "../token_bucket.ts";
import { encodeEmptyAdvertisement } from "./advertisement.ts";
import { Icmpv6Socket, type SolicitationPort } from "./icmpv6_socket.ts";
import { decide } from "./policy.ts";
import { decodeSolicitation, NdpFormatError } from "./solicitation.ts";

interface RouterAdvertisementOptions {
  /** The one interface to serve. */
  readonly interface: string;
  readonly answers: (mac: MacAddress) => boolean;
  /** Ends the service. */
  readonly signal: AbortSignal;
}

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
  const { interface: device, answers, signal } = options;
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
      remedy: "iPXE waits 13 s per stage",
    });
    return undefined;
  }
  const close = () => port.close();
  signal.addEventListener("abort", close, { once: true });
  if (signal.aborted) close();
  const finished = serveSolicitations(port, { answers }).finally(() => {
    signal.removeEventListener("abort", close);
    close();
  });
  log.info("serving", { interface: device });
  return { finished };
}

/** Until the port is closed. No message ends it. */
export async function serveSolicitations(
  port: SolicitationPort,
  { answers }: { readonly answers: (mac: MacAddress) => boolean },
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
      port.send(encodeEmptyAdvertisement(), decision.to);
      lines.write("info", "advertised", { mac });
    } catch (error) {
      if (error instanceof NdpFormatError) log.debug("malformed", { error: error.message });
      else lines.write("warn", "unsent", { to: macOfBytes(message.source), error: messageOf(error) });
    }
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
