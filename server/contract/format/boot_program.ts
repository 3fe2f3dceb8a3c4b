/** The EFI programs by which a system starts, who signed them, and whether a firmware would start them. */
import { z } from "zod";

const Sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const Name = z.string().max(100);

/** A certificate that firmware or shim trusts, with everything that it has issued. */
export const TrustAnchor = z.object({
  /** For people. */
  name: Name,
  /** SHA-256 of the certificate, and of its subject; both DER. */
  certificate: Sha256,
  subject: Sha256,
});
export type TrustAnchor = z.infer<typeof TrustAnchor>;

/** A valid signature of a program. */
export const BootProgramSignature = z.object({
  /** The signer, for people. */
  by: Name,
  /** SHA-256 of the certificates that come with it: the signer's, then each one's issuer. */
  certificates: z.array(Sha256).min(1).max(8),
  /** SHA-256 of the last one's issuer, by which it is known elsewhere. */
  issuer: Sha256,
});
export type BootProgramSignature = z.infer<typeof BootProgramSignature>;

export const BootProgram = z.object({
  /** In the system's tree: "/boot/efi/EFI/debian/shimx64.efi". */
  path: z.string().max(4095).regex(/^\//),
  /** Who decides whether it starts: shim trusts its own certificates as well. */
  checkedBy: z.enum(["firmware", "shim"]),
  /** Authenticode, SHA-256. */
  digest: Sha256,
  signatures: z.array(BootProgramSignature).max(8),
  /** Of a shim: what it trusts besides the firmware's certificates. */
  trusts: z.array(TrustAnchor).max(16).optional(),
  /** GRUB that shim does not start: under Secure Boot it starts no kernel, even if it is signed. */
  needsShim: z.literal(true).optional(),
});
export type BootProgram = z.infer<typeof BootProgram>;

/** A machine's Secure Boot, as its firmware tells. */
export const FirmwareTrust = z.object({
  state: z.enum(["on", "off", "set-up"]),
  /** If it is on: the certificates and the images (SHA-256) in db, and the certificates that shim asks for besides (MOK). */
  db: z.array(TrustAnchor).max(64).optional(),
  hashes: z.array(Sha256).max(256).optional(),
  mok: z.array(TrustAnchor).max(64).optional(),
  /** There is more in db than that, which may trust what these do not. */
  isPartial: z.literal(true).optional(),
});
export type FirmwareTrust = z.infer<typeof FirmwareTrust>;

/** What dbx forbids: SHA-256 of images and certificates. */
export type Forbidden = ReadonlySet<string>;

/** The programs that a firmware with Secure Boot, or its shim, would refuse; none if that cannot be told. */
export function refusedPrograms(
  programs: readonly BootProgram[],
  { state, db = [], hashes = [], mok = [], isPartial }: FirmwareTrust,
  forbidden: Forbidden = new Set(),
): BootProgram[] {
  if (state !== "on" || isPartial) return [];
  const vendors = programs.flatMap(({ trusts = [] }) => trusts);
  return programs.filter(({ digest, signatures, checkedBy }) => {
    if (forbidden.has(digest)) return true;
    const anchors = checkedBy === "firmware" ? db : [...db, ...mok, ...vendors];
    const isTrusted = ({ certificates, issuer }: BootProgramSignature) =>
      !certificates.some((one) => forbidden.has(one)) &&
      anchors.some(({ certificate, subject }) => certificates.includes(certificate) || subject === issuer);
    return !hashes.includes(digest) && !signatures.some(isTrusted);
  });
}

/** Of a program that is refused, for people. */
export function signersOf({ signatures }: BootProgram): string {
  return signatures.length === 0
    ? "nobody signed it"
    : `signed by ${signatures.map(({ by }) => by).join(" and ")}`;
}
