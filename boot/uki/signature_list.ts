/**
 * The variables that hold Secure Boot's keys (UEFI 2.10 §32.4, §8.2.2): PK owns the machine's keys, KEK may change db,
 * and db's certificates may sign what the firmware starts.
 */
import { type Der, joined } from "./der.ts";
import { signDetached, type UkiSigner } from "./signed_data.ts";

export type KeyVariable = "PK" | "KEK" | "db";

const GLOBAL = "8be4df61-93ca-11d2-aa0d-00e098032b8c";
const SECURITY_DATABASE = "d719b2cb-3d3a-4596-a3bc-dad00e67656f";

/** The vendor GUID of each, which is part of its name. */
export const VENDOR: Readonly<Record<KeyVariable, string>> = {
  PK: GLOBAL,
  KEK: GLOBAL,
  db: SECURITY_DATABASE,
};

/** EFI_CERT_X509_GUID, EFI_CERT_SHA256_GUID, EFI_CERT_TYPE_PKCS7_GUID. */
const X509 = "a5c059a1-94e4-4aa7-87b5-ab155c2bf072", SHA256 = "c1c41626-504c-4092-aca9-41f936934328";
const PKCS7 = "4aafd29d-68df-49ee-8aa9-347d375665a7";
/** Of an EFI_SIGNATURE_LIST, and of the owner in front of each of its entries. */
const LIST_HEADER = 28, OWNER = 16;

const NON_VOLATILE = 1, BOOT_SERVICE = 2, RUNTIME = 4, TIME_BASED_AUTHENTICATED = 0x20, APPEND = 0x40;
const REVISION_2 = 0x0200, WIN_CERT_TYPE_EFI_GUID = 0x0ef1;

/** A certificate that firmware is to trust, and who wants it: a GUID, by which its entries can be told apart. */
export interface TrustedCertificate {
  readonly owner: string;
  /** DER. */
  readonly certificate: Uint8Array;
}

/** EFI_SIGNATURE_LISTs, one for each certificate, as those differ in size. */
export function signatureLists(certificates: readonly TrustedCertificate[]): Der {
  return joined(certificates.map(({ owner, certificate }) => {
    const list = new Uint8Array(LIST_HEADER + OWNER + certificate.length), view = new DataView(list.buffer);
    list.set(guidBytes(X509), 0);
    view.setUint32(16, list.length, true);
    view.setUint32(24, OWNER + certificate.length, true);
    list.set(guidBytes(owner), LIST_HEADER);
    list.set(certificate, LIST_HEADER + OWNER);
    return list;
  }));
}

/** What is to be written to a variable. */
interface SignedVariable {
  readonly attributes: number;
  /** An EFI_VARIABLE_AUTHENTICATION_2 and the value: the content of an .auth file. */
  readonly data: Uint8Array<ArrayBuffer>;
}

/**
 * A variable's new value, signed by the key's owner. KEK and db are added to what the machine has there; PK replaces
 * what it has.
 */
export function signVariable(
  name: KeyVariable,
  { value, time, signer }: { readonly value: Uint8Array; readonly time: Date; readonly signer: UkiSigner },
): SignedVariable {
  const attributes = NON_VOLATILE | BOOT_SERVICE | RUNTIME | TIME_BASED_AUTHENTICATED |
    (name === "PK" ? 0 : APPEND);
  const flags = new Uint8Array(4);
  new DataView(flags.buffer).setUint32(0, attributes, true);
  const stamp = efiTime(time);
  // The name without its closing NUL (§8.2.2, step 4).
  const signed = joined([utf16(name), guidBytes(VENDOR[name]), flags, stamp, value]);
  const signature = signDetached(signed, signer);
  const header = new Uint8Array(24), view = new DataView(header.buffer);
  view.setUint32(0, header.length + signature.length, true);
  view.setUint16(4, REVISION_2, true);
  view.setUint16(6, WIN_CERT_TYPE_EFI_GUID, true);
  header.set(guidBytes(PKCS7), 8);
  return { attributes, data: joined([stamp, header, signature, value]) };
}

/** What a variable's EFI_SIGNATURE_LISTs trust, or forbid. */
export interface SignatureEntries {
  /** DER. */
  readonly certificates: readonly Uint8Array[];
  /** Of images, in hexadecimal digits. */
  readonly hashes: readonly string[];
  /** Whether these are all: false if there are entries of other kinds. */
  readonly isWhole: boolean;
}

/** Throws RangeError if the value is damaged. */
export function parseSignatureLists(value: Uint8Array): SignatureEntries {
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
  const certificates: Uint8Array[] = [], hashes: string[] = [];
  let isWhole = true;
  for (let at = 0; at < value.length;) {
    if (at + LIST_HEADER > value.length) throw new RangeError("a signature list is cut off");
    const [listBytes = 0, headerBytes = 0, entryBytes = 0] = [16, 20, 24].map((i) =>
      view.getUint32(at + i, true)
    );
    const end = at + listBytes, first = at + LIST_HEADER + headerBytes;
    if (entryBytes <= OWNER || first > end || end > value.length) {
      throw new RangeError("a signature list is cut off");
    }
    const type = value.subarray(at, at + 16).toHex();
    for (let entry = first; entry + entryBytes <= end; entry += entryBytes) {
      const data = value.subarray(entry + OWNER, entry + entryBytes);
      if (type === guidBytes(X509).toHex()) certificates.push(data);
      else if (type === guidBytes(SHA256).toHex()) hashes.push(data.toHex());
      else isWhole = false;
    }
    at = end;
  }
  return { certificates, hashes, isWhole };
}

/** What is in a variable as `signVariable` makes it. Throws RangeError if it is damaged. */
export function entriesToWrite(data: Uint8Array): SignatureEntries {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  return parseSignatureLists(data.subarray(16 + view.getUint32(16, true)));
}

/** EFI_TIME (§8.3), in UTC; all but date and time of day must be zero. */
function efiTime(time: Date): Uint8Array {
  const bytes = new Uint8Array(16), view = new DataView(bytes.buffer);
  view.setUint16(0, time.getUTCFullYear(), true);
  bytes.set([time.getUTCMonth() + 1, time.getUTCDate()], 2);
  bytes.set([time.getUTCHours(), time.getUTCMinutes(), time.getUTCSeconds()], 4);
  return bytes;
}

/** In memory, the first three fields of a GUID are little-endian. */
export function guidBytes(guid: string): Uint8Array {
  const bytes = Uint8Array.fromHex(guid.replaceAll("-", ""));
  return Uint8Array.of(...[3, 2, 1, 0, 5, 4, 7, 6].map((i) => bytes[i] ?? 0), ...bytes.subarray(8));
}

export function utf16(text: string): Uint8Array {
  return Uint8Array.from(
    [...text].flatMap((letter) => [letter.charCodeAt(0) & 0xff, letter.charCodeAt(0) >> 8]),
  );
}
