import type { PeerAddress } from "../ports.ts";

/**
 * Compact peer lists: address and port, 6 bytes per IPv4 peer (BEP 23), 18 bytes per IPv6 peer (BEP 7).
 */
const IPV4_BYTES = 4;
const IPV6_BYTES = 16;

/** The 4 or 16 bytes of an IP address, or undefined if `text` is none. IPv4-mapped IPv6 addresses become IPv4. */
export function parseIp(text: string): Uint8Array | undefined {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(text)?.[1] ?? text;
  if (/^\d{1,3}(\.\d{1,3}){3}$/.test(mapped)) {
    const parts = mapped.split(".").map(Number);
    return parts.every((part) => part < 256) ? Uint8Array.from(parts) : undefined;
  }
  return parseIpv6(text);
}

export function formatIp(bytes: Uint8Array): string {
  if (bytes.length === IPV4_BYTES) return bytes.join(".");
  const groups = Array.from({ length: 8 }, (_, i) => ((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0));
  return groups.map((group) => group.toString(16)).join(":");
}

/** One peer, 6 or 18 bytes. Undefined if `hostname` is not an IP address. */
export function compactPeer(hostname: string, port: number): Uint8Array | undefined {
  const ip = parseIp(hostname);
  if (!ip) return undefined;
  const bytes = new Uint8Array(ip.length + 2);
  bytes.set(ip);
  bytes[ip.length] = port >> 8;
  bytes[ip.length + 1] = port & 0xff;
  return bytes;
}

/** Leaves out addresses of the other family. */
export function encodeCompact(peers: readonly PeerAddress[], family: 4 | 6): Uint8Array {
  const size = family === 4 ? IPV4_BYTES : IPV6_BYTES;
  const parts = peers.flatMap(({ hostname, port }) => {
    const bytes = compactPeer(hostname, port);
    return bytes?.length === size + 2 ? [...bytes] : [];
  });
  return Uint8Array.from(parts);
}

/**
 * Leaves out peers with port 0, and a truncated last one.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { decodeCompact } from "#torrent/tracker/compact_peers.ts";
 *
 * const peers = decodeCompact(Uint8Array.of(10, 0, 0, 2, 0x1a, 0xe1), 4);
 * assert.deepEqual(peers, [{ hostname: "10.0.0.2", port: 6881 }]);
 * ```
 */
export function decodeCompact(bytes: Uint8Array, family: 4 | 6): PeerAddress[] {
  const size = family === 4 ? IPV4_BYTES : IPV6_BYTES;
  const peers: PeerAddress[] = [];
  for (let at = 0; at + size + 2 <= bytes.length; at += size + 2) {
    const port = ((bytes[at + size] ?? 0) << 8) | (bytes[at + size + 1] ?? 0);
    if (port > 0) peers.push({ hostname: formatIp(bytes.subarray(at, at + size)), port });
  }
  return peers;
}

function parseIpv6(text: string): Uint8Array | undefined {
  const halves = text.split("::");
  if (halves.length > 2 || !/^[0-9a-f:]+$/i.test(text)) return undefined;
  const [head = [], tail = []] = halves.map((half) => half === "" ? [] : half.split(":"));
  const zeros = 8 - head.length - tail.length;
  if (halves.length === 2 ? zeros < 1 : zeros !== 0) return undefined;
  const groups = [...head, ...new Array<string>(zeros).fill("0"), ...tail];
  if (!groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return undefined;
  return Uint8Array.from(
    groups.map((group) => parseInt(group, 16)).flatMap((value) => [value >> 8, value & 0xff]),
  );
}
