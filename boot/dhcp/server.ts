import { getLogger } from "@logtape/logtape";
import { RackseedError } from "#contract/errors.ts";
import type { UdpPort } from "../udp_port.ts";
import { type Ipv4, NO_ADDRESS, numberOfIpv4, sameSubnet } from "./address.ts";
import { assertPortFree, checkInterface, openOnInterface } from "./interface_socket.ts";
import type { LeaseStore } from "./lease_store.ts";
import { Leases } from "./leases.ts";
import { decide, type DhcpNetwork, type DhcpPolicy, subnetEnds } from "./policy.ts";
import { Reporter } from "./reporter.ts";
import { type DhcpListeners, DhcpService } from "./service.ts";

interface DhcpServerOptions extends DhcpNetwork, Omit<DhcpPolicy, "network">, DhcpListeners {
  /** The one interface to serve; it has `address`. */
  readonly interface: string;
  readonly leases: LeaseStore;
  /** Ends the service. */
  readonly signal: AbortSignal;
}

interface DhcpServer {
  /** Resolves once the signal has ended the service; rejects if anything else ends it. */
  readonly finished: Promise<void>;
}

const SERVER_PORT = 67;

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
  const policy: DhcpPolicy = { network: options, ...options };
  const service = new DhcpService({
    decide: (request) => decide(request, { policy, leases, nowMs: Date.now() }),
    listeners: options,
    reporter: new Reporter(options.range),
  });
  const close = () => {
    broadcasts.close();
    unicasts.close();
  };
  options.signal.addEventListener("abort", close, { once: true });
  if (options.signal.aborted) close();
  const served = [broadcasts, unicasts].map((port) => service.serve(port, { answers: unicasts }));
  const finished = Promise.all(served).finally(() => {
    options.signal.removeEventListener("abort", close);
    close();
  }).then(() => {});
  log.info("serving", { interface: options.interface, address: options.address, range: options.range });
  return { finished };
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
