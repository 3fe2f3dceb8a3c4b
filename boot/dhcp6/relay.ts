import { type Ipv6, ipv6OfBytes } from "./address.ts";
import {
  decodeOptions,
  Dhcp6FormatError,
  type Dhcp6Options,
  encodeOptions,
  MESSAGE,
  OPTION,
  optionOf,
} from "./message.ts";

/** One relay agent's envelope around a message, RFC 8415 §9. */
interface Hop {
  readonly hopCount: number;
  /** An address of the client's link; `::` if the relay has none there (RFC 6221). */
  readonly linkAddress: Uint8Array;
  /** Where the message came from. */
  readonly peerAddress: Uint8Array;
  readonly options: Dhcp6Options;
}

/** A client's message, taken out of its relays' envelopes; the outermost is first. */
export interface Relayed {
  readonly message: Uint8Array;
  readonly hops: readonly Hop[];
}

/** RFC 8415 §7.6, HOP_COUNT_LIMIT. */
const MAX_HOPS = 8;
const HEADER_BYTES = 34;

/**
 *     msg-type u8 12, hop-count u8, link-address 16 bytes, peer-address 16 bytes, options
 *
 * @throws Dhcp6FormatError
 */
export function unwrap(bytes: Uint8Array): Relayed {
  const hops: Hop[] = [];
  let message = bytes;
  while (message[0] === MESSAGE.relayForward) {
    if (message.length < HEADER_BYTES) throw new Dhcp6FormatError("a relay's message is too short");
    if (hops.length >= MAX_HOPS) throw new Dhcp6FormatError(`more than ${MAX_HOPS} relays`);
    const options = decodeOptions(message.subarray(HEADER_BYTES));
    const hopCount = message[1] ?? 0;
    hops.push({
      hopCount,
      linkAddress: message.subarray(2, 18),
      peerAddress: message.subarray(18, 34),
      options,
    });
    const inner = optionOf(options, OPTION.relayMessage);
    if (inner === undefined) throw new Dhcp6FormatError("a relay's message carries none");
    message = inner;
  }
  return { message, hops };
}

/** The answer in the envelopes of the same relays, §19.3. Each gets back the interface that it named. */
export function wrap(answer: Uint8Array<ArrayBuffer>, hops: readonly Hop[]): Uint8Array<ArrayBuffer> {
  return hops.reduceRight((inner, { hopCount, linkAddress, peerAddress, options }) => {
    const interfaceId = optionOf(options, OPTION.interfaceId);
    return Uint8Array.of(
      ...[MESSAGE.relayReply, hopCount, ...linkAddress, ...peerAddress],
      ...encodeOptions([
        ...(interfaceId ? [[OPTION.interfaceId, interfaceId] as const] : []),
        [OPTION.relayMessage, inner],
      ]),
    );
  }, answer);
}

/** The innermost relay, which is on the client's link, names that link; undefined if no relay does. */
export function linkOf(hops: readonly Hop[]): Ipv6 | undefined {
  const named = hops.findLast(({ linkAddress }) => linkAddress.some((byte) => byte !== 0));
  return named && ipv6OfBytes(named.linkAddress);
}
