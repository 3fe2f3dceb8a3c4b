/** The few commands of a TPM 2.0 that a quote needs (TPM 2.0 Library, Part 3). */
import { concat, sized, u16, u32 } from "#contract/tpm/bytes.ts";
import { templateOf, TPM_ALG, type TpmKey } from "#contract/tpm/public_key.ts";
import { execute, HANDLE, type TpmResponse, type Transmit } from "./command.ts";

const CODE = {
  createPrimary: 0x131,
  activateCredential: 0x147,
  policySecret: 0x151,
  quote: 0x158,
  flushContext: 0x165,
  startAuthSession: 0x176,
  pcrRead: 0x17e,
  pcrExtend: 0x182,
};
const POLICY_SESSION = 1;
const DIGEST_BYTES = 32;
/** Bytes of a bit map of 24 PCRs. */
const SELECT_BYTES = 3;

interface LoadedKey extends AsyncDisposable {
  readonly handle: number;
  /** Its TPMT_PUBLIC. */
  readonly publicArea: Uint8Array<ArrayBuffer>;
}

export class Tpm {
  readonly #transmit: Transmit;

  constructor(transmit: Transmit) {
    this.#transmit = transmit;
  }

  /** TPM2_CreatePrimary: the EK, or the AK of this boot (in the null hierarchy). */
  async makeKey(key: TpmKey): Promise<LoadedKey> {
    const { handle, parameters } = await execute(this.#transmit, {
      name: "TPM2_CreatePrimary",
      code: CODE.createPrimary,
      handles: [key === "ek" ? HANDLE.endorsement : HANDLE.null],
      auth: ["empty"],
      // no password and no data; the template; no outside information; no creation PCRs
      parameters: [sized(sized(), sized()), sized(templateOf(key)), sized(), u32(0)],
      makesHandle: true,
    });
    return {
      handle,
      publicArea: parameters.sized(),
      [Symbol.asyncDispose]: () => this.#flush(handle),
    };
  }

  /**
   * TPM2_ActivateCredential: opens what was sealed to this EK for this AK. `credential`: TPM2B_ID_OBJECT, `secret`:
   * TPM2B_ENCRYPTED_SECRET.
   */
  async activate(
    { ek, ak, credential, secret }: {
      ek: LoadedKey;
      ak: LoadedKey;
      credential: Uint8Array;
      secret: Uint8Array;
    },
  ): Promise<Uint8Array<ArrayBuffer>> {
    const session = await this.#endorsementSession();
    try {
      const { parameters } = await execute(this.#transmit, {
        name: "TPM2_ActivateCredential",
        code: CODE.activateCredential,
        handles: [ak.handle, ek.handle],
        auth: ["empty", { session }],
        parameters: [credential, secret],
      });
      return parameters.sized();
    } catch (error) {
      // it ends by itself only if the command succeeds
      await this.#flush(session).catch(() => {});
      throw error;
    }
  }

  /** TPM2_Quote. Returns TPMS_ATTEST and TPMT_SIGNATURE. */
  async quote(
    ak: LoadedKey,
    { qualifyingData, pcrs }: { qualifyingData: Uint8Array; pcrs: readonly number[] },
  ): Promise<{ attest: Uint8Array<ArrayBuffer>; signature: Uint8Array<ArrayBuffer> }> {
    const { parameters } = await execute(this.#transmit, {
      name: "TPM2_Quote",
      code: CODE.quote,
      handles: [ak.handle],
      auth: ["empty"],
      parameters: [sized(qualifyingData), u16(TPM_ALG.null), selection(pcrs)],
    });
    const attest = parameters.sized();
    const [algorithm, hash] = [parameters.u16(), parameters.u16()];
    const [r, s] = [parameters.sized(), parameters.sized()];
    parameters.end();
    return { attest, signature: concat(u16(algorithm), u16(hash), sized(r), sized(s)) };
  }

  /** TPM2_PCR_Read, of the SHA-256 bank, for at most eight PCRs. Throws RangeError if the TPM has no such bank. */
  async readPcrs(pcrs: readonly number[]): Promise<Uint8Array<ArrayBuffer>[]> {
    const { parameters } = await execute(this.#transmit, {
      name: "TPM2_PCR_Read",
      code: CODE.pcrRead,
      parameters: [selection(pcrs)],
    });
    parameters.u32(); // how often PCRs were changed
    const selected = parameters.u32();
    for (let i = 0; i < selected; i++) {
      parameters.u16();
      parameters.take(parameters.u8());
    }
    const count = parameters.u32();
    if (count !== pcrs.length) throw new RangeError("the TPM has no SHA-256 PCRs");
    const values = pcrs.map(() => parameters.sized());
    if (values.some(({ length }) => length !== DIGEST_BYTES)) {
      throw new RangeError("a PCR has the wrong length");
    }
    return values;
  }

  /** TPM2_PCR_Extend, of the SHA-256 bank. */
  async extendPcr(pcr: number, digest: Uint8Array): Promise<void> {
    await execute(this.#transmit, {
      name: "TPM2_PCR_Extend",
      code: CODE.pcrExtend,
      handles: [pcr],
      auth: ["empty"],
      parameters: [u32(1), u16(TPM_ALG.sha256), digest],
    });
  }

  /** A session that satisfies the EK's policy: PolicySecret with the endorsement hierarchy, whose password is empty. */
  async #endorsementSession(): Promise<number> {
    const { handle: session } = await this.#startSession();
    try {
      await execute(this.#transmit, {
        name: "TPM2_PolicySecret",
        code: CODE.policySecret,
        handles: [HANDLE.endorsement, session],
        auth: ["empty"],
        // no nonce, no command, no reference; it does not expire
        parameters: [sized(), sized(), sized(), u32(0)],
      });
      return session;
    } catch (error) {
      await this.#flush(session).catch(() => {});
      throw error;
    }
  }

  #startSession(): Promise<TpmResponse> {
    return execute(this.#transmit, {
      name: "TPM2_StartAuthSession",
      code: CODE.startAuthSession,
      handles: [HANDLE.null, HANDLE.null],
      parameters: [
        sized(crypto.getRandomValues(new Uint8Array(DIGEST_BYTES))),
        sized(),
        Uint8Array.of(POLICY_SESSION),
        u16(TPM_ALG.null),
        u16(TPM_ALG.sha256),
      ],
      makesHandle: true,
    });
  }

  async #flush(handle: number): Promise<void> {
    await execute(this.#transmit, {
      name: "TPM2_FlushContext",
      code: CODE.flushContext,
      parameters: [u32(handle)],
    });
  }
}

/** TPML_PCR_SELECTION of the SHA-256 bank. */
function selection(pcrs: readonly number[]): Uint8Array<ArrayBuffer> {
  const bits = new Uint8Array(SELECT_BYTES);
  for (const pcr of pcrs) bits[pcr >> 3]! |= 1 << (pcr & 7);
  return concat(u32(1), u16(TPM_ALG.sha256), Uint8Array.of(SELECT_BYTES), bits);
}
