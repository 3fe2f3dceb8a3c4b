/** A program that brings up NICs as the agent does, "NAME=MAC …", and prints the first that is given an address. */
import { parseMac } from "../../boot/dhcp/address.ts";
import { findAddresses } from "../../agent/start/find_addresses.ts";
import { runCommand as run } from "../../agent/sys/command.ts";

const { signal } = new AbortController();
const ports = Deno.args.map((text) => {
  const [name = "", mac = ""] = text.split("=");
  return { name, mac: parseMac(mac) };
});
for await (const { port, use, reason } of findAddresses(ports, { server6: undefined, run, signal })) {
  console.log(`${port.name}: ${use ? await use({ run, signal }) : reason}`);
  if (use) Deno.exit(0);
}
