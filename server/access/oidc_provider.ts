/**
 * The site's OpenID provider, as a relying party sees it (OpenID Connect Core 1.0): authorization code flow with PKCE
 * (RFC 7636), state and nonce. It is asked only when somebody logs in, so that the server starts without it.
 */
import * as oauth from "oauth4webapi";
import { messageOf, RackseedError } from "#contract/errors.ts";
import type { OidcAttempt } from "./oidc_attempt.ts";
import { claimOf, type ClaimRules, type OidcPerson, personOf } from "./oidc_claims.ts";

interface OidcSettings extends ClaimRules {
  /** https, or plain http on the loopback interface. */
  readonly issuer: URL;
  readonly clientId: string;
  /** File of the client's secret; undefined: a public client. */
  readonly secretFile: string | undefined;
  /** PEM file of the authority that the provider's certificate is from, beside the usual ones. */
  readonly caFile: string | undefined;
  /** Besides "openid" and "profile". */
  readonly scopes: readonly string[];
}

/** Of the provider's description: its endpoints change hardly ever, its keys are fetched when a new one is used. */
const KEPT_MS = 10 * 60_000;
/** Strangers can begin logins: a provider that does not answer is not asked for each of them. */
const FAILURE_KEPT_MS = 5000;
const ANSWER_MS = 10_000;
const MAX_ANSWER_BYTES = 1 << 20;

export class OidcProvider implements Disposable {
  readonly #settings: OidcSettings;
  readonly #now: () => number;
  readonly #http: Deno.HttpClient | undefined;
  #found: { readonly untilMs: number; readonly server: Promise<oauth.AuthorizationServer> } | undefined;

  /** Throws RackseedError if the file of the certificate authority cannot be read. */
  constructor(settings: OidcSettings, { now }: { now: () => number }) {
    this.#settings = settings;
    this.#now = now;
    if (settings.caFile !== undefined) {
      this.#http = Deno.createHttpClient({ caCerts: [readFile(settings.caFile, "certificate authority")] });
    }
  }

  /** For people: "login.site.example". */
  get name(): string {
    return this.#settings.issuer.hostname;
  }

  [Symbol.dispose](): void {
    this.#http?.close();
  }

  /** The address of the provider's login page. Throws RackseedError (503) if the provider cannot be asked. */
  async loginUrl({ state, nonce, verifier }: OidcAttempt, redirectUri: string): Promise<string> {
    const server = await this.#discover();
    if (server.authorization_endpoint === undefined) throw this.#failed(new Error("it names no login page"));
    const url = new URL(server.authorization_endpoint);
    const { clientId, scopes } = this.#settings;
    const query = {
      client_id: clientId,
      redirect_uri: redirectUri,
      response_type: "code",
      scope: ["openid", "profile", ...scopes].join(" "),
      state,
      nonce,
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: "S256",
    };
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    return url.href;
  }

  /**
   * Who came back from the login page. `query`: of the address that the provider sent the browser to. Throws
   * RackseedError (401, 403, 503).
   */
  async person(query: URLSearchParams, attempt: OidcAttempt, redirectUri: string): Promise<OidcPerson> {
    const server = await this.#discover();
    let claims: Record<string, unknown>;
    try {
      claims = await this.#claims(server, { query, attempt, redirectUri });
    } catch (error) {
      throw this.#failed(error);
    }
    return personOf(claims, this.#settings);
  }

  async #claims(
    server: oauth.AuthorizationServer,
    { query, attempt: { state, nonce, verifier }, redirectUri }: {
      query: URLSearchParams;
      attempt: OidcAttempt;
      redirectUri: string;
    },
  ): Promise<Record<string, unknown>> {
    const client: oauth.Client = { client_id: this.#settings.clientId };
    const options = this.#options();
    const params = oauth.validateAuthResponse(server, client, query, state);
    const answer = await oauth.authorizationCodeGrantRequest(
      server,
      client,
      this.#authentication(server),
      params,
      redirectUri,
      verifier,
      options,
    );
    const tokens = await oauth.processAuthorizationCodeResponse(server, client, answer, {
      expectedNonce: nonce,
      requireIdToken: true,
    });
    await oauth.validateApplicationLevelSignature(server, answer, options);
    const claims = oauth.getValidatedIdTokenClaims(tokens);
    if (claims === undefined) throw new Error("it sent no ID token");
    const { nameClaim, roleClaim } = this.#settings;
    const isComplete = [nameClaim, roleClaim].every((name) => claimOf(claims, name) !== undefined);
    if (isComplete || server.userinfo_endpoint === undefined) return claims;
    // many providers send most claims only there (OpenID Connect Core 1.0 §5.3)
    const info = await oauth.processUserInfoResponse(
      server,
      client,
      claims.sub,
      await oauth.userInfoRequest(server, client, tokens.access_token, options),
    );
    return { ...info, ...claims };
  }

  /** As the provider takes it; without its word, as OpenID Connect Discovery 1.0 §3 has it by default. */
  #authentication(
    { token_endpoint_auth_methods_supported: known }: oauth.AuthorizationServer,
  ): oauth.ClientAuth {
    const { secretFile } = this.#settings;
    if (secretFile === undefined) return oauth.None();
    const secret = readFile(secretFile, "client's secret").trim();
    const takesPostOnly = known?.includes("client_secret_post") && !known.includes("client_secret_basic");
    return takesPostOnly ? oauth.ClientSecretPost(secret) : oauth.ClientSecretBasic(secret);
  }

  /** Asks at most once at a time, and not again while the answer is fresh. */
  async #discover(): Promise<oauth.AuthorizationServer> {
    if (this.#found === undefined || this.#now() >= this.#found.untilMs) {
      this.#found = { untilMs: this.#now() + KEPT_MS, server: this.#ask() };
    }
    const found = this.#found;
    try {
      return await found.server;
    } catch (error) {
      const untilMs = Math.min(found.untilMs, this.#now() + FAILURE_KEPT_MS);
      if (this.#found === found) this.#found = { untilMs, server: found.server };
      throw this.#failed(error);
    }
  }

  async #ask(): Promise<oauth.AuthorizationServer> {
    const { issuer } = this.#settings;
    const answer = await oauth.discoveryRequest(issuer, { ...this.#options(), algorithm: "oidc" });
    return await oauth.processDiscoveryResponse(issuer, answer);
  }

  #options() {
    return {
      [oauth.customFetch]: (url: string, init: oauth.CustomFetchOptions<string, unknown>) =>
        this.#fetch(url, init as RequestInit),
      [oauth.allowInsecureRequests]: this.#settings.issuer.protocol === "http:",
      signal: () => AbortSignal.timeout(ANSWER_MS),
    };
  }

  /** An answer has a bound. */
  async #fetch(url: string, init: RequestInit): Promise<Response> {
    const answer = await fetch(url, { ...init, ...(this.#http && { client: this.#http }) });
    const { status, headers } = answer;
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    for await (const chunk of answer.body ?? []) {
      bytes += chunk.length;
      if (bytes > MAX_ANSWER_BYTES) {
        throw new Error(`its answer is larger than ${MAX_ANSWER_BYTES >> 20} MiB`);
      }
      chunks.push(chunk);
    }
    return new Response(Buffer.concat(chunks), { status, headers });
  }

  /** 401 for what the provider or the browser says, 503 if the provider cannot be asked. */
  #failed(error: unknown): RackseedError {
    if (error instanceof RackseedError) return error;
    const isRefusal = error instanceof oauth.AuthorizationResponseError ||
      error instanceof oauth.ResponseBodyError || error instanceof oauth.OperationProcessingError;
    return new RackseedError("cannot log in", {
      reason: `${reasonOf(error, this.name)}.`,
      remedy: "try again; while the provider does not answer, log in with a password or the admin token.",
      status: isRefusal ? 401 : 503,
      cause: error,
    });
  }
}

/** Without the tokens and codes that the library keeps in the error. */
function reasonOf(error: unknown, name: string): string {
  if (error instanceof oauth.AuthorizationResponseError || error instanceof oauth.ResponseBodyError) {
    return `${name} refused: ${error.error.slice(0, 100)} ${(error.error_description ?? "").slice(0, 200)}`
      .trim();
  }
  // fetch says only in the cause what went wrong
  const cause = error instanceof TypeError && error.cause !== undefined ? error.cause : error;
  return `the answer of ${name} cannot be used: ${
    messageOf(cause).replace(/ for url \([^)]*\)/, "").slice(0, 300)
  }`;
}

function readFile(path: string, what: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    throw new RackseedError(`cannot read the ${what} of single sign-on, ${path}`, {
      reason: `${messageOf(error)}.`,
      remedy: "check the setting, and the file's owner and mode.",
      status: 503,
      cause: error,
    });
  }
}
