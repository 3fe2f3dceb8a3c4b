/** A DHCPv6 client, RFC 8415 §18.2: it gets one address, and neither renews nor releases it. */
import { bytesOfMac, type MacAddress } from "../dhcp/address.ts";
import { openOnInterface } from "../dhcp/interface_socket.ts";
import { type Ipv6, ipv6OfBytes } from "./address.ts";
import {
  decodeIaNa,
  decodeMessage,
  type Dhcp6Message,
  encodeIaNa,
  encodeMessage,
  MESSAGE,
  OPTION,
  optionOf,
  u16,
} from "./message.ts";
import { ALL_SERVERS, CLIENT_PORT, SERVER_PORT } from "./server.ts";

interface Client {
  readonly mac: MacAddress;
  readonly transaction: number;
}

/** What a server has said to this client. */
type ServerMessage =
  | { readonly kind: "advertise"; readonly serverId: Uint8Array }
  | { readonly kind: "reply"; readonly address: Ipv6 };

/** Between repetitions, doubling up to the longest; §15 has 1 s to 120 s. */
const FIRST_PAUSE_MS = 500, LONGEST_PAUSE_MS = 4_000;
/** Requests without an answer after which another server is sought. */
const MAX_REQUESTS = 4;
const DUID_LL = [0, 3, 0, 1];
/** Intel's number, as edk2 sends it. A server that answers only machines which boot from the network answers this one. */
const VENDOR_CLASS = Uint8Array.of(0, 0, 1, 0x57, ...u16(9), ...new TextEncoder().encode("PXEClient"));

/** The message of a client without an address: it asks all servers, or the one that it has chosen. */
export function clientMessage({ mac, transaction }: Client, serverId?: Uint8Array): Dhcp6Message {
  const bytes = bytesOfMac(mac);
  return {
    type: serverId === undefined ? MESSAGE.solicit : MESSAGE.request,
    transaction,
    options: [
      [OPTION.clientId, Uint8Array.of(...DUID_LL, ...bytes)],
      ...(serverId === undefined
        ? [[OPTION.rapidCommit, new Uint8Array()] as const]
        : [[OPTION.serverId, serverId] as const]),
      encodeIaNa({ iaid: new DataView(bytes.buffer).getUint32(2), options: [] }),
      [OPTION.elapsedTime, Uint8Array.of(0, 0)],
      [OPTION.optionRequest, Uint8Array.of(...u16(OPTION.dnsServers))],
      [OPTION.vendorClass, VENDOR_CLASS],
    ],
  };
}

/** Undefined for anything that is not an answer with an address for this client. */
export function readServerMessage(
  bytes: Uint8Array,
  { mac, transaction }: Client,
): ServerMessage | undefined {
  try {
    const { type, options, ...message } = decodeMessage(bytes);
    const id = optionOf(options, OPTION.clientId), own = Uint8Array.of(...DUID_LL, ...bytesOfMac(mac));
    if (message.transaction !== transaction || id?.toHex() !== own.toHex()) return undefined;
    const association = optionOf(options, OPTION.iaNa), serverId = optionOf(options, OPTION.serverId);
    const lease = association && optionOf(decodeIaNa(association).options, OPTION.iaAddress);
    if (lease === undefined || lease.length < 24 || serverId === undefined) return undefined;
    if (type === MESSAGE.advertise) return { kind: "advertise", serverId: serverId.slice() };
    return type === MESSAGE.reply
      ? { kind: "reply", address: ipv6OfBytes(lease.subarray(0, 16)) }
      : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Gets an address for an interface that is up. Undefined if no server gives one within `timeoutMs`. Throws a
 * RackseedError if the interface or UDP port 546 is not available, and the signal's reason.
 */
export async function requestLease6(device: string, { mac, timeoutMs, signal }: {
  mac: MacAddress;
  timeoutMs: number;
  signal: AbortSignal;
}): Promise<Ipv6 | undefined> {
  signal.throwIfAborted();
  const [random] = crypto.getRandomValues(new Uint32Array(1)) as Uint32Array & [number];
  const client = { mac, transaction: random & 0xffffff };
  const ended = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  const port = openOnInterface({ interface: device, hostname: "::", port: CLIENT_PORT });
  const close = () => port.close();
  const servers = { hostname: ipv6OfBytes(ALL_SERVERS), port: SERVER_PORT };
  let chosen: Uint8Array | undefined;
  let pauseMs = FIRST_PAUSE_MS, requests = 0, timer: ReturnType<typeof setTimeout> | undefined;
  const send = () => {
    clearTimeout(timer);
    if (chosen !== undefined && requests++ >= MAX_REQUESTS) chosen = undefined;
    // until the kernel has made sure that nobody else has its link-local address, it does not send
    port.send(encodeMessage(clientMessage(client, chosen)), servers).catch(() => {});
    timer = setTimeout(send, pauseMs);
    pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
  };
  ended.addEventListener("abort", close, { once: true });
  try {
    send();
    const buffer = new Uint8Array(4096);
    for (;;) {
      const datagram = await port.receive(buffer);
      if (datagram === undefined) break;
      const message = readServerMessage(datagram.bytes, client);
      if (message?.kind === "reply") return message.address;
      if (message?.kind !== "advertise" || chosen !== undefined) continue;
      chosen = message.serverId;
      requests = 0;
      pauseMs = FIRST_PAUSE_MS;
      send();
    }
  } finally {
    clearTimeout(timer);
    ended.removeEventListener("abort", close);
    close();
  }
  signal.throwIfAborted();
  return undefined;
}
