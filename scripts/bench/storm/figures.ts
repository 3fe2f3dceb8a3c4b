/** What the machines of one storm have seen. */
export interface StormFigures {
  /** Milliseconds from the first DISCOVER to the ACK, twice for each machine. */
  readonly dhcpMs: readonly number[];
  /** Of the boot program. */
  readonly programMs: readonly number[];
  /** Of kernel and initramfs. */
  readonly kernelMs: readonly number[];
  /** Packets and requests that a machine sent again. */
  readonly repeats: { dhcp: number; tftp: number; http: number };
  /** Machines that did not get everything, and why. */
  readonly lost: readonly string[];
  /** From the first power-on to the last initramfs. */
  readonly seconds: number;
}
