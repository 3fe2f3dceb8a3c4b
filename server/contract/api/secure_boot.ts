/** The site's Secure Boot key, as people and machines come to know it. */
import { z } from "zod";

/** The content of a file, Base64; more than any has. */
const Content = z.base64().max(64 << 10);

/** The public part of the site's key, and files to enrol it by hand. */
export const SecureBootView = z.object({
  /** PEM. */
  certificate: z.string(),
  created: z.string(),
  /** site.pem, site.cer; PK.auth, KEK.auth and db.auth, signed, with Microsoft's certificates in KEK and db. */
  files: z.array(z.object({ name: z.string().regex(/^[\w.]+$/), content: Content })),
});
export type SecureBootView = z.infer<typeof SecureBootView>;

/** Boot programs of a clone, for the site's key to sign: SHA-256 by Authenticode, as the version's facts have it. */
export const SignatureRequest = z.object({
  digests: z.array(z.string().regex(/^[0-9a-f]{64}$/)).min(1).max(32),
});
export type SignatureRequest = z.infer<typeof SignatureRequest>;

/** A PKCS #7 SignedData for each, in the same order. */
export const SignatureAnswer = z.object({ signatures: z.array(Content).max(32) });
export type SignatureAnswer = z.infer<typeof SignatureAnswer>;

/** How an installed machine comes to trust the site's key. */
export const SecureBootOrder = z.object({
  /** Certificate, DER, that shim on the clone's disk is to ask for at its next start. */
  mok: Content.optional(),
  /** What a machine in set-up mode writes to its firmware's variables, in this order (UEFI 2.10 §8.2.2). */
  variables: z.array(z.object({
    name: z.enum(["db", "KEK", "PK"]),
    vendor: z.guid(),
    attributes: z.int().min(0),
    /** EFI_VARIABLE_AUTHENTICATION_2 and the value. */
    data: Content,
  })).max(3),
});
export type SecureBootOrder = z.infer<typeof SecureBootOrder>;
