/** What no two nodes may share, and which node has it: a lookup that stays fast with many nodes. */
import type { NodeRecord } from "./node_record.ts";

/** As text: "the name n1", "the address 10.0.0.5". Case does not matter. */
type Claim = string;

export const nameClaim = (name: string): Claim => `the name ${name}`;
export const macClaim = (mac: string): Claim => `the MAC address ${mac}`;
export const addressClaim = (address: string): Claim => `the address ${address}`;

export class Claims {
  /** Ids by claim in lower case. Several only if a discovered machine's name is another node's host name. */
  readonly #owners = new Map<string, string[]>();

  /** The node that has it, other than those in `except`. */
  ownerOf(claim: Claim, { except = [] }: { except?: readonly string[] } = {}): string | undefined {
    return this.#owners.get(claim.toLowerCase())?.find((id) => !except.includes(id));
  }

  add(node: NodeRecord): void {
    for (const claim of claimsOf(node)) {
      const key = claim.toLowerCase();
      this.#owners.set(key, [...this.#owners.get(key) ?? [], node.id]);
    }
  }

  remove(node: NodeRecord): void {
    for (const claim of claimsOf(node)) {
      const key = claim.toLowerCase();
      const left = this.#owners.get(key)?.filter((id) => id !== node.id) ?? [];
      if (left.length > 0) this.#owners.set(key, left);
      else this.#owners.delete(key);
    }
  }
}

/** The clone's host name. */
export function hostnameOf(node: Pick<NodeRecord, "name" | "settings">): string {
  return node.settings.hostname ?? node.name.replace(/[^a-zA-Z0-9.-]/g, "-").replace(/[-.]+$/, "");
}

export function claimsOf(node: NodeRecord): Claim[] {
  const { mac, address, interfaces = [] } = node.settings;
  const further = interfaces.flatMap(({ addresses }) => addresses === "dhcp" ? [] : addresses);
  const all = [
    ...address === undefined || address === "dhcp" || address === "off" ? [] : [address],
    ...further,
  ];
  return [
    nameClaim(node.name),
    ...(mac === undefined ? [] : [macClaim(mac)]),
    `the host name ${hostnameOf(node)}`,
    ...all.map((cidr) => addressClaim(cidr.replace(/\/.*/, ""))),
  ];
}
