/** The NIC that UEFI firmware booted over, by the boot entry that it used (UEFI 2.10 §3.1.3, §10.3). */

const GLOBAL = "8be4df61-93ca-11d2-aa0d-00e098032b8c";
const VARIABLES = "/sys/firmware/efi/efivars";
/** efivarfs puts the attributes before a variable's value. */
const ATTRIBUTE_BYTES = 4;
const MESSAGING = 3, MAC_ADDRESS = 11, VLAN = 20, END = 0x7f;

interface BootedNic {
  readonly mac: string;
  /** Whose tag the firmware sent. */
  readonly vlan?: number;
}

/** Undefined if the entry is not known, or is none of the network. */
export async function bootedNic(folder = VARIABLES): Promise<BootedNic | undefined> {
  const read = async (name: string) =>
    (await Deno.readFile(`${folder}/${name}-${GLOBAL}`).catch(() => undefined))?.subarray(ATTRIBUTE_BYTES);
  const current = await read("BootCurrent");
  if (current?.length !== 2) return undefined;
  const number = current[0]! | current[1]! << 8;
  const entry = await read(`Boot${number.toString(16).toUpperCase().padStart(4, "0")}`);
  return entry && nicOfBootEntry(entry);
}

/**
 * The MAC address and the VLAN (§10.3.4.10) in an EFI_LOAD_OPTION: attributes (4 bytes), length of the path (2), description in UTF-16 with a
 * closing NUL, then the nodes of the path: type, subtype, length (2), data.
 */
export function nicOfBootEntry(entry: Uint8Array): BootedNic | undefined {
  let nic: BootedNic | undefined;
  const view = new DataView(entry.buffer, entry.byteOffset, entry.byteLength);
  let at = 6;
  while (at + 2 <= entry.length && view.getUint16(at, true) !== 0) at += 2;
  at += 2;
  while (at + 4 <= entry.length) {
    const type = view.getUint8(at), subtype = view.getUint8(at + 1), length = view.getUint16(at + 2, true);
    if (type === END || length < 4 || at + length > entry.length) break;
    if (type === MESSAGING && subtype === MAC_ADDRESS && length >= 10) {
      const bytes = [...entry.subarray(at + 4, at + 10)];
      nic = { mac: bytes.map((byte) => byte.toString(16).padStart(2, "0")).join(":") };
    } else if (type === MESSAGING && subtype === VLAN && length >= 6 && nic) {
      const vlan = view.getUint16(at + 4, true);
      if (vlan >= 1 && vlan <= 4094) nic = { ...nic, vlan };
    }
    at += length;
  }
  return nic;
}
