/**
 * A PXE client as a program to run in a network namespace: broadcasts a DISCOVER on the interface, collects all offers,
 * and asks the proxy on port 4011 if it is given an address. It prints JSON: the answers that it got.
 *
 *     pxe_client.ts INTERFACE MAC OPTIONS-AS-JSON [PROXY OWN-ADDRESS]
 */
import { BROADCAST, type Ipv4, NO_ADDRESS } from "../../boot/dhcp/address.ts";
import { openOnInterface } from "../../boot/dhcp/interface_socket.ts";
import { MESSAGE_TYPE, OPTION } from "../../boot/dhcp/options.ts";
import { decodePacket, encodePacket, latin1 } from "../../boot/dhcp/packet.ts";
import { clientPacket } from "./dhcp_packets.ts";

/** What a client reads in an answer. */
export interface PxeAnswer {
  readonly type: number | undefined;
  readonly yiaddr: string;
  readonly siaddr: string;
  readonly file: string;
  readonly serverId: string;
  readonly vendorClass: string;
  readonly hasMenu: boolean;
}

const COLLECT_MS = 8000;

if (import.meta.main) {
  const [device = "", mac = "", json = "[]", proxy, own] = Deno.args;
  const options = (JSON.parse(json) as [number, number[]][]).map(([code, value]) =>
    [code, Uint8Array.from(value)] as const
  );
  const port = openOnInterface({ interface: device, hostname: (own ?? NO_ADDRESS) as Ipv4, port: 68 });
  const packet = proxy === undefined
    ? clientPacket({ type: MESSAGE_TYPE.discover, mac, broadcast: true, options })
    : clientPacket({ type: MESSAGE_TYPE.request, mac, ciaddr: own!, options });
  const to = { hostname: proxy ?? BROADCAST, port: proxy === undefined ? 67 : 4011 };
  const answers: PxeAnswer[] = [];
  const wanted = proxy === undefined ? 2 : 1;
  const ask = () => port.send(encodePacket(packet), to);
  const again = setInterval(() => void ask(), 2000);
  const deadline = setTimeout(() => port.close(), COLLECT_MS);
  await ask();
  const buffer = new Uint8Array(4096);
  const seen = new Set<string>();
  while (seen.size < wanted) {
    const datagram = await port.receive(buffer);
    if (datagram === undefined) break;
    const reply = decodePacket(datagram.bytes);
    if (reply.op !== "reply" || reply.xid !== packet.xid) continue;
    const serverId = reply.options.get(OPTION.serverId)?.join(".") ?? "";
    if (seen.has(serverId)) continue;
    seen.add(serverId);
    answers.push({
      type: reply.options.get(OPTION.messageType)?.[0],
      yiaddr: reply.yiaddr,
      siaddr: reply.siaddr,
      file: reply.file,
      serverId,
      vendorClass: latin1(reply.options.get(OPTION.vendorClass) ?? new Uint8Array()),
      hasMenu: reply.options.has(OPTION.vendorSpecific),
    });
  }
  clearInterval(again);
  clearTimeout(deadline);
  port.close();
  console.log(JSON.stringify(answers));
}
