/**
 * DHCPv6 and router advertisements as a program to run in a network namespace. It takes its options as JSON, and writes
 * its log as JSON lines, of which the first is `{"event":"ready"}`.
 */
import { configure } from "@logtape/logtape";
import { parseMac } from "../../boot/dhcp/address.ts";
import type { BootAnswer } from "../../boot/dhcp/boot_client.ts";
import { parseIpv6, prefixOf } from "../../boot/dhcp6/address.ts";
import { startDhcp6Server } from "../../boot/dhcp6/server.ts";
import { startRouterAdvertisements } from "../../boot/ndp/server.ts";

interface Dhcp6ServiceOptions {
  readonly interface: string;
  readonly mac: string;
  readonly address: string;
  readonly dns?: readonly string[];
  readonly leaseSeconds?: number;
  readonly boot?: BootAnswer;
  readonly advertises?: boolean;
}

if (import.meta.main) {
  const options = JSON.parse(Deno.args[0] ?? "") as Dhcp6ServiceOptions;
  const { interface: device, mac, dns = [], leaseSeconds = 600, boot, advertises = true } = options;
  await configure({
    sinks: {
      lines: (record) =>
        console.log(JSON.stringify({ event: record.message.join(""), ...record.properties })),
    },
    loggers: [
      { category: "rackseed", lowestLevel: "debug", sinks: ["lines"] },
      { category: ["logtape", "meta"], lowestLevel: "error", sinks: ["lines"] },
    ],
  });
  const { signal } = new AbortController();
  const address = parseIpv6(options.address), prefix = prefixOf(address, 64);
  const dhcp = startDhcp6Server({
    interface: device,
    mac: parseMac(mac),
    address,
    prefix,
    dns: dns.map(parseIpv6),
    leaseSeconds,
    reserved: () => undefined,
    answers: () => true,
    knows: () => true,
    bootOptions: () => boot,
    signal,
  });
  if (advertises) {
    startRouterAdvertisements({
      interface: device,
      answers: () => false,
      link: prefix,
      signal,
    });
  }
  console.log(JSON.stringify({ event: "ready" }));
  await dhcp.finished;
}
