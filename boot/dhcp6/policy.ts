import type { BootAnswer } from "../dhcp/boot_client.ts";
import { bytesOfIpv6, type Ipv6, ipv6OfBytes, type Ipv6Prefix, isInPrefix } from "./address.ts";
import type { Bindings } from "./bindings.ts";
import {
  type Dhcp6Message,
  type Dhcp6Options,
  encodeIaNa,
  iaAddress,
  type IaNa,
  MESSAGE,
  OPTION,
  optionOf,
  STATUS,
  status,
  u16,
} from "./message.ts";
import { type Dhcp6Client, type Dhcp6Request, vendorClassOf } from "./request.ts";

export interface Dhcp6Policy {
  /** The link's network, in which this server gives addresses. */
  readonly prefix: Ipv6Prefix;
  /** This server's identifier (DUID). */
  readonly serverId: Uint8Array;
  readonly dns: readonly Ipv6[];
  readonly leaseSeconds: number;
  /** Whether to answer the client at all. */
  readonly answers: (client: Dhcp6Client) => boolean;
  /** Whether the machine belongs to the site. Others get short leases. */
  readonly knows: (client: Dhcp6Client) => boolean;
  /** What the client should boot, if anything; the file is a URL. */
  readonly bootOptions: (client: Dhcp6Client) => BootAnswer | undefined;
}

type Dhcp6Decision =
  | {
    readonly kind: "advertise" | "reply";
    readonly answer: Dhcp6Message;
    readonly address?: Ipv6 | undefined;
  }
  | {
    readonly kind: "silent";
    readonly why:
      | "not-answered"
      | "foreign-link"
      | "other-server"
      | "no-server"
      | "not-its-own"
      | "no-address";
  };

type Silence = (Dhcp6Decision & { kind: "silent" })["why"];

const STRANGER_LEASE_SECONDS = 300;
/** RFC 8415 §21.8: a client that gets it does not wait for other servers. */
const HIGHEST_PREFERENCE = 255;
/** When to renew and to rebind, as parts of the lifetime (§21.4). */
const T1 = 0.5, T2 = 0.8;

/** Decides the answer to a client's message, RFC 8415 §18.3. Changes `bindings` and nothing else. */
export function decide(request: Dhcp6Request, { policy, bindings, nowMs }: {
  policy: Dhcp6Policy;
  bindings: Bindings;
  nowMs: number;
}): Dhcp6Decision {
  const { client, intent, message, link, associations } = request;
  if (!policy.answers(client)) return silent("not-answered");
  if (link !== undefined && !isInPrefix(link, policy.prefix)) return silent("foreign-link");
  const named = optionOf(message.options, OPTION.serverId);
  const isOurs = named !== undefined && bytesEqual(named, policy.serverId);
  const address = bindings.addressOf(client, nowMs);
  const held = associations.flatMap(addressesIn);
  const grants = () => grantAll(associations, { address, client, policy });

  switch (intent) {
    case "solicit": {
      if (named !== undefined) return silent("other-server");
      if (associations.length > 0 && address === undefined) return silent("no-address");
      if (optionOf(message.options, OPTION.rapidCommit) === undefined) {
        return answer(request, { type: "advertise", policy, options: grants(), address });
      }
      const options = [[OPTION.rapidCommit, new Uint8Array()] as const, ...grants()];
      return answer(request, { type: "reply", policy, options, address });
    }
    case "request":
    case "renew":
      if (!isOurs) return silent(named === undefined ? "no-server" : "other-server");
      return answer(request, { type: "reply", policy, options: grants(), address });
    case "rebind":
      // An address that is not of our making may be another server's (§18.3.5).
      if (named !== undefined) return silent("other-server");
      if (held.some((one) => one !== address && isInPrefix(one, policy.prefix))) return silent("not-its-own");
      return answer(request, { type: "reply", policy, options: grants(), address });
    case "confirm": {
      if (named !== undefined) return silent("other-server");
      if (held.length === 0) return silent("not-its-own");
      const isHere = held.every((one) => isInPrefix(one, policy.prefix));
      const options = [isHere ? status(STATUS.success) : status(STATUS.notOnLink, "this is another link")];
      return answer(request, { type: "reply", policy, options });
    }
    case "decline":
      if (!isOurs) return silent(named === undefined ? "no-server" : "other-server");
      if (address !== undefined && held.includes(address)) bindings.decline(address, nowMs);
      return answer(request, { type: "reply", policy, options: [status(STATUS.success)] });
    case "release":
      if (!isOurs) return silent(named === undefined ? "no-server" : "other-server");
      return answer(request, { type: "reply", policy, options: [status(STATUS.success)] });
    case "informationRequest":
      if (named !== undefined && !isOurs) return silent("other-server");
      return answer(request, { type: "reply", policy, options: [] });
  }
}

/** One address for each client: its first association gets it, and loses any other that it had. */
function grantAll(
  associations: readonly IaNa[],
  { address, client, policy }: { address: Ipv6 | undefined; client: Dhcp6Client; policy: Dhcp6Policy },
): Dhcp6Options {
  const { knows, leaseSeconds } = policy;
  const seconds = knows(client) ? leaseSeconds : Math.min(leaseSeconds, STRANGER_LEASE_SECONDS);
  const times = { t1: Math.floor(seconds * T1), t2: Math.floor(seconds * T2) };
  return associations.map((association, i) => {
    const { iaid } = association;
    if (i > 0 || address === undefined) {
      return encodeIaNa({ iaid, options: [status(STATUS.noAddresses, "a machine gets one address")] });
    }
    const former = addressesIn(association).filter((one) => one !== address)
      .map((one) => iaAddress(bytesOfIpv6(one), 0));
    return encodeIaNa({ iaid, options: [iaAddress(bytesOfIpv6(address), seconds), ...former] }, times);
  });
}

/**
 * edk2 reads the boot file's URL up to the next zero byte, which the code of a following option provides: so it is not
 * the last option (HttpBootDhcp6.c, HttpBootParseDhcp6Packet).
 */
function answer({ message, client }: Dhcp6Request, { type, policy, options, address }: {
  type: "advertise" | "reply";
  policy: Dhcp6Policy;
  options: Dhcp6Options;
  address?: Ipv6 | undefined;
}): Dhcp6Decision {
  const boot = policy.bootOptions(client);
  const clientId = optionOf(message.options, OPTION.clientId);
  const vendorClass = boot && client.http ? vendorClassOf(message.options) : undefined;
  return {
    kind: type,
    address,
    answer: {
      type: MESSAGE[type],
      transaction: message.transaction,
      options: [
        ...(boot ? [[OPTION.bootFileUrl, new TextEncoder().encode(boot.file)] as const] : []),
        // UEFI 2.10 §24.7.2: an HTTP client accepts only offers that name its own class
        ...(vendorClass ? [[OPTION.vendorClass, httpClass(vendorClass.enterprise)] as const] : []),
        ...(clientId ? [[OPTION.clientId, clientId] as const] : []),
        [OPTION.serverId, policy.serverId],
        ...(boot && type === "advertise"
          ? [[OPTION.preference, Uint8Array.of(HIGHEST_PREFERENCE)] as const]
          : []),
        ...(policy.dns.length > 0
          ? [
            [OPTION.dnsServers, Uint8Array.from(policy.dns.flatMap((one) => [...bytesOfIpv6(one)]))] as const,
          ]
          : []),
        ...options,
      ],
    },
  };
}

/** Enterprise number u32, length u16, class. */
function httpClass(enterprise: Uint8Array): Uint8Array {
  const name = new TextEncoder().encode("HTTPClient");
  return Uint8Array.of(...enterprise, ...u16(name.length), ...name);
}

function addressesIn({ options }: IaNa): Ipv6[] {
  return options.filter(([code, value]) => code === OPTION.iaAddress && value.length >= 24)
    .map(([, value]) => ipv6OfBytes(value.subarray(0, 16)));
}

function bytesEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

function silent(why: Silence): Dhcp6Decision {
  return { kind: "silent", why };
}
