/**
 * Obtains a certificate by ACME (RFC 8555) from the site's own authority, by the challenge http-01 (§8.3). Our own,
 * because npm's `acme-client` brings a second HTTP and two more cryptography libraries, of which one starts workers
 * that the product's bundle cannot hold, and keeps its trusted authorities in one global place.
 */
import "reflect-metadata";
import {
  PemConverter,
  Pkcs10CertificateRequestGenerator,
  SubjectAlternativeNameExtension,
} from "@peculiar/x509";
import { z } from "zod";
import { messageOf, RackseedError } from "#contract/errors.ts";
import { AcmeRequests } from "./acme_requests.ts";

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

interface ObtainOptions {
  readonly accountKey: string;
  /** Filled while the authority asks. */
  readonly answers: ChallengeAnswers;
  readonly signal: AbortSignal;
}

export const CHALLENGES = "/.well-known/acme-challenge/";
const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const POLL_MS = 1000;
/** An authority checks a challenge, and issues, in seconds. */
const PATIENCE_MS = 120_000;

const State = z.enum([
  "pending",
  "ready",
  "processing",
  "valid",
  "invalid",
  "deactivated",
  "expired",
  "revoked",
]);
type State = z.infer<typeof State>;
const Failure = z.object({ detail: z.string().catch("") }).optional();
const Order = z.object({
  status: State,
  authorizations: z.array(z.url()).max(100),
  finalize: z.url(),
  certificate: z.url().optional(),
  error: Failure,
});
const Authorization = z.object({
  status: State,
  challenges: z.array(z.object({
    type: z.string(),
    url: z.url(),
    token: z.string().regex(/^[\w-]{1,256}$/),
    error: Failure,
  })),
});

/** Chain and key in PEM. Throws RackseedError, or the signal's reason. */
export async function obtainCertificate(
  settings: AcmeSettings,
  options: ObtainOptions,
): Promise<{ cert: string; key: string }> {
  const { directory, caFile, names } = settings;
  let http: Deno.HttpClient | undefined;
  try {
    if (caFile !== undefined) http = Deno.createHttpClient({ caCerts: [await Deno.readTextFile(caFile)] });
    return await order(settings, { ...options, http });
  } catch (error) {
    options.signal.throwIfAborted();
    // fetch says only in the cause what went wrong
    const cause = error instanceof TypeError && error.cause !== undefined ? error.cause : error;
    throw new RackseedError(`cannot obtain a certificate for ${names.join(", ")} from ${directory.host}`, {
      reason: `${messageOf(cause).slice(0, 500)}.`,
      remedy:
        "check acme-directory, acme-ca-file and acme-domain, and that the authority reaches this server by these " +
        "names on port 80.",
      cause: error,
    });
  } finally {
    http?.close();
  }
}

async function order(
  { directory, names, email }: AcmeSettings,
  { accountKey, answers, signal, http }: ObtainOptions & { readonly http: Deno.HttpClient | undefined },
): Promise<{ cert: string; key: string }> {
  const acme = await AcmeRequests.open(directory, { accountKey, http });
  await acme.useAccount(email === undefined ? [] : [`mailto:${email}`]);
  const identifiers = names.map((value) => ({ type: "dns", value }));
  const { location, body } = await acme.post(acme.directory.newOrder, { identifiers });
  const { authorizations, finalize } = Order.parse(JSON.parse(body));
  for (const url of authorizations) await authorize(acme, { url, answers, signal });
  const { csr, key } = await certificateRequest(names);
  await acme.post(finalize, { csr });
  const { certificate } = await untilValid(() => acme.read(location, Order), signal);
  if (certificate === undefined) throw new Error("its order names no certificate");
  return { cert: (await acme.post(certificate)).body, key };
}

/** Proves that one of the names is this server (§7.5). */
async function authorize(
  acme: AcmeRequests,
  { url, answers, signal }: Pick<ObtainOptions, "answers" | "signal"> & { readonly url: string },
): Promise<void> {
  const { status, challenges } = await acme.read(url, Authorization);
  if (status === "valid") return;
  const challenge = challenges.find(({ type }) => type === "http-01");
  if (!challenge) throw new Error("it does not offer the challenge http-01");
  const { token } = challenge;
  answers.set(token, acme.keyAuthorization(token));
  try {
    await acme.post(challenge.url, {});
    await untilValid(async () => {
      const { status, challenges } = await acme.read(url, Authorization);
      return { status, error: challenges.find(({ error }) => error !== undefined)?.error };
    }, signal);
  } finally {
    answers.delete(token);
  }
}

interface Resource {
  readonly status: State;
  readonly error?: { readonly detail: string } | undefined;
}

/** Asks until the resource is valid. Throws Error if it never will be. */
async function untilValid<T extends Resource>(read: () => Promise<T>, signal: AbortSignal): Promise<T> {
  const deadlineMs = performance.now() + PATIENCE_MS;
  for (;;) {
    signal.throwIfAborted();
    const now = await read();
    if (now.status === "valid") return now;
    if (!["pending", "ready", "processing"].includes(now.status)) {
      throw new Error(`it says ${now.status}: ${now.error?.detail ?? "no reason"}`);
    }
    if (performance.now() > deadlineMs) throw new Error(`it says ${now.status} for ${PATIENCE_MS / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** PKCS #10 for these names, as base64url of its DER, and its key in PEM. */
async function certificateRequest(names: readonly string[]): Promise<{ csr: string; key: string }> {
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const csr = await Pkcs10CertificateRequestGenerator.create({
    name: [{ CN: [names[0] ?? ""] }],
    keys,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new SubjectAlternativeNameExtension(names.map((value) => ({ type: "dns" as const, value }))),
    ],
  });
  const key = PemConverter.encode(await crypto.subtle.exportKey("pkcs8", keys.privateKey), "PRIVATE KEY");
  return { csr: Buffer.from(csr.rawData).toString("base64url"), key: `${key}\n` };
}
