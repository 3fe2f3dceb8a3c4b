/** Who is where in the storm: one address and one MAC for each machine. */

export const SERVER = "10.99.0.1";
/** The far end of the server's link; all machines are behind it. */
export const SWITCH = "10.99.1.1";
export const MACHINES = "10.99.128.0/17";
export const NETMASK_BITS = 16;

export function addressOf(index: number): string {
  return `10.99.${128 + Math.floor(index / 250)}.${1 + index % 250}`;
}

export function macOf(index: number): string {
  const pair = (value: number) => value.toString(16).padStart(2, "0");
  return `52:54:00:99:${pair(index >> 8)}:${pair(index & 255)}`;
}
