/** Whether a request was signed by the relay of a site, now and for the first time. */
import { RackseedError } from "#contract/errors.ts";
import { readSignature, type SignedRequest } from "#contract/relay_signature.ts";

/** How far a relay's clock may be off. */
const SKEW_MS = 5 * 60_000;
/** Nonces that are kept at most: a relay makes a few calls a second. */
const MAX_NONCES = 200_000;

/** A site's relay, as it proves itself. */
interface KnownRelay {
  readonly name: string;
  /** SPKI PEM; null once it is revoked. */
  readonly publicKey: string | null;
}

export class RelayProofs {
  readonly #find: (keyId: string) => KnownRelay | undefined;
  readonly #now: () => number;
  /** Until when a nonce must not come again. */
  readonly #nonces = new Map<string, number>();

  constructor({ find, now }: { find: (keyId: string) => KnownRelay | undefined; now: () => number }) {
    this.#find = find;
    this.#now = now;
  }

  /** The name of the site whose relay signed this request. Throws RackseedError: 401, or 403 if it was revoked. */
  siteOf(headers: Headers, request: SignedRequest): string {
    const { name, publicKey } = this.expects(headers);
    this.assertBy(headers, { publicKey, request });
    return name;
  }

  /** The relay that the signature names; it is not verified yet. Throws RackseedError (401, 403). */
  expects(headers: Headers): { name: string; publicKey: string } {
    const signature = readSignature(headers);
    if (!signature) throw unproven("it carries no signature of a relay.");
    const relay = this.#find(signature.keyId);
    if (!relay) throw unproven("this server knows no site with the relay's key.");
    const { name, publicKey } = relay;
    if (publicKey === null) throw revoked(name);
    return { name, publicKey };
  }

  /** The request proves that its caller has this key. `publicKey`: SPKI PEM. Throws RackseedError (401). */
  assertBy(headers: Headers, { publicKey, request }: { publicKey: string; request: SignedRequest }): void {
    const signature = readSignature(headers), nowMs = this.#now();
    if (!signature?.isBy(publicKey, request)) throw unproven("its signature is not by the relay's key.");
    const offMs = signature.createdMs - nowMs;
    if (Math.abs(offMs) > SKEW_MS) {
      throw unproven(
        `the relay's clock is ${Math.round(Math.abs(offMs) / 1000)} s ${offMs < 0 ? "behind" : "ahead"}.`,
        "set the clocks of both servers, by NTP.",
      );
    }
    this.#forget(nowMs);
    const nonce = `${signature.keyId} ${signature.nonce}`;
    if (this.#nonces.has(nonce) || this.#nonces.size >= MAX_NONCES) {
      throw unproven("a request with its nonce came before, or too many come.");
    }
    this.#nonces.set(nonce, signature.createdMs + SKEW_MS + 1000);
  }

  /** They are in the order in which they came, which is about that in which they end. */
  #forget(nowMs: number): void {
    for (const [nonce, endsMs] of this.#nonces) {
      if (endsMs > nowMs) break;
      this.#nonces.delete(nonce);
    }
  }
}

function unproven(
  reason: string,
  remedy = "enrol the relay again: rackseed site token NAME, at the upstream.",
): RackseedError {
  return new RackseedError("cannot accept this request", { reason, remedy, status: 401 });
}

export function revoked(site: string): RackseedError {
  return new RackseedError("cannot accept this request", {
    reason: `the relay of ${site} was revoked.`,
    remedy: `to trust it again: rackseed site token ${site}, at the upstream.`,
    status: 403,
  });
}
