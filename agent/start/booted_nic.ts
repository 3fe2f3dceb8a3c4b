/** The NIC that UEFI firmware booted over, by the boot entry that it used (UEFI 2.10 §3.1.3, §10.3). */

const GLOBAL = "8be4df61-93ca-11d2-aa0d-00e098032b8c";
const VARIABLES = "/sys/firmware/efi/efivars";
/** efivarfs puts the attributes before a variable's value. */
const ATTRIBUTE_BYTES = 4;
const MESSAGING = 3, MAC_ADDRESS = 11, END = 0x7f;

/** Its MAC address; undefined if the entry is not known, or is none of the network. */
export async function bootedNic(folder = VARIABLES): Promise<string | undefined> {
  const read = async (name: string) =>
    (await Deno.readFile(`${folder}/${name}-${GLOBAL}`).catch(() => undefined))?.subarray(ATTRIBUTE_BYTES);
  const current = await read("BootCurrent");
  if (current?.length !== 2) return undefined;
  const number = current[0]! | current[1]! << 8;
  const entry = await read(`Boot${number.toString(16).toUpperCase().padStart(4, "0")}`);
  return entry && macOfBootEntry(entry);
}

/**
 * The MAC address in an EFI_LOAD_OPTION: attributes (4 bytes), length of the path (2), description in UTF-16 with a
 * closing NUL, then the nodes of the path: type, subtype, length (2), data.
 */
export function macOfBootEntry(entry: Uint8Array): string | undefined {
  const view = new DataView(entry.buffer, entry.byteOffset, entry.byteLength);
  let at = 6;
  while (at + 2 <= entry.length && view.getUint16(at, true) !== 0) at += 2;
  at += 2;
  while (at + 4 <= entry.length) {
    const type = view.getUint8(at), subtype = view.getUint8(at + 1), length = view.getUint16(at + 2, true);
    if (type === END || length < 4 || at + length > entry.length) return undefined;
    if (type === MESSAGING && subtype === MAC_ADDRESS && length >= 10) {
      return [...entry.subarray(at + 4, at + 10)].map((byte) => byte.toString(16).padStart(2, "0")).join(":");
    }
    at += length;
  }
  return undefined;
}
