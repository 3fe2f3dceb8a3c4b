/** A program that gets a lease for the interface `lan` with the agent's own client, and prints it as JSON. */
import { parseMac } from "../../boot/dhcp/address.ts";
import { requestLease } from "../../boot/dhcp/client.ts";

const [mac = "", timeoutMs = ""] = Deno.args;
const { signal } = new AbortController();
const lease = await requestLease("lan", { mac: parseMac(mac), timeoutMs: Number(timeoutMs), signal });
console.log(JSON.stringify(lease ?? null));
Deno.exit(0);
