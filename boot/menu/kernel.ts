/** What the agent is told by the kernel command line; ip, mask, gateway and DNS are the boot program's to fill in. */
export interface AgentBoot {
  /** The HTTPS address of the image server: `https://10.0.0.1:8443`. */
  readonly server: string;
  readonly token: string;
  /** Folder of the kernel and the initramfs in the table of boot files. */
  readonly image: string;
  readonly mac: string;
}

/**
 * The kernel's parameters for the agent. Values end at a blank for the kernel and at `${` for the boot programs,
 * so nothing else than plain characters passes.
 */
export function kernelParameters(
  { server, token, mac }: AgentBoot,
  network: Readonly<Record<string, string>>,
): string {
  for (const value of [server, token, mac]) {
    if (!/^[A-Za-z0-9._:\/\[\]@~-]+$/.test(value)) {
      throw new TypeError("a kernel parameter with unusual characters");
    }
  }
  return [
    `rackseed.server=${server}`,
    `rackseed.token=${token}`,
    `rackseed.mac=${mac}`,
    ...Object.entries(network).map(([key, value]) => `rackseed.${key}=${value}`),
    "console=tty0",
    "console=ttyS0",
  ].join(" ");
}
