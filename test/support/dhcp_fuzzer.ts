/**
 * A program that broadcasts datagrams to the DHCP server port: one per line of FILE, in base64. After every fiftieth
 * it sends an INFORM for its own ADDRESS and waits for the answer, which shows that the server still works, and keeps
 * the server's socket buffer from overflowing.
 */
import { MESSAGE_TYPE } from "../../boot/dhcp/options.ts";
import { clientPacket } from "./dhcp_packets.ts";
import { decodePacket, encodePacket } from "../../boot/dhcp/packet.ts";
import { openUdpPort } from "../../boot/udp_port.ts";

const [file = "", address = ""] = Deno.args;
const server = { hostname: "255.255.255.255", port: 67 };
const port = openUdpPort({ hostname: address, port: 68 });
const buffer = new Uint8Array(4096);
const INFORMS_FROM = 0xffff0000;
let sent = 0;
let answered = 0;

for (const line of (await Deno.readTextFile(file)).split("\n")) {
  await port.send(Uint8Array.from(atob(line), (char) => char.charCodeAt(0)), server);
  if (++sent % 50 === 0) await inform();
}
port.close();
console.log(JSON.stringify({ sent, answered }));

async function inform(): Promise<void> {
  const xid = INFORMS_FROM + sent;
  await port.send(encodePacket(clientPacket({ type: MESSAGE_TYPE.inform, ciaddr: address, xid })), server);
  for (;;) {
    const datagram = await port.receive(buffer);
    if (datagram && decodePacket(datagram.bytes).xid === xid) break;
  }
  answered++;
}
