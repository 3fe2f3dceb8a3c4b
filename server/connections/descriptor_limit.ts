/** How many descriptors this process may have open. Each connection takes one. */
import { libc } from "./libc.ts";

const RLIMIT_NOFILE = 7;
/** More would not help. Some systems set the hard limit to a thousand million. */
const ENOUGH = 65_536;

/**
 * Raises the soft limit to the hard limit (setrlimit(2)), up to 65 536, and returns it. Under systemd and login
 * shells it is 1 024 unless a program asks for more.
 */
export function raiseDescriptorLimit(): number {
  const limits = new BigUint64Array(2);
  const bytes = new Uint8Array(limits.buffer);
  if (libc().getrlimit(RLIMIT_NOFILE, bytes) !== 0) return 1024;
  const [soft = 0n, hard = 0n] = limits;
  const wanted = hard < BigInt(ENOUGH) ? hard : BigInt(ENOUGH);
  if (soft >= wanted) return Number(soft < BigInt(ENOUGH) ? soft : BigInt(ENOUGH));
  limits[0] = wanted;
  return libc().setrlimit(RLIMIT_NOFILE, bytes) === 0 ? Number(wanted) : Number(soft);
}
