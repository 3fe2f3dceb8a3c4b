/** Whether the server can have its ports. */
import type { DoctorOptions, DoctorSystem, Finding } from "../finding.ts";

const check = "ports";
const DEFAULT_HTTPS = 8443;
const RSYNC = "rsync";

interface Service {
  readonly name: string;
  readonly option: string;
  readonly protocol: "tcp" | "udp";
  readonly port: number | undefined;
}

function servicesOf(options: DoctorOptions): Service[] {
  const { listen, httpPort, peerPort, trackerPort, tftpPort, rsyncPort, dhcp, dhcp6 } = options;
  return [
    { name: "HTTPS", option: "--listen", protocol: "tcp", port: listen?.port ?? DEFAULT_HTTPS },
    { name: "HTTP", option: "--http-port", protocol: "tcp", port: httpPort },
    { name: "BitTorrent", option: "--peer-port", protocol: "tcp", port: peerPort },
    { name: "the tracker", option: "--tracker-port", protocol: "udp", port: trackerPort },
    { name: "TFTP", option: "--tftp-port", protocol: "udp", port: tftpPort },
    { name: RSYNC, option: "--rsync-port", protocol: "tcp", port: rsyncPort },
    { name: "DHCP", option: "--dhcp off", protocol: "udp", port: dhcp === "off" ? undefined : 67 },
    { name: "proxyDHCP", option: "--dhcp off", protocol: "udp", port: dhcp === "proxy" ? 4011 : undefined },
    { name: "DHCPv6", option: "--dhcp6 off", protocol: "udp", port: dhcp6 === "server" ? 547 : undefined },
  ];
}

/** The ports that nodes must reach, for the firewall too. */
export function portsOf(options: DoctorOptions): (Service & { readonly port: number })[] {
  return servicesOf(options).flatMap((service) =>
    service.port === undefined || service.port === 0 ? [] : [{ ...service, port: service.port }]
  );
}

export function checkPorts(options: DoctorOptions, system: DoctorSystem): Finding[] {
  const own = system.serverPid(options.data);
  const all = portsOf(options);
  const problems = all.flatMap(({ name, option, protocol, port }): Finding[] => {
    const problem = system.portProblem({ protocol, port }, options.listen?.hostname ?? "0.0.0.0");
    if (problem === undefined || (own !== undefined && problem.pid === own)) return [];
    const remedy = `${problem.remedy} Or choose another one: ${option}`;
    // the server starts without it: nodes then fetch torrent files over HTTPS
    const level = name === RSYNC && options.rsyncMayFail ? "warning" : "problem";
    return [{ check, level, text: `${name} cannot have its port: ${problem.reason}`, remedy }];
  });
  if (problems.length > 0) return problems;
  const text = own === undefined ? "all ports are free" : `the server, process ${own}, has its ports`;
  return [{ check, level: "ok", text }];
}
