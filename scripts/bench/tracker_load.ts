/**
 * Sends announces of many peers, from a process of its own. Prints its figures as one line of JSON.
 *
 *     tracker_load.ts http|http-close|udp PORT INFOHASH --peers N [--seconds S] [--rate R] [--connections C]
 *
 * `http` uses persistent connections, `http-close` one per announce. Without --seconds, every peer announces once.
 */
import { parseArgs } from "node:util";
import type { AnnounceRequest } from "#torrent/tracker/announce.ts";
import { announceUrl, parseHttpAnnounce } from "#torrent/tracker/tracker_client.ts";
import { encodeUdpRequest } from "#torrent/tracker/udp_tracker_codec.ts";
import { runLoad } from "./paced_load.ts";
import { UdpLoad } from "./udp_load.ts";
import { numberOption } from "./number_option.ts";

const HOST = "127.0.0.1";
const { values, positionals: [kind, portText, hashText = ""] } = parseArgs({
  allowPositionals: true,
  options: {
    peers: { type: "string", default: "10000" },
    seconds: { type: "string" },
    rate: { type: "string" },
    connections: { type: "string", default: "64" },
  },
});
const port = Number(portText);
const infoHash = Uint8Array.fromHex(hashText);
const peers = numberOption("peers", values.peers);
const connections = numberOption("connections", values.connections);
/** Made in advance, so that the load costs little. The tracker's `connection` is filled in later. */
const datagrams = kind !== "udp"
  ? []
  : Array.from({ length: peers }, (_, peer) =>
    encodeUdpRequest({ action: "announce", transaction: 0, connection: 0n, request: requestOf(peer) }));
const shape = {
  seconds: values.seconds === undefined ? Infinity : numberOption("seconds", values.seconds),
  rate: values.rate === undefined ? undefined : numberOption("rate", values.rate),
  requests: values.seconds === undefined ? peers : Infinity,
};
const result = kind === "udp"
  ? await (await UdpLoad.start({ to: { hostname: HOST, port }, datagrams })).run({
    ...shape,
    window: connections,
  })
  : await runLoad(Array.from({ length: connections }, () => httpSender(kind === "http")), shape);
console.log(JSON.stringify(result));
Deno.exit(0);

/** Every peer has its own id and port; one in ten is a seeder. */
function requestOf(sequence: number): AnnounceRequest {
  const peer = sequence % peers;
  const peerId = new TextEncoder().encode(`-RS0001-${String(peer).padStart(12, "0")}`);
  const left = peer % 10 === 0 ? 0 : 1e9;
  return { infoHash, peerId, port: 1024 + peer % 60_000, uploaded: 0, downloaded: 0, left, numWant: 50 };
}

function httpSender(keep: boolean): (sequence: number) => Promise<void> {
  const into = new Uint8Array(65_536);
  let kept: Deno.TcpConn | undefined;
  return async (sequence) => {
    const connection = kept ??= await Deno.connect({ hostname: HOST, port });
    const { pathname, search } = new URL(announceUrl(`http://${HOST}/announce`, requestOf(sequence)));
    const close = keep ? "" : "Connection: close\r\n";
    await writeAll(connection, `GET ${pathname}${search} HTTP/1.1\r\nHost: ${HOST}\r\n${close}\r\n`);
    const body = await readBody(connection, into);
    if (!keep || kept === undefined) {
      connection.close();
      kept = undefined;
    }
    if (sequence % 1000 === 0 && parseHttpAnnounce(body).peers.length < 1) throw new Error("no peers");
  };
}

async function writeAll(connection: Deno.TcpConn, text: string): Promise<void> {
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
}

async function readBody(connection: Deno.TcpConn, into: Uint8Array): Promise<Uint8Array> {
  let length = 0;
  for (;;) {
    const got = await connection.read(into.subarray(length));
    if (got === null) {
      const head = headEnd(into.subarray(0, length));
      if (head > 0) return into.subarray(head, length);
      throw new Error("closed");
    }
    length += got;
    const head = headEnd(into.subarray(0, length));
    if (head < 0) continue;
    const text = new TextDecoder().decode(into.subarray(0, head));
    const size = Number(/content-length: *(\d+)/i.exec(text)?.[1] ?? NaN);
    if (length >= head + size) return into.subarray(head, head + size);
  }
}

/** Where the body begins; -1 while the head is incomplete. */
function headEnd(bytes: Uint8Array): number {
  for (let at = bytes.indexOf(13); at >= 0; at = bytes.indexOf(13, at + 1)) {
    if (bytes[at + 1] === 10 && bytes[at + 2] === 13 && bytes[at + 3] === 10) return at + 4;
  }
  return -1;
}
