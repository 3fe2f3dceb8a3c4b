/** Obtains a certificate by ACME (RFC 8555) from the site's own authority, by the challenge http-01 (§8.3). */
import { Agent } from "node:https";
import * as acme from "acme-client";
import { messageOf, RackseedError } from "#contract/errors.ts";

export interface AcmeSettings {
  /** Of the authority's directory (RFC 8555 §7.1.1). */
  readonly directory: URL;
  /** PEM file of the authority that the ACME server's own certificate is from, beside the usual ones. */
  readonly caFile: string | undefined;
  /** Of this server, as browsers use them; the first one is the certificate's subject. */
  readonly names: readonly string[];
  /** Where the authority may write to. */
  readonly email: string | undefined;
}

/** Texts by token, as GET /.well-known/acme-challenge/TOKEN answers them. */
export type ChallengeAnswers = Map<string, string>;

export const CHALLENGES = "/.well-known/acme-challenge/";
/** Of one request; an order takes several. */
const ANSWER_MS = 30_000;
/** The caller tries again, later. The library's own default is more than a minute. */
const RETRIES = { httpChallengePort: 80, retryMaxAttempts: 1, retryDefaultDelay: 2 };
/** How often it asks whether a challenge is passed. */
const POLLING = { backoffMin: 1000, backoffMax: 10_000, backoffAttempts: 12 };

export async function newAccountKey(): Promise<string> {
  return (await acme.crypto.createPrivateEcdsaKey()).toString();
}

/** Chain and key in PEM. `answers` is filled while the authority asks. Throws RackseedError. */
export async function obtainCertificate(
  { directory, caFile, names, email }: AcmeSettings,
  { accountKey, answers }: { accountKey: string; answers: ChallengeAnswers },
): Promise<{ cert: string; key: string }> {
  const title = `cannot obtain a certificate for ${names.join(", ")} from ${directory.host}`;
  try {
    // the library has one HTTP client for all its uses, and this is the only one here
    Object.assign(acme.axios.defaults, { timeout: ANSWER_MS, acmeSettings: RETRIES });
    if (caFile !== undefined) {
      acme.axios.defaults.httpsAgent = new Agent({ ca: await Deno.readTextFile(caFile) });
    }
    const client = new acme.Client({ directoryUrl: directory.href, accountKey, ...POLLING });
    const [key, csr] = await acme.crypto.createCsr(
      { commonName: names[0] ?? "", altNames: [...names] },
      await acme.crypto.createPrivateEcdsaKey(),
    );
    const cert = await client.auto({
      csr,
      ...(email !== undefined && { email }),
      termsOfServiceAgreed: true,
      challengePriority: ["http-01"],
      // it would ask itself through a name that may not lead here
      skipChallengeVerification: true,
      challengeCreateFn: (_, { token }, text) => Promise.resolve(void answers.set(token, text)),
      challengeRemoveFn: (_, { token }) => Promise.resolve(void answers.delete(token)),
    });
    return { cert, key: key.toString() };
  } catch (error) {
    throw new RackseedError(title, {
      reason: `${messageOf(error).slice(0, 500)}.`,
      remedy:
        "check acme-directory, acme-ca-file and acme-domain, and that the authority reaches this server by these " +
        "names on port 80.",
      cause: error,
    });
  }
}
