/** A machine proves to its server which agent it runs; see server/docs/security.md. */
import type { TpmChallenge, TpmKeys, TpmQuote } from "#contract/api/attestation.ts";
import type { ApiClient } from "#contract/client.ts";
import { messageOf, RackseedError } from "#contract/errors.ts";
import { fingerprintOf } from "#contract/tpm/public_key.ts";
import { CLOSING_PCR, closingDigest, qualifyingData, QUOTED_PCRS } from "#contract/tpm/quoted.ts";
import { eventsOf } from "./event_log.ts";
import { openMachineTpm, readMachineLog } from "./machine_tpm.ts";
import { Tpm } from "./tpm.ts";

/** PCR 4: the programs that the firmware loaded. */
const PROGRAMS_PCR = 4;

/** Makes the quote that the server asks for, the only one of this boot. `token`: that of the boot. Throws RackseedError. */
export async function proveMachine(
  client: Pick<ApiClient, "call">,
  { token, signal }: { token: string; signal: AbortSignal },
): Promise<TpmQuote> {
  try {
    using device = await openMachineTpm();
    if (device === undefined) throw new RangeError("it shows no TPM 2.0, or its kernel has no driver for it");
    const tpm = new Tpm(device.transmit);
    const log = await readMachineLog();
    const challenge = (keys: TpmKeys) => client.call("POST /node/attest", { body: keys, signal });
    const quote = await quoteFor(challenge, { tpm, log, token });
    await end(tpm);
    return quote;
  } catch (error) {
    if (error instanceof RackseedError) throw error;
    throw new RackseedError("cannot prove which agent this machine runs", {
      reason: `${messageOf(error)}.`,
      remedy:
        "switch the TPM 2.0 on in the firmware's set-up, with SHA-256 PCRs; or let the server do without it: " +
        "rackseed node set NODE --require-tpm off",
      cause: error,
    });
  }
}

/** `challenge`: asks the server for one. */
export async function quoteFor(
  challenge: (keys: TpmKeys) => Promise<TpmChallenge>,
  { tpm, log, token }: { tpm: Tpm; log: Uint8Array; token: string },
): Promise<TpmQuote> {
  await using ek = await tpm.makeKey("ek");
  await using ak = await tpm.makeKey("ak");
  const { nonce, credential, secret } = await challenge({
    ek: encode(ek.publicArea),
    ak: encode(ak.publicArea),
  });
  const opened = await tpm.activate({ ek, ak, credential: decode(credential), secret: decode(secret) });
  const values = await tpm.readPcrs(QUOTED_PCRS);
  const { attest, signature } = await tpm.quote(ak, {
    qualifyingData: qualifyingData({ nonce: decode(nonce), token }),
    pcrs: QUOTED_PCRS,
  });
  return {
    opened: encode(opened),
    attest: encode(attest),
    signature: encode(signature),
    pcrs: values.map((value) => Buffer.from(value).toString("hex")),
    loaded: eventsOf(log, PROGRAMS_PCR),
  };
}

/** Fingerprint of the TPM's endorsement key, for the inventory; undefined if there is none, or it fails. */
export async function readTpmKey(): Promise<string | undefined> {
  try {
    using device = await openMachineTpm();
    if (device === undefined) return undefined;
    await using ek = await new Tpm(device.transmit).makeKey("ek");
    return fingerprintOf(ek.publicArea);
  } catch {
    return undefined;
  }
}

/**
 * From now on until the next start through the firmware, no quote proves anything: a shell at the console, or the
 * system that the installer starts by kexec, cannot pass for the agent. A machine without a TPM has nothing to end.
 */
export async function endProofs(): Promise<void> {
  using device = await openMachineTpm();
  if (device) await end(new Tpm(device.transmit));
}

async function end(tpm: Tpm): Promise<void> {
  await tpm.extendPcr(CLOSING_PCR, closingDigest());
}

function encode(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}

function decode(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(text, "base64"));
}
