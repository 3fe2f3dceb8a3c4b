/** What the kernel command line says to the agent. The boot program fills in address, mask, gateway and DNS. */
export interface AgentBoot {
  /** The HTTPS address of the image server: `https://10.0.0.1:8443`. */
  readonly server: string;
  readonly token: string;
  /** Folder of the kernel and the initramfs in the table of boot files. */
  readonly image: string;
  readonly mac: string;
}

/**
 * Without a rate the kernel takes 9600 baud (admin-guide/serial-console), at which its own 25 KB of messages would hold
 * a machine with a serial port up for 26 s. Boards that redirect their console to the network use this rate.
 */
export const CONSOLES: readonly string[] = ["console=tty0", "console=ttyS0,115200n8"];

/** The command line in a signed image, which is public: whose orders the agent follows, and where it asks for them. */
export function signedCommandLine(
  { server, pin, httpUrl }: { readonly server: string; readonly pin: string; readonly httpUrl: string },
): string {
  return [
    `rackseed.server=${server}`,
    `rackseed.pin=${pin}`,
    `rackseed.orders=${httpUrl}/boot/agent/`,
    ...CONSOLES,
  ].join(" ");
}

/**
 * The kernel parameters for the agent. The kernel ends a value at a blank, and boot programs expand `${`, so only
 * plain characters are allowed.
 */
export function kernelParameters(
  { server, token, mac }: AgentBoot,
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
    ...Object.entries(network).map(([key, value]) => `rackseed.${key}=${value}`),
    ...CONSOLES,
  ].join(" ");
}
