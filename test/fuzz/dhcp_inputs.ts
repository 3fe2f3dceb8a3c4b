import fc from "fast-check";
import { bytesOfIpv4, bytesOfMac, parseIpv4, parseMac } from "../../boot/dhcp/address.ts";
import { MESSAGE_TYPE, OPTION } from "../../boot/dhcp/options.ts";
import { encodePacket } from "../../boot/dhcp/packet.ts";
import { clientPacket } from "../support/dhcp_packets.ts";

/** Valid packets of 21 PXE clients, of every type; with `relay`, some are relayed or use option 52. */
export function clientPackets(
  { server, addresses, relay }: { server: string; addresses: readonly string[]; relay?: string },
): fc.Arbitrary<Uint8Array> {
  const text = (value: string) => new TextEncoder().encode(value);
  return fc.tuple(
    fc.constantFrom(...Object.values(MESSAGE_TYPE)),
    fc.constantFrom(server, ...addresses, "0.0.0.0", "255.255.255.255"),
    fc.nat(20),
  ).map(([type, address, machine]) => {
    const options: [number, Uint8Array][] = [
      [OPTION.vendorClass, text("PXEClient:Arch:00007:UNDI:003016")],
      [OPTION.clientArchitecture, Uint8Array.of(0, 7)],
      [OPTION.clientUuid, Uint8Array.of(0, ...bytesOfIpv4(parseIpv4(address)), ...new Uint8Array(12))],
      [OPTION.clientId, Uint8Array.of(1, ...bytesOfMac(parseMac("52:54:00:00:00:01")))],
      [OPTION.userClass, text("iPXE")],
    ];
    if (relay !== undefined) {
      options.push([OPTION.overload, Uint8Array.of(machine % 4)]);
      const [link, serverId] = [bytesOfIpv4(parseIpv4("10.0.0.0")), bytesOfIpv4(parseIpv4(relay))];
      options.push([OPTION.relayAgent, Uint8Array.of(1, 3, 1, 2, 3, 5, 4, ...link, 11, 4, ...serverId)]);
    }
    return encodePacket(clientPacket({
      type,
      mac: `52:54:00:00:00:${machine.toString(16).padStart(2, "0")}`,
      requested: address,
      serverId: server,
      ciaddr: machine % 3 === 0 ? address : "0.0.0.0",
      giaddr: relay !== undefined && machine % 4 === 0 ? relay : "0.0.0.0",
      options,
    }));
  });
}
