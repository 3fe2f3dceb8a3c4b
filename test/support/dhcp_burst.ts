/** A program that broadcasts datagrams to the DHCP server port at once: one per line of FILE, in base64, from ADDRESS. */
import { openUdpPort } from "../../boot/udp_port.ts";

const [file = "", address = ""] = Deno.args;
const port = openUdpPort({ hostname: address, port: 68 });
for (const line of (await Deno.readTextFile(file)).split("\n")) {
  const bytes = Uint8Array.from(atob(line), (char) => char.charCodeAt(0));
  await port.send(bytes, { hostname: "255.255.255.255", port: 67 });
}
port.close();
