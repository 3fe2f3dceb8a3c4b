import { bytesOfIpv4, type Ipv4, ipv4OfNumber } from "./address.ts";
import { type DhcpOptions, MESSAGE_TYPE, OPTION } from "./options.ts";

/** The options that this server sends. An undefined one is left out. */
interface ReplyOptions {
  readonly messageType: "offer" | "ack" | "nak";
  readonly serverId: Ipv4;
  readonly leaseSeconds?: number | undefined;
  readonly subnetMask?: Ipv4;
  readonly router?: Ipv4 | undefined;
  /** An empty list is left out. */
  readonly dns?: readonly Ipv4[] | undefined;
  /** RFC 2132 §5.1 */
  readonly mtu?: number | undefined;
  readonly message?: string;
  readonly vendorClass?: string | undefined;
  /** Option 43, already encoded. */
  readonly vendorSpecific?: Uint8Array | undefined;
  /** Written with a closing NUL: some ROMs read past the end of the option. */
  readonly bootFile?: string | undefined;
  /** Tells iPXE not to wait for a proxyDHCP server. */
  readonly noProxyDhcp?: boolean | undefined;
}

/** Returned unchanged by a server: RFC 6842 (61), RFC 4578 §2.3 (97), RFC 3011 §2 (118), RFC 3046 §2.2 (82). */
const ECHOED = [OPTION.clientId, OPTION.clientUuid, OPTION.subnetSelection, OPTION.relayAgent];

/** Suboption 176 of iPXE's option, `no-pxedhcp` (iPXE, include/ipxe/dhcp.h), set to 1. */
const NO_PROXY_DHCP = Uint8Array.of(0xb0, 1, 1);

/** Encodes the options of a reply, and adds those of the request that the server has to echo. */
export function encodeReplyOptions(reply: ReplyOptions, request: DhcpOptions): DhcpOptions {
  const options = new Map<number, Uint8Array>();
  const put = <T>(code: number, value: T | undefined, encode: (value: T) => Uint8Array) => {
    if (value !== undefined) options.set(code, encode(value));
  };
  put(OPTION.messageType, reply.messageType, (type) => Uint8Array.of(MESSAGE_TYPE[type]));
  put(OPTION.serverId, reply.serverId, bytesOfIpv4);
  put(OPTION.leaseTime, reply.leaseSeconds, (seconds) => bytesOfIpv4(ipv4OfNumber(seconds)));
  put(OPTION.subnetMask, reply.subnetMask, bytesOfIpv4);
  put(OPTION.router, reply.router, bytesOfIpv4);
  put(OPTION.domainNameServer, reply.dns?.length ? reply.dns : undefined, bytesOfAddresses);
  put(OPTION.interfaceMtu, reply.mtu, (mtu) => Uint8Array.of(mtu >> 8, mtu & 0xff));
  put(OPTION.message, reply.message, bytesOfText);
  put(OPTION.vendorClass, reply.vendorClass, bytesOfText);
  put(OPTION.vendorSpecific, reply.vendorSpecific, (value) => value);
  put(OPTION.ipxe, reply.noProxyDhcp || undefined, () => NO_PROXY_DHCP);
  put(OPTION.bootFile, reply.bootFile, (name) => bytesOfText(`${name}\0`));
  for (const code of ECHOED) put(code, request.get(code), (value) => value);
  return options;
}

function bytesOfAddresses(addresses: readonly Ipv4[]): Uint8Array {
  return Uint8Array.from(addresses.flatMap((address) => [...bytesOfIpv4(address)]));
}

function bytesOfText(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
