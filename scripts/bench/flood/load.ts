/**
 * One flood, in a process of its own, which ends after the given time.
 *
 *     load.ts idle|slow PORT[,PORT] --connections N [--sources N] --seconds S
 *     load.ts tftp|dhcp --rate R [--sources N] --seconds S
 *
 * `idle` sends nothing; `slow` sends a byte of a header field every two seconds. Connections that the server closes
 * are reopened, at most 100 per second. `tftp` requests files with the longest timeout and never acknowledges.
 */
import { connect, type Socket } from "node:net";
import { parseArgs } from "node:util";
import { parseIpv4 } from "../../../boot/dhcp/address.ts";
import { encodePacket } from "../../../boot/dhcp/packet.ts";
import { MESSAGE_TYPE } from "../../../boot/dhcp/options.ts";
import { clientPacket } from "../../../test/support/dhcp_packets.ts";
import { SERVER } from "./lab.ts";
import { PXE } from "./pxe.ts";

const OPENED_AT_ONCE = 100;
const TICK_MS = 50;
const AGAIN_A_TICK = 5;
const BYTE_EVERY_MS = 2000;
const { values, positionals: [kind = "", portsText = ""] } = parseArgs({
  allowPositionals: true,
  options: {
    connections: { type: "string", default: "0" },
    rate: { type: "string", default: "0" },
    sources: { type: "string", default: "1" },
    seconds: { type: "string", default: "10" },
  },
});
const sources = Number(values.sources);
const source = (i: number) => `10.99.${128 + Math.floor(i % sources / 250)}.${1 + i % sources % 250}`;
const open = new Set<Socket>();

setTimeout(() => Deno.exit(0), Number(values.seconds) * 1000);
if (kind === "idle" || kind === "slow") await hold(portsText.split(",").map(Number));
else await send(kind === "tftp" ? tftpDatagram : dhcpDatagram, kind === "tftp" ? 69 : 67);

/** Keeps this many connections open to each port. */
async function hold(ports: readonly number[]): Promise<void> {
  const each = Number(values.connections);
  let opened = 0;
  const openOne = (port: number) => {
    const socket = connect({ host: SERVER, port, localAddress: source(opened++) });
    socket.on("error", () => {});
    socket.on("close", () => open.delete(socket));
    socket.on("connect", () => {
      if (kind === "slow") socket.write("GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ");
    });
    socket.resume();
    open.add(socket);
  };
  for (let i = 0; i < each * ports.length; i++) {
    openOne(ports[i % ports.length] as number);
    if (i % OPENED_AT_ONCE === 0) await pause(TICK_MS);
  }
  console.log("up");
  if (kind === "slow") setInterval(() => open.forEach((socket) => socket.write("a")), BYTE_EVERY_MS);
  for (;;) {
    const missing = Math.min(AGAIN_A_TICK, each * ports.length - open.size);
    for (let i = 0; i < missing; i++) openOne(ports[i % ports.length] as number);
    await pause(TICK_MS);
  }
}

async function send(datagram: (i: number) => Uint8Array, port: number): Promise<void> {
  const sockets = Array.from(
    { length: sources },
    (_, i) => Deno.listenDatagram({ transport: "udp", hostname: source(i), port: port === 67 ? 67 : 0 }),
  );
  console.log("up");
  const perTick = Number(values.rate) * TICK_MS / 1000;
  for (let i = 0;;) {
    for (let n = 0; n < perTick; n++, i++) {
      const socket = sockets[i % sources] as Deno.DatagramConn;
      await socket.send(datagram(i), { transport: "udp", hostname: SERVER, port }).catch(() => {});
    }
    await pause(TICK_MS);
  }
}

/** A read request that holds its session as long as possible (RFC 1350 §5, RFC 2349). */
function tftpDatagram(i: number): Uint8Array {
  const name = i % 2 === 0 ? "undionly.kpxe" : `none-${i}`;
  return new TextEncoder().encode(`\0\x01${name}\0octet\0timeout\x00255\0blksize\x001468\0`);
}

/** A DISCOVER of an unknown machine, as a relay would forward it. */
function dhcpDatagram(i: number): Uint8Array {
  const octets = [i >>> 16, i >>> 8, i].map((n) => (n & 255).toString(16).padStart(2, "0"));
  const mac = `52:54:99:${octets.join(":")}`;
  return encodePacket({
    ...clientPacket({ type: MESSAGE_TYPE.discover, mac, xid: i, options: PXE }),
    giaddr: parseIpv4(source(i)),
  });
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
