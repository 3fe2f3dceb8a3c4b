/** Describes a LUKS volume for the layout. Pure. */
import { Encrypted, type Volume } from "#contract/format/volumes.ts";
import type { CrypttabEntry } from "./crypttab.ts";
import type { LuksHeader } from "./header.ts";

/** Types of tokens: systemd-cryptenroll(1), clevis(1). */
const WAYS: Readonly<Record<string, Encrypted["opensWith"][number]>> = {
  "passphrase": "passphrase",
  "systemd-tpm2": "tpm2",
  "systemd-fido2": "fido2",
  "systemd-pkcs11": "pkcs11",
  "systemd-recovery": "recovery",
  "luks2-keyring": "passphrase",
};

/** `header`: undefined if the volume does not begin with one. */
export function describeEncrypted(
  header: LuksHeader | undefined,
  { name, on, sizeBytes, crypttab, mapperUuid }: {
    name: string;
    on: Volume;
    sizeBytes: number;
    crypttab: readonly CrypttabEntry[];
    /** Device mapper's UUID of it: "CRYPT-LUKS2-<32 digits>-name". */
    mapperUuid: string;
  },
): Encrypted {
  const keyFile = crypttab.find((entry) => entry.name === name)?.keyFile;
  const ways = (header?.ways ?? []).map((way) =>
    way === "passphrase" && keyFile !== undefined ? "key-file" : WAYS[way] ?? "other"
  );
  const common = { name, on, sizeBytes, opensWith: [...new Set(ways)] };
  if (header === undefined) {
    const obstacle = "its header is on another device: encrypt it again with the header on the volume itself";
    return { ...common, ...unknownOf(mapperUuid), obstacle };
  }
  const described = Encrypted.safeParse({
    ...common,
    version: header.version,
    uuid: header.uuid,
    ...(header.label !== "" && { label: header.label }),
    cipher: header.cipher,
    keyBits: header.keyBits,
    sectorBytes: header.sectorBytes,
    flags: [...header.flags],
    ...(header.obstacle !== undefined && { obstacle: header.obstacle }),
  });
  if (described.success) return described.data;
  const obstacle = header.obstacle ??
    `its header has an unusual ${described.error.issues[0]?.path.join(".")}`;
  return { ...common, ...unknownOf(mapperUuid), obstacle };
}

function unknownOf(mapperUuid: string) {
  const [, version, digits = "0"] = /^CRYPT-LUKS([12])-([0-9a-f]+)-/.exec(mapperUuid) ?? [];
  return {
    version: version === "1" ? 1 as const : 2 as const,
    uuid: digits,
    cipher: "unknown",
    keyBits: 256,
    sectorBytes: 512,
    flags: [],
  };
}
