import { getLogger } from "@logtape/logtape";
import type { UdpPort } from "../udp_port.ts";
import { NO_ADDRESS } from "./address.ts";
import { assertPortFree, checkInterface, openOnInterface } from "./interface_socket.ts";
import { decideProxy, PROXY_PORT, type ProxyPolicy } from "./proxy_policy.ts";
import { PORT } from "./reply.ts";
import { Reporter } from "./reporter.ts";
import { type DhcpListeners, DhcpService } from "./service.ts";

interface ProxyDhcpOptions extends ProxyPolicy, DhcpListeners {
  /** The one interface to serve; it has `address`. */
  readonly interface: string;
  /** Ends the service. */
  readonly signal: AbortSignal;
}

interface ProxyDhcp {
  /** Resolves once the signal has ended the service; rejects if anything else ends it. */
  readonly finished: Promise<void>;
}

const log = getLogger(["rackseed", "dhcp"]);

/**
 * Serves boot files beside another DHCP server until the signal aborts (proxyDHCP, PXE 2.1 §2.2): port 67 hears what
 * clients broadcast and relays forward, port 4011 is asked by clients that have their address. Throws a
 * RackseedError if the service cannot start.
 */
export function startProxyDhcp(options: ProxyDhcpOptions): ProxyDhcp {
  const { interface: device, address, signal } = options;
  checkInterface(device, address);
  for (const port of [PORT.server, PROXY_PORT]) assertPortFree({ interface: device, port });
  const opened: UdpPort[] = [];
  const close = () => opened.forEach((port) => port.close());
  const open = (at: { hostname: typeof address; port: number }) => {
    const port = openOnInterface({ interface: device, ...at });
    opened.push(port);
    return port;
  };
  const service = new DhcpService({
    decide: (request, arrival) => decideProxy(request, { policy: options, arrival }),
    listeners: options,
    reporter: new Reporter(),
  });
  let served: Promise<void>[];
  try {
    const broadcasts = open({ hostname: NO_ADDRESS, port: PORT.server });
    const unicasts = open({ hostname: address, port: PORT.server });
    const asked = open({ hostname: address, port: PROXY_PORT });
    served = [
      service.serve(broadcasts, { answers: unicasts }),
      service.serve(unicasts, { answers: unicasts }),
      service.serve(asked, { answers: asked }),
    ];
  } catch (error) {
    close();
    throw error;
  }
  signal.addEventListener("abort", close, { once: true });
  if (signal.aborted) close();
  const finished = Promise.all(served).finally(() => {
    signal.removeEventListener("abort", close);
    close();
  }).then(() => {});
  log.info("serving-proxy", { interface: device, address, ports: [PORT.server, PROXY_PORT] });
  return { finished };
}
