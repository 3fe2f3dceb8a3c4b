import { getLogger } from "@logtape/logtape";
import { messageOf } from "#contract/errors.ts";
import { BoundedLog } from "../bounded_log.ts";
import { bytesOfMac, type MacAddress } from "../dhcp/address.ts";
import { assertPortFree, openOnInterface } from "../dhcp/interface_socket.ts";
import type { UdpPort } from "../udp_port.ts";
import { bytesOfIpv6, type Ipv6, parseIpv6 } from "./address.ts";
import { Bindings } from "./bindings.ts";
import { Dhcp6FormatError, encodeMessage } from "./message.ts";
import { decide, type Dhcp6Policy } from "./policy.ts";
import { wrap } from "./relay.ts";
import { type Dhcp6Client, type Dhcp6Request, parseRequest } from "./request.ts";

interface Dhcp6ServerOptions extends Omit<Dhcp6Policy, "serverId"> {
  /** The one interface to serve. */
  readonly interface: string;
  /** Its MAC address, of which this server's identifier is made. */
  readonly mac: MacAddress;
  /** The server's own address on it. */
  readonly address: Ipv6;
  readonly reserved: (mac: MacAddress) => Ipv6 | undefined;
  /** Called for each message with what it asked for ("solicit"), and with the answer ("advertise") or why there is none. */
  readonly onDecision?: (request: string, answer: string) => void;
  /** Called with each client that asks for an address or a boot file, whether or not it is answered. */
  readonly onClient?: (client: Dhcp6Client) => void;
  /** Ends the service. */
  readonly signal: AbortSignal;
}

export const SERVER_PORT = 547, CLIENT_PORT = 546;
/** All_DHCP_Relay_Agents_and_Servers, RFC 8415 §7.1. */
export const ALL_SERVERS = bytesOfIpv6(parseIpv6("ff02::1:2"));
/** Larger than what any client or relay sends. */
const BUFFER_BYTES = 4096;

const log = getLogger(["rackseed", "dhcp6"]);

/** Serves DHCPv6 on one interface until the signal aborts. Throws a RackseedError if the service cannot start. */
export function startDhcp6Server(options: Dhcp6ServerOptions): { readonly finished: Promise<void> } {
  const { interface: device, mac, address, prefix, signal } = options;
  assertPortFree({ interface: device, port: SERVER_PORT, family: 6 });
  const port = openOnInterface({ interface: device, hostname: "::", port: SERVER_PORT, group: ALL_SERVERS });
  const bindings = new Bindings({ prefix, excluded: new Set([address]), reserved: options.reserved });
  const service = new Dhcp6Service(port, { ...options, serverId: serverIdOf(mac), bindings });
  const close = () => port.close();
  signal.addEventListener("abort", close, { once: true });
  if (signal.aborted) close();
  const finished = service.serve().finally(() => {
    signal.removeEventListener("abort", close);
    close();
  });
  log.info("serving", { interface: device, address, prefix: `${prefix.network}/${prefix.length}` });
  return { finished };
}

/** DUID-LL, RFC 8415 §11.4: the same at every start. */
function serverIdOf(mac: MacAddress): Uint8Array {
  return Uint8Array.of(0, 3, 0, 1, ...bytesOfMac(mac));
}

type ServiceOptions = Dhcp6Policy & Pick<Dhcp6ServerOptions, "onDecision" | "onClient"> & {
  readonly bindings: Bindings;
};

class Dhcp6Service {
  readonly #port: UdpPort;
  readonly #options: ServiceOptions;
  readonly #lines = new BoundedLog(log);

  constructor(port: UdpPort, options: ServiceOptions) {
    this.#port = port;
    this.#options = options;
  }

  /** Until the port is closed. No message ends it. */
  async serve(): Promise<void> {
    const buffer = new Uint8Array(BUFFER_BYTES);
    for (;;) {
      const datagram = await this.#port.receive(buffer);
      if (datagram === undefined) return;
      const { bytes, from } = datagram;
      try {
        await this.#handle(parseRequest(bytes, parseIpv6(from.hostname)), from.hostname);
      } catch (error) {
        if (error instanceof Dhcp6FormatError) {
          this.#options.onDecision?.("malformed", "none");
          log.debug("malformed", { from, error: error.message });
        } else log.error("failed", { from, error: messageOf(error) });
      }
    }
  }

  async #handle(request: Dhcp6Request, hostname: string): Promise<void> {
    const { client, intent, hops, message } = request;
    const { onClient, onDecision, bindings } = this.#options;
    if (intent !== "release" && intent !== "decline") onClient?.(client);
    const decision = decide(request, { policy: this.#options, bindings, nowMs: Date.now() });
    onDecision?.(intent, decision.kind === "silent" ? decision.why : decision.kind);
    const about = { mac: client.mac, xid: message.transaction, intent };
    if (decision.kind === "silent") {
      if (decision.why !== "foreign-link" && decision.why !== "no-address") {
        return log.debug(decision.why, about);
      }
      return this.#lines.write("warn", decision.why, { ...about, link: request.link });
    }
    const { address, answer } = decision, { arch, ipxe } = client;
    this.#lines.write("info", decision.kind, { ...about, address, arch, ipxe });
    if (intent === "decline") {
      this.#lines.write("warn", "declined", {
        ...about,
        remedy: "another machine uses this node's address.",
      });
    }
    const bytes = encodeMessage(answer);
    const port = hops.length > 0 ? SERVER_PORT : CLIENT_PORT;
    try {
      await this.#port.send(hops.length > 0 ? wrap(bytes, hops) : bytes, { hostname, port });
    } catch (error) {
      this.#lines.write("warn", "unsent", { ...about, to: hostname, error: messageOf(error) });
    }
  }
}
