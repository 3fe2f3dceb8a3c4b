import { type Ipv4, ipv4OfBytes, NO_ADDRESS } from "./address.ts";
import { type DhcpOptions, OPTION } from "./options.ts";
import type { DhcpPacket } from "./packet.ts";

/** Sub-options of option 82 (RFC 3046): link selection of RFC 3527, server identifier override of RFC 5107. */
const SUB_OPTION = { linkSelection: 5, serverIdOverride: 11 } as const;

/** What a relay, or the client itself, says about the client's location. */
export interface Relayed {
  /** An address on the client's link, if that is not the server's own. */
  readonly link?: Ipv4;
  /** The address to give as server identifier: the relay wants renewals to pass through it. */
  readonly serverId?: Ipv4;
}

/**
 * The link comes from, in the order of RFC 3527 §3 and RFC 3011 §2: link selection, subnet selection, the relay's
 * own address. A relay that names a link is itself on another one, and its address only says where to send answers.
 * A malformed relay option is not interpreted, but is still echoed.
 */
export function relayedBy({ giaddr, options }: DhcpPacket): Relayed {
  const subOptions = subOptionsOf(options);
  const link = addressIn(subOptions.get(SUB_OPTION.linkSelection)) ??
    addressIn(options.get(OPTION.subnetSelection)) ?? (giaddr === NO_ADDRESS ? undefined : giaddr);
  const serverId = addressIn(subOptions.get(SUB_OPTION.serverIdOverride));
  return { ...(link && { link }), ...(serverId && { serverId }) };
}

/** RFC 3046 §2.0: `code length value`, without padding or end mark. The first of two equal codes counts. */
function subOptionsOf(options: DhcpOptions): ReadonlyMap<number, Uint8Array> {
  const area = options.get(OPTION.relayAgent) ?? new Uint8Array();
  const found = new Map<number, Uint8Array>();
  for (let at = 0; at + 2 <= area.length;) {
    const [code, length] = [area[at] as number, area[at + 1] as number];
    if (at + 2 + length > area.length) break;
    if (!found.has(code)) found.set(code, area.subarray(at + 2, at + 2 + length));
    at += 2 + length;
  }
  return found;
}

function addressIn(value: Uint8Array | undefined): Ipv4 | undefined {
  if (value?.length !== 4) return undefined;
  const address = ipv4OfBytes(value);
  return address === NO_ADDRESS ? undefined : address;
}
