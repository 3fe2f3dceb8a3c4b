/** Hardware addresses as this project knows machines by them: six bytes, whatever the NIC. Pure. */

/**
 * The MAC that stands for an InfiniBand port: its GUID without the two bytes in the middle, as iPXE and the firmware of
 * the adapters form it (iPXE, src/drivers/net/ipoib.c, IPOIB_GUID_MASK).
 *
 * @param guid 8 bytes
 */
export function macOfGuid(guid: Uint8Array): Uint8Array {
  return Uint8Array.of(...guid.subarray(0, 3), ...guid.subarray(5, 8));
}

/**
 * The MAC of a NIC by its address in sysfs: an Ethernet address as it is, or an InfiniBand address of 20 bytes, whose
 * last 8 are the port's GUID (RFC 4391 §9.1.1). Undefined for anything else.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const address = "80:00:02:08:fe:80:00:00:00:00:00:00:00:02:c9:03:00:00:10:39";
 * assert.equal(macOfAddress(address), "00:02:c9:00:10:39");
 * assert.equal(macOfAddress("52:54:00:00:00:01"), "52:54:00:00:00:01");
 * assert.equal(macOfAddress("00:00:00:00"), undefined);
 * ```
 */
export function macOfAddress(address: string): string | undefined {
  const text = address.trim().toLowerCase();
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2})*$/.test(text)) return undefined;
  const bytes = Uint8Array.from(text.split(":"), (pair) => parseInt(pair, 16));
  const mac = bytes.length === 6 ? bytes : bytes.length === 20 ? macOfGuid(bytes.subarray(12)) : undefined;
  return mac && Array.from(mac, (byte) => byte.toString(16).padStart(2, "0")).join(":");
}
