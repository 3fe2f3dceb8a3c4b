import { getLogger } from "@logtape/logtape";
import { messageOf, RackseedError } from "#contract/errors.ts";
import { BoundedLog } from "../bounded_log.ts";
import type { UdpPort } from "../udp_port.ts";
import { type Ipv4, type MacAddress, NO_ADDRESS, numberOfIpv4, sameSubnet } from "./address.ts";
import type { BootClient } from "./boot_client.ts";
import { assertPortFree, checkInterface, openOnInterface } from "./interface_socket.ts";
import type { LeaseStore } from "./lease_store.ts";
import { Leases } from "./leases.ts";
import { DhcpFormatError } from "./options.ts";
import { decodePacket, encodePacket } from "./packet.ts";
import { decide, type Decision, type DhcpNetwork, type DhcpPolicy, subnetEnds } from "./policy.ts";
import { type DhcpRequest, parseRequest } from "./request.ts";

interface DhcpServerOptions extends DhcpNetwork, Omit<DhcpPolicy, "network"> {
  /** The one interface to serve; it has `address`. */
  readonly interface: string;
  readonly leases: LeaseStore;
  /** Called for each packet with what it asked for ("discover"), and with the answer ("offer") or why there is none. */
  readonly onDecision?: (request: string, answer: string) => void;
  /** Called with each client that asks for an address or a boot file, whether or not it is answered. */
  readonly onClient?: (client: BootClient) => void;
  /** Called for each DISCOVER of a machine that boots from the network, with its `secs`. */
  readonly onBoot?: (discover: { readonly mac: MacAddress; readonly secs: number }) => void;
  /** Ends the service. */
  readonly signal: AbortSignal;
}

interface DhcpServer {
  /** Resolves once the signal has ended the service; rejects if anything else ends it. */
  readonly finished: Promise<void>;
}

const SERVER_PORT = 67;
/** Larger than any packet from an Ethernet client. */
const BUFFER_BYTES = 4096;

/** What a client sends that asks for nothing. */
const LEAVING: readonly DhcpRequest["intent"]["kind"][] = ["decline", "release"];

/** How often to report the same relay of a foreign network. */
const FOREIGN_LINK_MS = 600_000;
const MAX_FOREIGN_LINKS = 256;

const log = getLogger(["rackseed", "dhcp"]);

/** Serves DHCP on one interface until the signal aborts. Throws a RackseedError if the service cannot start. */
export function startDhcpServer(options: DhcpServerOptions): DhcpServer {
  checkNetwork(options);
  checkInterface(options.interface, options.address);
  assertPortFree({ interface: options.interface, port: SERVER_PORT });
  const leases = new Leases(options.leases, {
    range: options.range,
    excluded: new Set([
      options.address,
      ...(options.gateway ? [options.gateway] : []),
      ...(options.dns ?? []),
      ...subnetEnds(options),
    ]),
    isReserved: (address) => options.reservations.isReserved(address),
  });
  // The first socket receives broadcasts. The second is bound to the interface's own address: it receives what
  // renewing clients and relays send there, and sends every answer, so that answers have this source address.
  const at = { interface: options.interface, port: SERVER_PORT };
  const broadcasts = openOnInterface({ ...at, hostname: NO_ADDRESS });
  let unicasts: UdpPort;
  try {
    unicasts = openOnInterface({ ...at, hostname: options.address });
  } catch (error) {
    broadcasts.close();
    throw error;
  }
  const service = new DhcpService({ network: options, ...options }, {
    leases,
    answers: unicasts,
    onDecision: options.onDecision ?? (() => {}),
    onClient: options.onClient ?? (() => {}),
    onBoot: options.onBoot ?? (() => {}),
  });
  const close = () => {
    broadcasts.close();
    unicasts.close();
  };
  options.signal.addEventListener("abort", close, { once: true });
  if (options.signal.aborted) close();
  const finished = Promise.all([service.serve(broadcasts), service.serve(unicasts)]).finally(() => {
    options.signal.removeEventListener("abort", close);
    close();
  }).then(() => {});
  log.info("serving", { interface: options.interface, address: options.address, range: options.range });
  return { finished };
}

class DhcpService {
  readonly #policy: DhcpPolicy;
  readonly #leases: Leases;
  readonly #answers: UdpPort;
  readonly #onDecision: (request: string, answer: string) => void;
  readonly #onClient: (client: BootClient) => void;
  readonly #onBoot: NonNullable<DhcpServerOptions["onBoot"]>;
  readonly #reporter: Reporter;

  constructor(
    policy: DhcpPolicy,
    { leases, answers, onDecision, onClient, onBoot }: {
      leases: Leases;
      answers: UdpPort;
      onDecision: (request: string, answer: string) => void;
      onClient: (client: BootClient) => void;
      onBoot: NonNullable<DhcpServerOptions["onBoot"]>;
    },
  ) {
    this.#policy = policy;
    this.#leases = leases;
    this.#answers = answers;
    this.#onDecision = onDecision;
    this.#onClient = onClient;
    this.#onBoot = onBoot;
    this.#reporter = new Reporter(policy.network);
  }

  async serve(port: UdpPort): Promise<void> {
    const buffer = new Uint8Array(BUFFER_BYTES);
    for (;;) {
      const datagram = await port.receive(buffer);
      if (datagram === undefined) return;
      try {
        await this.#handle(datagram.bytes);
      } catch (error) {
        if (error instanceof DhcpFormatError) {
          this.#onDecision("malformed", "none");
          log.debug("malformed", { from: datagram.from, error: error.message });
        } else log.error("failed", { from: datagram.from, error });
      }
    }
  }

  async #handle(bytes: Uint8Array): Promise<void> {
    const request = parseRequest(decodePacket(bytes)), { client, intent, packet } = request;
    if (client.pxe && intent.kind === "discover") this.#onBoot({ mac: client.mac, secs: packet.secs });
    if (!LEAVING.includes(request.intent.kind)) this.#onClient(request.client);
    const decision = decide(request, { policy: this.#policy, leases: this.#leases, nowMs: Date.now() });
    this.#reporter.report(request, decision, performance.now());
    this.#onDecision(request.intent.kind, decision.kind === "silent" ? decision.why : decision.kind);
    if (decision.kind === "silent") return;
    const reply = encodePacket(decision.reply);
    try {
      await this.#answers.send(reply, decision.to);
    } catch (error) {
      this.#reporter.unsent(request, { to: decision.to, error });
    }
  }
}

/** Logs decisions, rate-limited so that a flood cannot fill the log. */
class Reporter {
  readonly #network: DhcpNetwork;
  readonly #lines = new BoundedLog(log);
  /** When each relay of a foreign network was last reported. */
  readonly #foreign = new Map<Ipv4, number>();

  constructor(network: DhcpNetwork) {
    this.#network = network;
  }

  report({ packet, client, intent, relayed }: DhcpRequest, decision: Decision, nowMs: number): void {
    const about = { mac: client.mac, xid: packet.xid, intent: intent.kind };
    if (decision.kind !== "silent") {
      const { yiaddr: address, file } = decision.reply;
      const { arch, ipxe } = client;
      return this.#lines.write("info", decision.kind, { ...about, address, file, arch, ipxe });
    }
    const { range } = this.#network;
    switch (decision.why) {
      case "exhausted":
        return this.#lines.write("warn", "pool-exhausted", {
          ...about,
          range,
          remedy: "widen the DHCP range, shorten the lease time, or reserve addresses outside the range.",
        });
      case "foreign-link":
        if (!this.#shouldReport(packet.giaddr, nowMs)) return;
        return this.#lines.write("warn", "foreign-link", {
          ...about,
          relay: packet.giaddr,
          link: relayed.link,
          range,
          remedy: "choose a DHCP range on this client's network; the present one belongs to another network.",
        });
      case "declined":
        return this.#lines.write("warn", "declined", {
          ...about,
          remedy: "another machine uses this address: find it, or take the address out of the range.",
        });
      default:
        return log.debug(decision.why, about);
    }
  }

  /** A client may have claimed an address that nothing can be sent to. */
  unsent({ client: { mac } }: DhcpRequest, { to, error }: { to: unknown; error: unknown }): void {
    this.#lines.write("warn", "unsent", { mac, to, error: messageOf(error) });
  }

  #shouldReport(relay: Ipv4, nowMs: number): boolean {
    if (nowMs - (this.#foreign.get(relay) ?? -Infinity) < FOREIGN_LINK_MS) return false;
    const [oldest] = this.#foreign.keys();
    if (oldest !== undefined && this.#foreign.size >= MAX_FOREIGN_LINKS) this.#foreign.delete(oldest);
    this.#foreign.delete(relay);
    this.#foreign.set(relay, nowMs);
    return true;
  }
}

function checkNetwork({ range, netmask, leaseSeconds, address }: DhcpNetwork & { address: Ipv4 }): void {
  const title = `cannot serve DHCP range ${range.first}-${range.last} on ${address}`;
  if (numberOfIpv4(range.first) > numberOfIpv4(range.last)) {
    throw new RackseedError(title, {
      reason: "its last address comes before its first.",
      remedy: "swap the two addresses.",
      status: 400,
    });
  }
  if (!sameSubnet(range.first, { as: range.last, netmask })) {
    throw new RackseedError(title, {
      reason: `with netmask ${netmask}, its two ends are in different networks.`,
      remedy: "choose a range inside one network.",
      status: 400,
    });
  }
  if (!Number.isInteger(leaseSeconds) || leaseSeconds < 1 || leaseSeconds > 0xffffffff) {
    throw new RackseedError(title, {
      reason: `a lease time of ${leaseSeconds} seconds is not valid.`,
      remedy: "choose a whole number of seconds of at least 1, e.g. 3600.",
      status: 400,
    });
  }
}
