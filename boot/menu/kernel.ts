import { type Architecture, ARCHITECTURES } from "#contract/architectures.ts";

/** What the kernel command line says to the agent. The boot program fills in address, mask, gateway and DNS. */
export interface AgentBoot {
  /** The HTTPS address of the image server: `https://10.0.0.1:8443`. */
  readonly server: string;
  readonly token: string;
  /** Folder of the kernel and the initramfs in the table of boot files. */
  readonly image: string;
  /** The kernel's. */
  readonly architecture: Architecture;
  readonly mac: string;
  /** The NIC may have to send with this VLAN's tag. */
  readonly vlan?: number | undefined;
  /** The largest packet of the network that the boot program has a lease of. */
  readonly mtu?: number | undefined;
}

function vlanParameter(vlan: number | undefined): string[] {
  return vlan === undefined ? [] : [`rackseed.vlan=${vlan}`];
}

export function consolesOf(architecture: Architecture): string[] {
  return ARCHITECTURES[architecture].consoles.map((name) => `console=${name}`);
}

/** The command line in a UKI, which is public: whose orders the agent follows, and where it asks for them. */
export function unifiedCommandLine(
  { server, pin, httpUrl, vlan, architecture }: {
    readonly server: string;
    readonly pin: string;
    readonly httpUrl: string;
    readonly vlan?: number | undefined;
    readonly architecture: Architecture;
  },
): string {
  return [
    `rackseed.server=${server}`,
    `rackseed.pin=${pin}`,
    `rackseed.orders=${httpUrl}/boot/agent/`,
    ...vlanParameter(vlan),
    ...consolesOf(architecture),
  ].join(" ");
}

/**
 * The kernel parameters for the agent. The kernel ends a value at a blank, and boot programs expand `${`, so only
 * plain characters are allowed.
 */
export function kernelParameters(
  { server, token, mac, vlan, mtu, architecture }: AgentBoot,
  network: Readonly<Record<string, string>>,
): string {
  for (const value of [server, token, mac]) {
    if (!/^[A-Za-z0-9._:\/\[\]@~-]+$/.test(value)) {
      throw new TypeError("a kernel parameter contains characters other than letters, digits and ._:/[]@~-");
    }
  }
  return [
    `rackseed.server=${server}`,
    `rackseed.token=${token}`,
    `rackseed.mac=${mac}`,
    ...vlanParameter(vlan),
    ...(mtu === undefined ? [] : [`rackseed.mtu=${mtu}`]),
    ...Object.entries(network).map(([key, value]) => `rackseed.${key}=${value}`),
    ...consolesOf(architecture),
  ].join(" ");
}
