/** One frame of a given size to a host and back: ICMP echo (RFC 792) over a raw socket, by FFI; root only. */

const symbols = {
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
  sendto: { parameters: ["i32", "buffer", "usize", "i32", "buffer", "u32"], result: "isize" },
  recv: { parameters: ["i32", "buffer", "usize", "i32"], result: "isize" },
  close: { parameters: ["i32"], result: "i32" },
} as const;

const AF_INET = 2, SOCK_RAW_CLOEXEC = 0o2000003, IPPROTO_ICMP = 1, IPPROTO_IP = 0;
const SOL_SOCKET = 1, SO_BINDTODEVICE = 25;
/** Do not fragment, and believe no router's size (ip(7)). */
const IP_MTU_DISCOVER = 10, IP_PMTUDISC_PROBE = 3;
const MSG_DONTWAIT = 0x40;
const IPV4_HEADER_BYTES = 20, ICMP_HEADER_BYTES = 8, ECHO_REPLY = 0, ECHO = 8;
const TRIES = 3, TRY_MS = 1_000, POLL_MS = 20;

/** Whether an IPv4 packet of `bytes` gets to the host and comes back. Throws only the signal's reason. */
export async function echoes(
  host: string,
  { bytes, device, signal }: { bytes: number; device: string; signal: AbortSignal },
): Promise<boolean> {
  using library = openLibrary();
  const { socket, setsockopt, sendto, recv, close } = library.symbols;
  const fd = socket(AF_INET, SOCK_RAW_CLOEXEC, IPPROTO_ICMP);
  if (fd < 0) return false;
  try {
    const name = new TextEncoder().encode(`${device}\0`), probe = Uint8Array.of(IP_PMTUDISC_PROBE, 0, 0, 0);
    if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, name.length) !== 0) return false;
    if (setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, probe, probe.length) !== 0) return false;
    const message = echoRequest(bytes - IPV4_HEADER_BYTES);
    // struct sockaddr_in: family u16, port u16, address
    const to = Uint8Array.of(AF_INET, 0, 0, 0, ...host.split(".").map(Number), 0, 0, 0, 0, 0, 0, 0, 0);
    const answer = new Uint8Array(bytes);
    for (let i = 0; i < TRIES; i++) {
      sendto(fd, message, BigInt(message.length), 0, to, to.length);
      for (const until = performance.now() + TRY_MS; performance.now() < until;) {
        const length = Number(recv(fd, answer, BigInt(answer.length), MSG_DONTWAIT));
        if (length === bytes && isAnswer(answer, message)) return true;
        if (length > 0) continue;
        signal.throwIfAborted();
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      }
    }
    return false;
  } finally {
    close(fd);
  }
}

function openLibrary() {
  const library = Deno.dlopen("libc.so.6", symbols);
  return { symbols: library.symbols, [Symbol.dispose]: () => library.close() };
}

/** Type, code 0, checksum, identifier and sequence number, which are random here; zeros. */
function echoRequest(length: number): Uint8Array<ArrayBuffer> {
  const message = new Uint8Array(length), view = new DataView(message.buffer);
  message[0] = ECHO;
  crypto.getRandomValues(message.subarray(4, ICMP_HEADER_BYTES));
  let sum = 0;
  for (let at = 0; at < ICMP_HEADER_BYTES; at += 2) sum += view.getUint16(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  view.setUint16(2, ~sum & 0xffff);
  return message;
}

function isAnswer(packet: Uint8Array, request: Uint8Array): boolean {
  const reply = packet.subarray(IPV4_HEADER_BYTES);
  return reply[0] === ECHO_REPLY &&
    [4, 5, 6, 7].every((at) => reply[at] === request[at]);
}
