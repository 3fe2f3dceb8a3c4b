/** A node proves by its TPM 2.0 which agent it runs, before it gets its order. */
import { z } from "zod";
import { ProblemSchema, text, time } from "./fields.ts";

/** `most`: the longest in bytes. */
const base64 = (most: number) => z.base64({ error: "it is not base64" }).min(1).max(Math.ceil(most / 3) * 4);
const Sha256 = z.string().regex(/^[0-9a-f]{64}$/, { error: "a SHA-256 has 64 hexadecimal digits" });

/** The public areas of the TPM's two keys (tpm/public_key.ts). */
export const TpmKeys = z.object({ ek: base64(160), ak: base64(160) });
export type TpmKeys = z.infer<typeof TpmKeys>;

/** Good for one quote, and for a short time. */
export const TpmChallenge = z.object({
  /** Goes into the quote: tpm/quoted.ts. */
  nonce: base64(32),
  /** TPM2B_ID_OBJECT and TPM2B_ENCRYPTED_SECRET: only the TPM with both keys can open them (TPM2_ActivateCredential). */
  credential: base64(128),
  secret: base64(128),
});
export type TpmChallenge = z.infer<typeof TpmChallenge>;

export const TpmQuote = z.object({
  /** What was in the credential. */
  opened: base64(64),
  /** TPMS_ATTEST and TPMT_SIGNATURE (TPM 2.0 Library, Part 2 §10.12.8 and §11.3.4). */
  attest: base64(512),
  signature: base64(256),
  /** The values of QUOTED_PCRS. */
  pcrs: z.array(Sha256).length(4),
  /** What the firmware's log has of PCR 4. `text`: of an event that is the text's hash. */
  loaded: z.array(z.object({ digest: Sha256, text: text(200).optional() })).max(128),
});
export type TpmQuote = z.infer<typeof TpmQuote>;

/** A node's TPM, and what it last proved. */
export const TpmView = z.object({
  /** SHA-256 of the public area of its endorsement key; absent until the node showed one. */
  ek: Sha256.optional(),
  since: time.optional(),
  /** When a quote last proved that it runs this server's agent. */
  proved: time.optional(),
  /** Orders go to it only after a quote. */
  required: z.literal(true).optional(),
  /** Why the order that waits for it was last refused to it. */
  problem: ProblemSchema.optional(),
});
export type TpmView = z.infer<typeof TpmView>;
