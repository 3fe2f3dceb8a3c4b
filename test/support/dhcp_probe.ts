/** A program that looks for a DHCP server on INTERFACE (own ADDRESS) and prints what it found as JSON. */
import { parseIpv4 } from "../../boot/dhcp/address.ts";
import { findOtherDhcpServer } from "../../boot/dhcp/probe.ts";

const [device = "", address = ""] = Deno.args;
const found = await findOtherDhcpServer(device, { address: parseIpv4(address), timeoutMs: 1500 });
console.log(JSON.stringify(found ?? null));
