/** Gets an address on the interface `lan` with the agent's own DHCP client; takes the MAC address, prints the lease as JSON. */
import { parseMac } from "../../boot/dhcp/address.ts";
import { requestLease } from "../../boot/dhcp/client.ts";

const { signal } = new AbortController();
const lease = await requestLease("lan", { mac: parseMac(Deno.args[0] ?? ""), timeoutMs: 20_000, signal });
console.log(JSON.stringify(lease ?? null));
