import type { MacAddress } from "../dhcp/address.ts";
import type { TokenBucket } from "../token_bucket.ts";
import { isLinkLocal, type RouterSolicitation } from "./solicitation.ts";

type Decision =
  | { readonly kind: "advertise"; readonly to: Uint8Array }
  | { readonly kind: "silent"; readonly why: "no-address" | "unknown-mac" | "not-booting" | "flood" };

/** ff02::1 (RFC 4291 §2.7.1). */
export const ALL_NODES = Uint8Array.of(0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);

interface SolicitationPolicy {
  /**
   * Whether this machine waits in its firmware or in iPXE, so that the advertisement cannot affect a running system.
   * "all": this server is the link's DHCPv6 server, which every host is to learn.
   */
  readonly answers: ((mac: MacAddress) => boolean) | "all";
  /** Bounds what a flood of solicitations can cause. */
  readonly pace: TokenBucket;
}

/**
 * Decides the answer to a router solicitation. RFC 4861 §6.2.6 lets a router send it to the soliciting machine alone,
 * which needs a source address: a host that has none yet is answered by multicast, if all may hear it. Nor does RFC 4861's
 * random delay of up to 0.5 s apply, as one machine gets it only.
 */
export function decide(
  { source, mac }: RouterSolicitation,
  { policy, nowMs }: { readonly policy: SolicitationPolicy; readonly nowMs: number },
): Decision {
  if (policy.answers === "all") {
    if (!policy.pace.take(nowMs)) return { kind: "silent", why: "flood" };
    return { kind: "advertise", to: isLinkLocal(source) ? source : ALL_NODES };
  }
  if (!isLinkLocal(source)) return { kind: "silent", why: "no-address" };
  if (mac === undefined) return { kind: "silent", why: "unknown-mac" };
  if (!policy.answers(mac)) return { kind: "silent", why: "not-booting" };
  if (!policy.pace.take(nowMs)) return { kind: "silent", why: "flood" };
  return { kind: "advertise", to: source };
}
