/** The addresses of the lab's network: of IPv4, or of IPv6 alone. */
export interface LabAddresses {
  readonly server: string;
  readonly template: string;
  /** Bits of the network. */
  readonly prefix: number;
  /** Of a node by its number, from 1 on. */
  node(number: number): string;
}

export const ipv4: LabAddresses = {
  server: "10.77.0.1",
  template: "10.77.0.10",
  prefix: 24,
  node: (number) => `10.77.0.${10 + number}`,
};

export const ipv6: LabAddresses = {
  server: "fd00:77::1",
  template: "fd00:77::10",
  prefix: 64,
  node: (number) => `fd00:77::${10 + number}`,
};

/** The address as it stands in a URL, before a port, or alone. */
export function host(address: string): string {
  return address.includes(":") ? `[${address}]` : address;
}
