/** A program that gets an address for the interface `lan` with the agent's own DHCPv6 client, and prints it as JSON. */
import { parseMac } from "../../boot/dhcp/address.ts";
import { requestLease6 } from "../../boot/dhcp6/client.ts";

const [mac = "", timeoutMs = ""] = Deno.args;
const { signal } = new AbortController();
const address = await requestLease6("lan", { mac: parseMac(mac), timeoutMs: Number(timeoutMs), signal });
console.log(JSON.stringify(address ?? null));
Deno.exit(0);
