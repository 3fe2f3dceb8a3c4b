/** Who made a NIC, by the prefix of its MAC: makers of servers, NICs and virtual machines, from the IEEE's registry. */
import table from "./data/mac_vendors.txt" with { type: "text" };

/** Prefixes that hypervisors and containers choose by themselves; the IEEE has not assigned them. */
const SELF_CHOSEN: Readonly<Record<string, string>> = {
  "525400": "QEMU/KVM virtual machine",
  "0242ac": "Docker container",
};

let vendors: Map<string, string> | undefined;

/**
 * Undefined if the table does not have the prefix.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.equal(vendorOfMac("52:54:00:12:34:56"), "QEMU/KVM virtual machine");
 * assert.equal(vendorOfMac("00:50:56:12:34:56"), "VMware");
 * assert.equal(vendorOfMac("06:12:34:56:78:9a"), "chosen by software");
 * ```
 */
export function vendorOfMac(mac: string): string | undefined {
  const prefix = mac.replaceAll(":", "").slice(0, 6).toLowerCase();
  const known = SELF_CHOSEN[prefix] ?? (vendors ??= parse(table)).get(prefix);
  // IEEE 802-2014 §8.2.2: the second bit of the first byte marks an address that nobody assigned
  return known ?? (parseInt(prefix.slice(0, 2), 16) & 2 ? "chosen by software" : undefined);
}

/** Lines of a name, a tab, and its prefixes: 6 hexadecimal digits each, joined. */
function parse(text: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const line of text.split("\n")) {
    const [name = "", prefixes = ""] = line.split("\t");
    for (let at = 0; at < prefixes.length; at += 6) found.set(prefixes.slice(at, at + 6), name);
  }
  return found;
}
