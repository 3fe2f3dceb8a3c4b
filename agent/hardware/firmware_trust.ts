/** Which programs this machine's firmware starts: the variables of Secure Boot (UEFI 2.10 §32), and shim's MokListRT. */
import type { FirmwareTrust, TrustAnchor } from "#contract/format/boot_program.ts";
import { sha256Hex } from "../../boot/uki/certificate.ts";
import { anchorOf } from "../../boot/uki/image_signatures.ts";
import { parseSignatureLists, type SignatureEntries, VENDOR } from "../../boot/uki/signature_list.ts";

const SHIM = "605dab50-e046-4300-abb6-3dd810dd8b23";
const MAX_ANCHORS = 64, MAX_HASHES = 256;

interface ReadTrust {
  readonly trust: FirmwareTrust;
  /** What dbx forbids: SHA-256 of images and certificates. */
  readonly forbidden: ReadonlySet<string>;
}

/** Undefined without UEFI, or if the variables are not accessible. `folder`: where efivarfs is. */
export async function readFirmwareTrust(
  { folder = "/sys/firmware/efi/efivars" }: { readonly folder?: string } = {},
): Promise<ReadTrust | undefined> {
  const value = async (name: string, vendor: string) =>
    (await Deno.readFile(`${folder}/${name}-${vendor}`).catch(() => undefined))?.subarray(4);
  const flag = async (name: string) => (await value(name, VENDOR.PK))?.[0];
  const isOn = await flag("SecureBoot"), isSetUp = await flag("SetupMode");
  if (isOn === undefined) return undefined;
  if (isOn !== 1) return { trust: { state: isSetUp === 1 ? "set-up" : "off" }, forbidden: new Set() };
  const [db, dbx, mok] = await Promise.all([
    value("db", VENDOR.db),
    value("dbx", VENDOR.db),
    value("MokListRT", SHIM),
  ]);
  const trusted = entriesOf(db), forbids = entriesOf(dbx);
  const anchors = anchorsOf(trusted), { hashes } = trusted;
  const isPartial = db === undefined || !trusted.isWhole || anchors.length < trusted.certificates.length ||
    anchors.length > MAX_ANCHORS || hashes.length > MAX_HASHES;
  return {
    trust: {
      state: "on",
      db: anchors.slice(0, MAX_ANCHORS),
      hashes: hashes.slice(0, MAX_HASHES),
      mok: anchorsOf(entriesOf(mok)).slice(0, MAX_ANCHORS),
      ...(isPartial && { isPartial }),
    },
    forbidden: new Set([...forbids.hashes, ...forbids.certificates.map(sha256Hex)]),
  };
}

function entriesOf(value: Uint8Array | undefined): SignatureEntries {
  try {
    return parseSignatureLists(value ?? new Uint8Array());
  } catch (error) {
    if (error instanceof RangeError) return { certificates: [], hashes: [], isWhole: false };
    throw error;
  }
}

function anchorsOf({ certificates }: SignatureEntries): TrustAnchor[] {
  return certificates.flatMap((one) => {
    try {
      return [anchorOf(one)];
    } catch (error) {
      if (error instanceof RangeError) return [];
      throw error;
    }
  });
}
