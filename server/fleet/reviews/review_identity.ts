/** The names and addresses that nodes have and get by an order, and who else has them. Pure. */
import type { Identity, IdentityMode } from "#contract/identity.ts";
import type { ReviewedNode } from "#contract/api/reviews.ts";
import { present } from "../present.ts";

type Named = Pick<Identity, "hostname" | "interfaces">;
export type ReviewedIdentity = ReviewedNode["identity"];

/** `recorded`: at its last installation; `assigned`: by its settings; `isBackup`: the image is its own backup. */
export function identityAfter(
  { mode, recorded, assigned, isBackup }: {
    mode: IdentityMode;
    recorded: Named | undefined;
    assigned: Named;
    isBackup: boolean;
  },
): ReviewedIdentity {
  const before = recorded && namesOf(recorded);
  const keeps = mode === "keep" || isBackup;
  return {
    mode: isBackup ? "keep" : mode,
    ...present("before", before),
    after: (keeps ? before : undefined) ?? namesOf(assigned),
  };
}

function namesOf({ hostname, interfaces }: Named): ReviewedIdentity["after"] {
  const addresses = interfaces.flatMap((one) => {
    const name = one.kind === "ethernet" ? "" : `${one.name} `;
    return one.addresses === "dhcp" ? [`${name}dhcp`] : one.addresses.map((address) => `${name}${address}`);
  });
  return { hostname, addresses };
}

/** "10.0.0.5" of "vlan7 10.0.0.5/24"; undefined of "dhcp". */
export function hostAddress(text: string): string | undefined {
  return / ?([^ /]+)\/\d+$/.exec(text)?.[1];
}

export interface Holder {
  readonly node: string;
  readonly identity: ReviewedIdentity["after"];
}

interface Clash {
  /** "the address 10.0.0.5" */
  readonly what: string;
  readonly nodes: readonly string[];
}

/** Names and addresses that one of `ordered` would share with another, or with one of `others`. */
export function clashesOf(ordered: readonly Holder[], others: readonly Holder[]): Clash[] {
  const holders = new Map<string, Set<string>>(), asked = new Set<string>();
  for (const { node, identity } of [...ordered, ...others]) {
    for (const claim of claimsOf(identity)) {
      const nodes = holders.get(claim);
      if (nodes) nodes.add(node);
      else holders.set(claim, new Set([node]));
    }
  }
  for (const { identity } of ordered) for (const claim of claimsOf(identity)) asked.add(claim);
  return [...asked].flatMap((what) => {
    const nodes = holders.get(what) ?? new Set();
    return nodes.size > 1 ? [{ what, nodes: [...nodes] }] : [];
  });
}

function claimsOf({ hostname, addresses }: Holder["identity"]): string[] {
  return [
    `the host name ${hostname.toLowerCase()}`,
    ...addresses.flatMap((text) => {
      const address = hostAddress(text);
      return address === undefined ? [] : [`the address ${address}`];
    }),
  ];
}
