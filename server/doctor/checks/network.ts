/** The interface that faces the nodes, and other DHCP servers on it. */
import type { DoctorOptions, DoctorSystem, Finding } from "../finding.ts";

const check = "network";

export async function checkNetwork(
  { interface: name, dhcp, dhcp6 }: DoctorOptions,
  system: DoctorSystem,
): Promise<Finding[]> {
  if (name === undefined) {
    return dhcp !== "off"
      ? [{ check, level: "problem", text: "DHCP has no interface", remedy: "give --interface IF." }]
      : [{ check, level: "ok", text: "no interface was named; the server listens on all" }];
  }
  const state = system.linkState(name);
  if (state === undefined) return [missing(name, system)];
  const [family, example] = dhcp6 === "server"
    ? ["IPv6", "fd00:1::1/64"] as const
    : ["IPv4", "10.0.0.1/24"] as const;
  const address = system.interfaces().find((i) =>
    i.name === name && i.family === family && !/^fe[89ab]/i.test(i.address)
  )?.address;
  const findings: Finding[] = [];
  // virtual interfaces, for instance loopback, say "unknown"
  if (state !== "up" && state !== "unknown") {
    findings.push({
      check,
      level: "problem",
      text: `the interface ${name} is ${state}: no node can reach the server by it`,
      remedy: `check cable and switch port, then: ip link set ${name} up`,
    });
  }
  if (address === undefined) {
    findings.push({
      check,
      level: "problem",
      text: `the interface ${name} has no ${family} address`,
      remedy:
        `give it one: ip address add ${example} dev ${name}, and in the network configuration for good.`,
    });
  }
  if (findings.length > 0 || address === undefined) return findings;
  const up: Finding = { check, level: "ok", text: `the interface ${name} is up with ${address}` };
  // beside another DHCPv6 server a machine takes either's answer
  if (dhcp6 === "server") return [up];
  return [
    up,
    await otherServer(name, { address, dhcp, system }),
  ];
}

function missing(name: string, system: DoctorSystem): Finding {
  const names = [...new Set(system.interfaces().map((i) => i.name))].join(", ");
  return {
    check,
    level: "problem",
    text: `there is no interface ${name}`,
    remedy: `give --interface with one of these: ${names}.`,
  };
}

async function otherServer(
  name: string,
  { address, dhcp, system }: { address: string; dhcp: DoctorOptions["dhcp"]; system: DoctorSystem },
): Promise<Finding> {
  const found = await system.findDhcpServer(name, address);
  const other = found?.serverId === address ? undefined : found?.serverId;
  if (dhcp === "server") {
    return other === undefined ? { check, level: "ok", text: `no other DHCP server answers on ${name}` } : {
      check,
      level: "problem",
      text: `another DHCP server, ${other}, answers on ${name}: nodes take whichever is faster`,
      remedy:
        "switch that server off, run this one with --dhcp proxy, or give the nodes a network of their own.",
    };
  }
  if (other === undefined) {
    return {
      check,
      level: "warning",
      text: `no DHCP server answers on ${name}: nodes there cannot boot from the network`,
      remedy: "start the server with --dhcp server, or set up the site's own DHCP server.",
    };
  }
  const beside = dhcp === "proxy" ? "; this server offers boot files beside it" : "";
  return { check, level: "ok", text: `the site's DHCP server ${other} answers on ${name}${beside}` };
}
