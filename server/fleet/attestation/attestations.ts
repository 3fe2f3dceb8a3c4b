/**
 * Nodes that must prove which agent they run before they get an order that has secrets:
 *
 *     enrol ── 428, a quote is needed ──▶ attest(EK, AK) ── nonce, credential ──▶ enrol with a quote ──▶ the order
 *
 * A challenge belongs to one boot token, is good for one quote and for a short time. Challenges and refusals are only in
 * memory: after a restart of the server a machine asks again.
 */
import { randomBytes, timingSafeEqual } from "node:crypto";
import type { Inventory } from "#contract/api.ts";
import type { TpmChallenge, TpmKeys, TpmQuote, TpmView } from "#contract/api/attestation.ts";
import { messageOf, type Problem, RackseedError } from "#contract/errors.ts";
import { formatToken } from "#contract/token.ts";
import { fingerprintOf, nameOf, pointOf } from "#contract/tpm/public_key.ts";
import { qualifyingData } from "#contract/tpm/quoted.ts";
import type { Assignment } from "../../store/assignment.ts";
import type { NodeRecord } from "../../store/node_record.ts";
import type { NodeTpms } from "../../store/node_tpms.ts";
import { type ExpectedBoot, judgeBoot } from "./judge_boot.ts";
import { makeCredential } from "./make_credential.ts";
import { verifyQuote } from "./verify_quote.ts";

/** A slow TPM takes seconds for each of three commands. */
const CHALLENGE_MS = 120_000;
/** A machine that is to ask for a challenge first (RFC 6585 §3). */
const QUOTE_NEEDED = 428;

interface AttestationSources {
  readonly tpms: NodeTpms;
  /** Whether nodes without a setting of their own need a quote. */
  readonly requiredByDefault: boolean;
  /** What a machine measures that boots this version's signed kernel image. Throws RackseedError if there is none. */
  readonly expectedBoot: (ref: string) => Promise<ExpectedBoot>;
  /** Pin of the server's CA, for the nodes' boot tokens. */
  readonly pin: string;
  readonly now: () => number;
}

interface Challenge {
  readonly nonce: Uint8Array;
  readonly credential: Uint8Array;
  readonly ek: string;
  readonly ak: Uint8Array;
  readonly endsMs: number;
}

/** A quote that was accepted, for one deployment. */
export interface Proof {
  readonly deployment: string;
  /** Fingerprint of the TPM's endorsement key. */
  readonly ek: string;
}

export class Attestations {
  readonly #sources: AttestationSources;
  /** By boot secret. */
  readonly #challenges = new Map<string, Challenge>();
  /** By node id. */
  readonly #refusals = new Map<string, Problem>();

  constructor(sources: AttestationSources) {
    this.#sources = sources;
  }

  isRequired({ settings }: Pick<NodeRecord, "settings">): boolean {
    const { requireTpm } = settings;
    return requireTpm === undefined ? this.#sources.requiredByDefault : requireTpm === "on";
  }

  /** Throws RackseedError (400, 409). */
  challenge(bootSecret: string, node: NodeRecord, keys: TpmKeys): TpmChallenge {
    const ek = decode(keys.ek), ak = decode(keys.ak), { now, tpms } = this.#sources;
    const known = tpms.of(node.id), fingerprint = fingerprintOf(ek);
    if (known && known.ek !== fingerprint) throw this.#refuse(node, otherTpm(node, { known, fingerprint }));
    const nonce = randomBytes(32), value = randomBytes(32);
    try {
      pointOf(ak, "ak");
      const sealed = makeCredential(value, { ek: pointOf(ek, "ek"), name: nameOf(ak) });
      this.#dropOld();
      const endsMs = now() + CHALLENGE_MS;
      this.#challenges.set(bootSecret, { nonce, credential: value, ek: fingerprint, ak, endsMs });
      return { nonce: encode(nonce), credential: encode(sealed.credential), secret: encode(sealed.secret) };
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw this.#refuse(node, notProved(node, `its keys are not usable: ${error.message}.`, 400));
    }
  }

  /** Accepts a quote, or throws RackseedError (409). The challenge is used up either way. */
  async prove(
    bootSecret: string,
    { node, pending, quote }: { node: NodeRecord; pending: Assignment; quote: TpmQuote },
  ): Promise<Proof> {
    const challenge = this.#challenges.get(bootSecret);
    this.#challenges.delete(bootSecret);
    try {
      await this.#judge(challenge, { bootSecret, pending, quote });
    } catch (error) {
      if (error instanceof RackseedError) throw this.#refuse(node, error);
      if (!(error instanceof RangeError)) throw error;
      throw this.#refuse(node, notProved(node, messageOf(error)));
    }
    return { deployment: pending.deployment, ek: challenge!.ek };
  }

  /** Throws RackseedError (409, 428) unless the node needs no quote for this order, or has given it. */
  demand(
    node: NodeRecord,
    { pending, inventory, proof }: {
      pending: Assignment;
      inventory: Inventory;
      proof?: Proof | undefined;
    },
  ): void {
    if (!this.isRequired(node)) return;
    if (proof?.deployment === pending.deployment) {
      this.#sources.tpms.prove(node.id, proof.ek);
      this.#refusals.delete(node.id);
      return;
    }
    throw this.#refuse(node, missing(node, inventory));
  }

  /** The node showed this TPM without a proof, as part of its hardware. */
  note(node: NodeRecord, ek: string | undefined): void {
    if (ek !== undefined) this.#sources.tpms.note(node.id, ek);
  }

  /** The next TPM that the node shows is its own. */
  forgetTpm(node: string): void {
    this.#sources.tpms.forget(node);
    this.#refusals.delete(node);
  }

  /** `isWaiting`: it is armed, so that a refusal still matters. */
  view(node: NodeRecord, { isWaiting }: { isWaiting: boolean }): TpmView | undefined {
    const tpm = this.#sources.tpms.of(node.id), required = this.isRequired(node);
    const problem = isWaiting ? this.#refusals.get(node.id) : undefined;
    if (!tpm && !required) return undefined;
    return { ...tpm, ...(required && { required: true as const }), ...(problem && { problem }) };
  }

  async #judge(
    challenge: Challenge | undefined,
    { bootSecret, pending, quote }: { bootSecret: string; pending: Assignment; quote: TpmQuote },
  ): Promise<void> {
    const { now, pin, expectedBoot } = this.#sources;
    if (challenge === undefined || challenge.endsMs < now()) {
      throw new RangeError("it answers no question of this server, or too late");
    }
    const opened = decode(quote.opened);
    if (opened.length !== challenge.credential.length || !timingSafeEqual(opened, challenge.credential)) {
      throw new RangeError("its attestation key is not in the TPM whose endorsement key it showed");
    }
    const token = formatToken({ pin, secret: bootSecret });
    await verifyQuote({ attest: decode(quote.attest), signature: decode(quote.signature) }, {
      ak: challenge.ak,
      qualifyingData: qualifyingData({ nonce: challenge.nonce, token }),
      pcrs: quote.pcrs.map((value) => Buffer.from(value, "hex")),
    });
    const reason = judgeBoot(quote, await expectedBoot(`${pending.image}@${pending.version}`));
    if (reason !== undefined) throw new RangeError(reason);
  }

  #refuse(node: NodeRecord, error: RackseedError): RackseedError {
    this.#refusals.set(node.id, error.toProblem());
    return error;
  }

  #dropOld(): void {
    const nowMs = this.#sources.now();
    for (const [secret, { endsMs }] of this.#challenges) if (endsMs < nowMs) this.#challenges.delete(secret);
  }
}

const OFF = (name: string) => `rackseed node set ${name} --require-tpm off`;

function notProved({ name }: NodeRecord, reason: string, status = 409): RackseedError {
  return new RackseedError(`cannot give ${name} its order`, {
    reason: `its TPM did not prove that it runs this server's agent: ${
      /\.$/.test(reason) ? reason : `${reason}.`
    }`,
    remedy:
      "let it boot the server's signed kernel image from the network, through its firmware. If it still fails, " +
      `somebody may have changed what it boots. To do without the proof: ${OFF(name)}`,
    status,
  });
}

function otherTpm(
  { name }: NodeRecord,
  { known, fingerprint }: { known: { ek: string; since: string }; fingerprint: string },
): RackseedError {
  return new RackseedError(`cannot give ${name} its order`, {
    reason:
      `it shows the TPM ${fingerprint.slice(0, 16)}…, but since ${known.since.slice(0, 10)} it is known by ` +
      `${known.ek.slice(0, 16)}….`,
    remedy:
      `if its board or its TPM was replaced: rackseed node hardware ${name} --forget-tpm. Otherwise this is another machine.`,
    status: 409,
  });
}

function missing({ name }: NodeRecord, { kind, tpm2 }: Inventory): RackseedError {
  const refuse = (reason: string, remedy: string, status = 409) =>
    new RackseedError(`cannot give ${name} its order`, {
      reason: `it must prove by its TPM what it runs, and ${reason}`,
      remedy: `${remedy} To do without the proof: ${OFF(name)}`,
      status,
    });
  if (kind === "directory") {
    return refuse("a directory cannot.", "boot the machine from the network.");
  }
  return tpm2 === false
    ? refuse("this machine shows no TPM 2.0.", "switch its TPM 2.0 on in the firmware's set-up.")
    : refuse(
      "its agent has sent no quote.",
      "see the node's console for the reason; an agent of an earlier release cannot send one.",
      QUOTE_NEEDED,
    );
}

function decode(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(text, "base64"));
}

function encode(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}
