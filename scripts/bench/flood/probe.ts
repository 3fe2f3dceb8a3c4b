/**
 * The client that must be served: uses every service of the server every 200 ms, over a new connection each time, and
 * prints the timings as one line of JSON.
 *
 *     probe.ts INFOHASH CA_FILE SECONDS
 */
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { parseIpv4 } from "../../../boot/dhcp/address.ts";
import { encodePacket } from "../../../boot/dhcp/packet.ts";
import { encodeHandshake } from "#torrent/wire/handshake.ts";
import { announceUrl } from "#torrent/tracker/tracker_client.ts";
import { MESSAGE_TYPE } from "../../../boot/dhcp/options.ts";
import { clientPacket } from "../../../test/support/dhcp_packets.ts";
import { GUEST, SERVER } from "./lab.ts";
import { PXE } from "./pxe.ts";

/** The milliseconds of each answer; `lost` counts requests without one within `PATIENCE_MS`. */
export type Timings = Record<string, { ms: number[]; lost: number }>;

const EVERY_MS = 200;
const PATIENCE_MS = 5000;
const [hash = "", caPath = "", seconds = "10"] = Deno.args;
const infoHash = Uint8Array.fromHex(hash);
const peerId = new TextEncoder().encode("-RS0001-000000000000");

const dhcpPort = Deno.listenDatagram({ transport: "udp", hostname: GUEST, port: 67 });
const dhcpAnswers = new Map<number, () => void>();
(async () => {
  for await (const [bytes] of dhcpPort) dhcpAnswers.get(new DataView(bytes.buffer).getUint32(4))?.();
})();

const ASK: Readonly<Record<string, (signal: AbortSignal) => Promise<void>>> = {
  "HTTPS page": (signal) =>
    talk(connectTls({ host: SERVER, port: 8443, ca: Deno.readTextFileSync(caPath) }), {
      say: `GET / HTTP/1.1\r\nHost: ${SERVER}\r\nConnection: close\r\n\r\n`,
      until: "</html>",
      signal,
    }),
  "HTTP boot file": (signal) => overHttp("/boot/undionly.kpxe", "200 OK", signal),
  "announce": (signal) => {
    const request = { infoHash, peerId, port: 6999, uploaded: 0, downloaded: 0, left: 1, numWant: 50 };
    const { pathname, search } = new URL(announceUrl(`http://${SERVER}/announce`, request));
    return overHttp(pathname + search, "8:interval", signal);
  },
  "peer handshake": (signal) =>
    talk(connect(6881, SERVER), {
      say: encodeHandshake({
        infoHash,
        peerId: crypto.getRandomValues(new Uint8Array(20)),
        fast: true,
        extended: true,
      }),
      until: "BitTorrent protocol",
      signal,
    }),
  "rsync list": (signal) =>
    talk(connect(873, SERVER), { say: "@RSYNCD: 31.0\n#list\n", until: "@RSYNCD: EXIT", signal }),
  "TFTP read": askTftp,
  "DHCP discover": askDhcp,
};

const timings: Timings = Object.fromEntries(Object.keys(ASK).map((name) => [name, { ms: [], lost: 0 }]));
const asking: Promise<void>[] = [];
for (const end = performance.now() + Number(seconds) * 1000; performance.now() < end;) {
  for (const [name, ask] of Object.entries(ASK)) asking.push(time(name, ask));
  await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
}
await Promise.all(asking);
console.log(JSON.stringify(timings));
Deno.exit(0);

async function time(name: string, ask: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const began = performance.now();
  const signal = AbortSignal.timeout(PATIENCE_MS);
  const entry = timings[name]!;
  // A client that is refused or cut off tries again.
  for (;;) {
    try {
      await ask(signal);
      entry.ms.push(performance.now() - began);
      return;
    } catch {
      if (signal.aborted) return void entry.lost++;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

function overHttp(path: string, until: string, signal: AbortSignal): Promise<void> {
  const say = `GET ${path} HTTP/1.1\r\nHost: ${SERVER}\r\nConnection: close\r\n\r\n`;
  return talk(connect(8080, SERVER), { say, until, signal });
}

/** Sends a request, and resolves once the answer contains `until`. */
function talk(
  socket: Socket,
  { say, until, signal }: { say: string | Uint8Array; until: string; signal: AbortSignal },
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let heard = "";
  socket.on("data", (bytes: Uint8Array) => {
    heard = heard.slice(-100) + new TextDecoder("latin1").decode(bytes);
    if (heard.includes(until)) resolve();
  });
  socket.on("error", reject);
  socket.on("close", () => reject(new Error("closed")));
  const abort = () => reject(new Error("late"));
  signal.addEventListener("abort", abort, { once: true });
  socket.write(say);
  return promise.finally(() => {
    signal.removeEventListener("abort", abort);
    socket.destroy();
  });
}

/** Resolves once the first block has arrived. Repeats the request every second, as firmware does. */
async function askTftp(signal: AbortSignal): Promise<void> {
  const port = Deno.listenDatagram({ transport: "udp", hostname: GUEST, port: 0 });
  using _closing = { [Symbol.dispose]: () => port.close() };
  const request = new TextEncoder().encode("\0\x01undionly.kpxe\0octet\0");
  const to = { transport: "udp", hostname: SERVER } as const;
  await repeat(signal, () => port.send(request, { ...to, port: 69 }), async () => {
    const [bytes, from] = await port.receive();
    if (bytes[1] !== 3) throw new Error("no data");
    await port.send(Uint8Array.of(0, 5, 0, 0, 0), { ...to, port: (from as Deno.NetAddr).port });
  });
}

/** Sends a DISCOVER as a relay would forward it; the answer comes to the relay's address. */
async function askDhcp(signal: AbortSignal): Promise<void> {
  const xid = crypto.getRandomValues(new Uint32Array(1))[0]!;
  const about = clientPacket({ type: MESSAGE_TYPE.discover, mac: "52:54:00:00:00:01", xid, options: PXE });
  const packet = encodePacket({ ...about, giaddr: parseIpv4(GUEST) });
  const { promise, resolve } = Promise.withResolvers<void>();
  dhcpAnswers.set(xid, resolve);
  const to = { transport: "udp", hostname: SERVER, port: 67 } as const;
  try {
    await repeat(signal, () => dhcpPort.send(packet, to), () => promise);
  } finally {
    dhcpAnswers.delete(xid);
  }
}

async function repeat(
  signal: AbortSignal,
  send: () => Promise<unknown>,
  answer: () => Promise<void>,
): Promise<void> {
  const again = setInterval(() => void send().catch(() => {}), 1000);
  try {
    await send();
    const late = new Promise<never>((_, reject) =>
      signal.addEventListener("abort", () => reject(new Error("late")), { once: true })
    );
    await Promise.race([answer(), late]);
  } finally {
    clearInterval(again);
  }
}
