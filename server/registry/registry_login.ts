/**
 * Answers a registry's 401: Basic (RFC 7617), or a token for the scope at hand ("Token Authentication Specification" of
 * the Distribution project).
 */
import { z } from "zod";
import { fetchInTime, shortBody } from "../connections/outgoing.ts";
import type { RegistryCredentials } from "./docker_credentials.ts";
import { RegistryError } from "./registry_error.ts";

const ANSWER_MS = 30_000;
const MAX_BYTES = 1 << 20;
/** A token's life if the answer does not say; and how long before its end it is no longer used. */
const DEFAULT_SECONDS = 60, MARGIN_SECONDS = 10;

const TokenAnswer = z.object({
  token: z.string().optional(),
  access_token: z.string().optional(),
  expires_in: z.number().optional(),
});

interface Login {
  readonly header: string;
  readonly endsMs: number;
}

interface Challenge {
  readonly scheme: string;
  readonly params: ReadonlyMap<string, string>;
}

/** The first challenge of a WWW-Authenticate header (RFC 9110 §11.6.1). */
export function parseChallenge(header: string | null): Challenge | undefined {
  const [, scheme, rest = ""] = /^\s*([A-Za-z]+)\s+(.*)$/.exec(header ?? "") ?? [];
  if (scheme === undefined) return undefined;
  const params = rest.matchAll(/(\w+)=(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/g)
    .map(([, name = "", quoted, plain]): [string, string] => [
      name.toLowerCase(),
      quoted?.replace(/\\(.)/g, "$1") ?? plain ?? "",
    ]);
  return { scheme: scheme.toLowerCase(), params: new Map(params) };
}

export class RegistryLogins {
  readonly #credentials: (registry: string) => RegistryCredentials | undefined;
  readonly #http: Deno.HttpClient;
  readonly #mayBePlain: (host: string) => boolean;
  /** By registry and scope. */
  readonly #logins = new Map<string, Login>();

  /** `mayBePlain`: whether a password may go to this host over plain HTTP. */
  constructor({ credentials, http, mayBePlain }: {
    credentials: (registry: string) => RegistryCredentials | undefined;
    http: Deno.HttpClient;
    mayBePlain: (host: string) => boolean;
  }) {
    this.#credentials = credentials;
    this.#http = http;
    this.#mayBePlain = mayBePlain;
  }

  /** The Authorization header of an earlier login that is still good. */
  header(registry: string, scope: string): string | undefined {
    const login = this.#logins.get(`${registry} ${scope}`);
    return login && login.endsMs > Date.now() ? login.header : undefined;
  }

  /** Logs in. `scope`: "repository:site/web:pull,push". Throws RegistryError. */
  async answer(
    challenge: string | null,
    { registry, scope, title, signal }: {
      registry: string;
      scope: string;
      title: string;
      signal: AbortSignal;
    },
  ): Promise<string> {
    const parsed = parseChallenge(challenge);
    const known = this.#credentials(registry);
    const login = parsed?.scheme === "basic"
      ? basicLogin(known ?? noCredentials(title, registry))
      : parsed?.scheme === "bearer"
      ? await this.#token(parsed, { registry, known, scope, title, signal })
      : noScheme(title, parsed?.scheme);
    this.#logins.set(`${registry} ${scope}`, login);
    return login.header;
  }

  async #token(
    { params }: Challenge,
    { registry, known, scope, title, signal }: {
      registry: string;
      known: RegistryCredentials | undefined;
      scope: string;
      title: string;
      signal: AbortSignal;
    },
  ): Promise<Login> {
    const realm = params.get("realm") ?? "", service = params.get("service");
    const url = URL.canParse(realm) ? new URL(realm) : undefined;
    const isSafe = url?.protocol === "https:" || url?.protocol === "http:" && this.#mayBePlain(url.host);
    if (url === undefined || !isSafe) {
      const reason = `it asks for a login at ${realm.slice(0, 200)}, which is not https.`;
      throw new RegistryError(title, { fault: "login", reason });
    }
    if (service !== undefined) url.searchParams.set("service", service);
    for (const one of scope.split(" ")) url.searchParams.append("scope", one);
    const response = await fetchInTime(url, {
      answerMs: ANSWER_MS,
      headers: known === undefined ? {} : { authorization: basicLogin(known).header },
      redirect: "manual",
      client: this.#http,
      signal,
    });
    const body = await shortBody(response, { maxBytes: MAX_BYTES, signal });
    if (!response.ok) {
      const who = known === undefined ? ", without credentials," : ` as ${known.user}`;
      const reason = `the login at ${url.host}${who} was answered ${response.status}.`;
      throw new RegistryError(title, { fault: response.status < 500 ? "login" : "unreachable", reason });
    }
    const { token, access_token = token, expires_in = DEFAULT_SECONDS } = tokenIn(body);
    if (access_token === undefined || !/^[\x21-\x7e]+$/.test(access_token)) {
      const reason = `the login for ${registry} at ${url.host} was answered without a token.`;
      throw new RegistryError(title, { fault: "nonsense", reason });
    }
    const goodMs = Math.max(1, expires_in - MARGIN_SECONDS) * 1000;
    return { header: `Bearer ${access_token}`, endsMs: Date.now() + goodMs };
  }
}

function tokenIn(body: Uint8Array | undefined): z.infer<typeof TokenAnswer> {
  try {
    return TokenAnswer.parse(JSON.parse(new TextDecoder().decode(body)));
  } catch {
    return {};
  }
}

function basicLogin({ user, password }: RegistryCredentials): Login {
  const header = `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
  return { header, endsMs: Infinity };
}

function noCredentials(title: string, registry: string): never {
  throw new RegistryError(title, {
    fault: "login",
    reason: `it wants a password, and there is none for ${registry}.`,
  });
}

function noScheme(title: string, scheme: string | undefined): never {
  const reason = scheme === undefined
    ? "it answered 401 and did not say how to log in."
    : `it wants a login by ${scheme.slice(0, 40)}, which is neither Basic nor a token.`;
  throw new RegistryError(title, { fault: "login", reason });
}
