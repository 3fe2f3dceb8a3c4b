/**
 * AMD's Magic Packet (white paper 20213, §2): six bytes 0xFF, the MAC 16 times, and the SecureOn password, if any.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.equal(magicPacket("52:54:00:12:34:56").length, 102);
 * assert.equal(magicPacket("52:54:00:12:34:56", "01:02:03:04:05:06").at(-1), 6);
 * ```
 */
export function magicPacket(mac: string, secureOn?: string): Uint8Array {
  const address = hardwareBytes(mac);
  return new Uint8Array([
    ...Array(6).fill(0xff),
    ...Array.from({ length: 16 }, () => [...address]).flat(),
    ...secureOn === undefined ? [] : hardwareBytes(secureOn),
  ]);
}

/** Six bytes as NICs take them: 01:02:03:04:05:06. Throws RangeError. */
export function hardwareBytes(text: string): Uint8Array {
  if (!/^[0-9a-fA-F]{2}([:-][0-9a-fA-F]{2}){5}$/.test(text)) {
    throw new RangeError("expected six bytes of the form 01:02:03:04:05:06");
  }
  return new Uint8Array(Buffer.from(text.replaceAll(/[:-]/g, ""), "hex"));
}
