/**
 * A program that brings up NICs as the agent does, "NAME=MAC" or "NAME=MAC=VLAN" …, and prints what becomes of them, up to
 * the first that is given an address; or with --reaches only by which it reaches the server.
 */
import { parseMac } from "../../boot/dhcp/address.ts";
import { bringUpFirst } from "../../agent/start/first_port.ts";
import { findAddresses } from "../../agent/start/find_addresses.ts";
import { deviceOf } from "../../agent/start/port.ts";
import { runCommand as run } from "../../agent/sys/command.ts";

const server = "https://10.77.0.1:8443";
const { signal } = new AbortController();
const reaches = Deno.args.includes("--reaches");
const ports = Deno.args.filter((text) => text !== "--reaches").map((text) => {
  const [name = "", mac = "", vlan] = text.split("=");
  return { name, mac: parseMac(mac), ...(vlan !== undefined && { vlan: Number(vlan) }) };
});
if (reaches) {
  console.log(JSON.stringify(await bringUpFirst(ports, { server, run, signal })));
  Deno.exit(0);
}
for await (const { port, use, reason } of findAddresses(ports, { server, run, signal })) {
  console.log(`${deviceOf(port)}: ${use ? await use({ run, signal }) : reason}`);
  if (use) Deno.exit(0);
}
