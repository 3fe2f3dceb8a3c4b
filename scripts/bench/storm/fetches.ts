/** Fetches a file as firmware does, and counts its bytes. */
import { connect } from "node:net";
import { SERVER } from "./place.ts";

export interface Fetched {
  readonly bytes: number;
  /** The first bytes, enough for a script. */
  readonly head: Uint8Array;
  readonly ms: number;
  /** How often the client had to ask again. */
  readonly repeats: number;
}

const HEAD_BYTES = 4096;
const BLKSIZE = 1468;
/** The firmware's patience for one answer, and the number of answers that may stay away in a row. */
const TFTP_TIMEOUT_MS = 3000;
const TFTP_ATTEMPTS = 6;
const TICK_MS = TFTP_TIMEOUT_MS / 4;

/** RFC 1350 with the options blksize, tsize and windowsize (RFC 7440), from an address of its own. */
export async function fetchTftp(
  name: string,
  { from, windowsize }: { from: string; windowsize: number | undefined },
): Promise<Fetched> {
  const startedMs = performance.now();
  const socket = Deno.listenDatagram({ transport: "udp", hostname: from, port: 0 });
  const head = new Uint8Array(HEAD_BYTES), buffer = new Uint8Array(2048);
  const options = [
    "blksize",
    `${BLKSIZE}`,
    "tsize",
    "0",
    ...windowsize ? ["windowsize", `${windowsize}`] : [],
  ];
  let to: Deno.NetAddr = { transport: "udp", hostname: SERVER, port: 69 };
  let sent: Uint8Array = Uint8Array.of(
    0,
    1,
    ...new TextEncoder().encode([name, "octet", ...options, ""].join("\0")),
  );
  let bytes = 0,
    repeats = 0,
    block = 0,
    silent = 0,
    unacknowledged = 0,
    window = 1,
    heardMs = performance.now();
  let isOver = false, isWaiting = false;
  let tickMs = performance.now();
  const repeat = setInterval(() => {
    const lateMs = performance.now() - tickMs - TICK_MS;
    tickMs = performance.now();
    // A thousand machines share this process: if it was late itself, the answer may be waiting for it.
    if (lateMs > TICK_MS || !isWaiting || performance.now() - heardMs < TFTP_TIMEOUT_MS) return;
    if (++silent >= TFTP_ATTEMPTS) return socket.close();
    repeats++;
    heardMs = performance.now();
    void socket.send(sent, to).catch(() => {});
  }, TICK_MS);
  const acknowledge = async () => {
    sent = Uint8Array.of(0, 4, block >> 8 & 255, block & 255);
    unacknowledged = 0;
    await socket.send(sent, to);
  };
  try {
    await socket.send(sent, to);
    while (!isOver) {
      isWaiting = true;
      const [packet, peer] = await socket.receive(buffer);
      isWaiting = false;
      const opcode = packet[1];
      if (to.port === 69) to = peer as Deno.NetAddr;
      heardMs = performance.now();
      if (opcode === 5) throw new Error(`TFTP ${name}: ${new TextDecoder().decode(packet.subarray(4))}`);
      if (opcode === 6) {
        if (block > 0) continue;
        silent = 0;
        window = Number(/windowsize\0(\d+)/i.exec(new TextDecoder().decode(packet))?.[1] ?? 1);
        await acknowledge();
      }
      if (opcode !== 3) continue;
      const number = (packet[2] as number) << 8 | (packet[3] as number);
      // RFC 7440 §4: out of order, the client acknowledges what it has, once in a window.
      if (number !== (block + 1 & 0xffff)) {
        if (unacknowledged > 0) await acknowledge();
        continue;
      }
      silent = 0;
      const data = packet.subarray(4);
      if (bytes < HEAD_BYTES) head.set(data.subarray(0, HEAD_BYTES - bytes), bytes);
      bytes += data.length;
      block++;
      isOver = data.length < BLKSIZE;
      if (++unacknowledged >= window || isOver) await acknowledge();
    }
  } catch (error) {
    if (silent >= TFTP_ATTEMPTS) {
      throw new Error(`TFTP ${name}: no answer at block ${block + 1}`);
    }
    throw error;
  } finally {
    clearInterval(repeat);
    if (silent < TFTP_ATTEMPTS) socket.close();
  }
  return {
    bytes,
    head: head.subarray(0, Math.min(bytes, HEAD_BYTES)),
    ms: performance.now() - startedMs,
    repeats,
  };
}

/** GET on a connection of its own. The answer must have a Content-Length and be whole. */
export function fetchHttp(
  url: string,
  { from }: { from: string },
): Promise<Fetched> {
  const { hostname, port, pathname } = new URL(url);
  const startedMs = performance.now();
  const { promise, resolve, reject } = Promise.withResolvers<Fetched>();
  const socket = connect({ host: hostname, port: Number(port), localAddress: from });
  let header = "", expected: number | undefined, bytes = 0;
  const head = new Uint8Array(HEAD_BYTES);
  const fail = (why: string) => {
    socket.destroy();
    reject(new Error(`HTTP ${pathname}: ${why}`));
  };
  const take = (data: Uint8Array) => {
    if (bytes < HEAD_BYTES) head.set(data.subarray(0, HEAD_BYTES - bytes), bytes);
    bytes += data.length;
    if (bytes !== expected) return;
    socket.destroy();
    resolve({
      bytes,
      head: head.subarray(0, Math.min(bytes, HEAD_BYTES)),
      ms: performance.now() - startedMs,
      repeats: 0,
    });
  };
  socket.on(
    "connect",
    () => socket.write(`GET ${pathname} HTTP/1.1\r\nHost: ${hostname}:${port}\r\nConnection: close\r\n\r\n`),
  );
  socket.on("data", (data: Uint8Array) => {
    if (expected !== undefined) return take(data);
    header += new TextDecoder("latin1").decode(data);
    const end = header.indexOf("\r\n\r\n");
    if (end < 0) return;
    if (!/^HTTP\/1.1 200 /.test(header)) return fail(header.slice(0, 60));
    const length = /^content-length: (\d+)/im.exec(header)?.[1];
    if (length === undefined) return fail("no Content-Length");
    expected = Number(length);
    take(data.subarray(data.length - (header.length - end - 4)));
  });
  socket.on("error", (error) => fail(error.message));
  socket.on("close", () => fail(`the connection ended after ${bytes} of ${expected} bytes`));
  return promise;
}
