/**
 * The DHCP service as a program to run in a network namespace. It takes its options as JSON, and writes its log as
 * JSON lines, of which the first is `{"event":"ready"}`.
 */
import { configure } from "@logtape/logtape";
import type { Ipv4, MacAddress } from "../../boot/dhcp/address.ts";
import type { BootAnswer } from "../../boot/dhcp/boot_client.ts";
import { memoryLeaseStore } from "../../boot/dhcp/testing/memory_lease_store.ts";
import type { DhcpNetwork } from "../../boot/dhcp/policy.ts";
import { startDhcpServer } from "../../boot/dhcp/server.ts";

export interface DhcpServiceOptions extends DhcpNetwork {
  readonly interface: string;
  readonly reserved?: Readonly<Record<MacAddress, Ipv4>>;
  readonly boot?: BootAnswer;
}

export interface LogLine {
  readonly event: string;
  readonly [property: string]: unknown;
}

if (import.meta.main) {
  const { reserved = {}, boot, ...network } = JSON.parse(Deno.args[0] ?? "") as DhcpServiceOptions;
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
  const { finished } = startDhcpServer({
    ...network,
    leases: memoryLeaseStore(),
    reservations: {
      addressOf: (mac) => reserved[mac],
      isReserved: (address) => Object.values(reserved).includes(address),
    },
    answers: () => true,
    knows: () => true,
    bootOptions: () => boot,
    signal: new AbortController().signal,
  });
  console.log(JSON.stringify({ event: "ready" }));
  await finished;
}
