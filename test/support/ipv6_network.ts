/** A program that gives the interface `lan` an IPv6 address as the agent does, and prints what was done. */
import { parseMac } from "../../boot/dhcp/address.ts";
import { findIpv6Address, useIpv6Address } from "../../agent/start/ipv6_network.ts";
import { runCommand } from "../../agent/sys/command.ts";

const [mac = "", server = ""] = Deno.args;
const { signal } = new AbortController();
const found = await findIpv6Address({ name: "lan", mac: parseMac(mac) }, { signal });
console.log(await useIpv6Address(found, { nic: "lan", server, run: runCommand, signal }));
Deno.exit(0);
