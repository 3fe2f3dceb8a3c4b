/** Whether a quote was made by this key, for this challenge, and over which PCRs (TPM 2.0 Library, Part 2 §10.12). */
import { createHash } from "node:crypto";
import { concat, TpmReader } from "#contract/tpm/bytes.ts";
import { pointOf, TPM_ALG } from "#contract/tpm/public_key.ts";
import { QUOTED_PCRS } from "#contract/tpm/quoted.ts";

/** TPM_GENERATED_VALUE: what a restricted key signs begins so only if the TPM itself made it. */
const MAGIC = 0xff544347;
const ST_ATTEST_QUOTE = 0x8018;
/** clock 8 | reset count 4 | restart count 4 | safe 1, and the version of the TPM's firmware 8 */
const CLOCK_AND_FIRMWARE_BYTES = 17 + 8;
const COORDINATE_BYTES = 32;

interface SignedQuote {
  /** TPMS_ATTEST and TPMT_SIGNATURE. */
  readonly attest: Uint8Array<ArrayBuffer>;
  readonly signature: Uint8Array<ArrayBuffer>;
}

/** Throws RangeError that says what is wrong, unless the quote is by `ak`, for `qualifyingData`, over `pcrs`. */
export async function verifyQuote(
  { attest, signature }: SignedQuote,
  { ak, qualifyingData, pcrs }: {
    /** Its public area. */
    readonly ak: Uint8Array;
    readonly qualifyingData: Uint8Array;
    /** Of QUOTED_PCRS. */
    readonly pcrs: readonly Uint8Array[];
  },
): Promise<void> {
  if (!await isSignedBy(ak, { attest, signature })) {
    throw new RangeError("its signature is not by the attestation key that the machine announced");
  }
  const quote = decodeAttest(attest);
  if (!quote.extraData.equals(qualifyingData)) {
    throw new RangeError("it answers another question: another server's, another boot's or an earlier one");
  }
  const expected = createHash("sha256").update(concat(...pcrs)).digest();
  if (!quote.pcrDigest.equals(expected)) throw new RangeError("it is about other PCR values than were sent");
}

async function isSignedBy(ak: Uint8Array, { attest, signature }: SignedQuote): Promise<boolean> {
  const reader = new TpmReader(signature);
  if (reader.u16() !== TPM_ALG.ecdsa || reader.u16() !== TPM_ALG.sha256) {
    throw new RangeError("its signature is not ECDSA with SHA-256");
  }
  const signed = concat(number(reader.sized()), number(reader.sized()));
  reader.end();
  const { x, y } = pointOf(ak, "ak");
  const curve = { name: "ECDSA", namedCurve: "P-256" };
  const point = concat(Uint8Array.of(4), x, y);
  const key = await crypto.subtle.importKey("raw", point, curve, false, ["verify"]).catch((cause) => {
    throw new RangeError("its attestation key is no point of its curve", { cause });
  });
  return await crypto.subtle.verify({ name: "ECDSA", hash: "SHA-256" }, key, signed, attest);
}

function number(bytes: Uint8Array): Uint8Array {
  if (bytes.length > COORDINATE_BYTES) throw new RangeError("its signature is malformed");
  return concat(new Uint8Array(COORDINATE_BYTES - bytes.length), bytes);
}

/**
 * TPMS_ATTEST: magic 4 | type 2 | signer 2+n | extra data 2+n | clock and firmware 25 | PCR selection | digest 2+n.
 * Throws RangeError unless it is a quote over QUOTED_PCRS of the SHA-256 bank alone.
 */
export function decodeAttest(attest: Uint8Array): { extraData: Buffer; pcrDigest: Buffer } {
  const reader = new TpmReader(attest);
  if (reader.u32() !== MAGIC) throw new RangeError("it was not made by a TPM");
  if (reader.u16() !== ST_ATTEST_QUOTE) {
    throw new RangeError("it is no quote, but another statement of the TPM");
  }
  reader.sized();
  const extraData = Buffer.from(reader.sized());
  reader.take(CLOCK_AND_FIRMWARE_BYTES);
  const banks = reader.u32(), algorithm = reader.u16(), map = reader.take(reader.u8());
  const selected = [...map].flatMap((bits, i) => bitsOf(bits).map((bit) => 8 * i + bit));
  if (banks !== 1 || algorithm !== TPM_ALG.sha256 || selected.join() !== QUOTED_PCRS.join()) {
    throw new RangeError("it is about other PCRs than were asked for");
  }
  const pcrDigest = Buffer.from(reader.sized());
  reader.end();
  return { extraData, pcrDigest };
}

function bitsOf(byte: number): number[] {
  return [0, 1, 2, 3, 4, 5, 6, 7].filter((bit) => byte & 1 << bit);
}
