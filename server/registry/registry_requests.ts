/** Requests to registries: logged in, sent again while the registry is in trouble, and told apart when they fail. */
import { z } from "zod";
import { RackseedError } from "#contract/errors.ts";
import type { Repository } from "#contract/registry_reference.ts";
import { fetchFailure, fetchInTime, retrying, shortBody } from "../connections/outgoing.ts";
import type { RegistryCredentials } from "./docker_credentials.ts";
import { RegistryError, type RegistryFault, registryFault } from "./registry_error.ts";
import { RegistryLogins } from "./registry_login.ts";

/** Within it the answer's headers must come; 16 MiB at 1 Mbit/s take 134 s. */
const ANSWER_MS = { short: 30_000, withBody: 180_000 };
const MAX_ERROR_BYTES = 64 << 10;
/** From a registry to its storage, to a mirror of that. */
const MAX_REDIRECTS = 5;

export interface RegistryAccess {
  readonly credentials: (registry: string) => RegistryCredentials | undefined;
  readonly caPem?: string | undefined;
  /** Registries, "HOST:PORT", that are spoken to by plain HTTP. */
  readonly plainHttp: readonly string[];
}

interface RegistryRequest {
  readonly method: "GET" | "HEAD" | "PUT" | "POST" | "PATCH";
  /** Below "/v2/REPOSITORY/", such as "blobs/sha256:…", or a whole address that the registry gave. */
  readonly to: string | URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array<ArrayBuffer>;
  /** Also may read this repository of the same registry. */
  readonly from?: string | undefined;
  /** Needs the right to write. */
  readonly writes?: boolean;
}

interface Sending extends Repository {
  /** What is being done, for errors: "cannot push web@3 to …". */
  readonly title: string;
  readonly signal: AbortSignal;
}

/** Errors (OCI Distribution Specification, "Error Codes"). */
const Errors = z.object({
  errors: z.array(z.object({ code: z.string(), message: z.string().default("") })).min(1),
});

export class RegistryRequests implements Disposable {
  readonly #http: Deno.HttpClient;
  readonly #logins: RegistryLogins;
  readonly #plainHttp: ReadonlySet<string>;
  /** Registries on this machine, by whether they speak TLS. */
  readonly #local = new Map<string, "http" | "https">();

  constructor({ credentials, caPem, plainHttp }: RegistryAccess) {
    this.#http = Deno.createHttpClient({ ...(caPem !== undefined && { caCerts: [caPem] }), http2: false });
    this.#plainHttp = new Set(plainHttp);
    const mayBePlain = (host: string) => this.#plainHttp.has(host) || isLoopback(host);
    this.#logins = new RegistryLogins({ credentials, http: this.#http, mayBePlain });
  }

  [Symbol.dispose](): void {
    this.#http.close();
  }

  /** The answer, if its status is one of `expected`; its body is still to be read. Throws RegistryError. */
  async send(
    request: RegistryRequest,
    { expected, ...sending }: Sending & { expected: readonly number[] },
  ): Promise<Response> {
    return await retrying(() => this.once(request, { expected, ...sending }), {
      isPassing: (error) => registryFault(error) === "unreachable",
      signal: sending.signal,
    });
  }

  /** The same, but does not try again. */
  async once(
    request: RegistryRequest,
    { expected, ...sending }: Sending & { expected: readonly number[] },
  ): Promise<Response> {
    const { title, signal } = sending;
    try {
      const response = await this.#loggedIn(request, sending);
      if (expected.includes(response.status)) return response;
      throw await failureOf(response, { title, signal });
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof RackseedError) throw error;
      const reason = `${sending.registry}: ${fetchFailure(error)}.`;
      throw new RegistryError(title, { fault: "unreachable", reason, cause: error });
    }
  }

  /** Where nodes would read this, without a login. */
  async urlOf(
    { registry, repository, signal }: Repository & { readonly signal: AbortSignal },
    path: string,
  ): Promise<URL> {
    return new URL(`${await this.#scheme(registry, signal)}://${registry}/v2/${repository}/${path}`);
  }

  /** Where an upload goes on, by the answer to its last request. Throws RegistryError. */
  async uploadUrl({ headers }: Response, task: Sending): Promise<URL> {
    const location = headers.get("location") ?? "";
    const base = await this.urlOf(task, "blobs/uploads/");
    const url = location !== "" && URL.canParse(location, base) ? new URL(location, base) : undefined;
    // never from TLS to plain HTTP
    if (url?.protocol === base.protocol || url?.protocol === "https:") return url;
    throw new RegistryError(task.title, {
      fault: "nonsense",
      reason: "it did not say where to upload to.",
    });
  }

  /** An answer of any status, as somebody without credentials gets it, or with them. Redirects are not followed. */
  async look(
    url: URL,
    { registry, repository, headers, isLoggedIn, title, signal }: Sending & {
      headers: Readonly<Record<string, string>>;
      isLoggedIn: boolean;
    },
  ): Promise<Response> {
    const scope = `repository:${repository}:pull`;
    const answer = await this.#fetch(url, { method: "GET", headers }, {
      authorization: isLoggedIn ? this.#logins.header(registry, scope) : undefined,
      signal,
    });
    if (answer.status !== 401 || !isLoggedIn) return answer;
    const challenge = answer.headers.get("www-authenticate");
    await drop(answer);
    const authorization = await this.#logins.answer(challenge, { registry, scope, title, signal });
    return await this.#fetch(url, { method: "GET", headers }, { authorization, signal });
  }

  async #loggedIn(request: RegistryRequest, sending: Sending): Promise<Response> {
    const { registry, repository, title, signal } = sending;
    const { to, from, writes = false } = request;
    const url = typeof to === "string" ? await this.urlOf(sending, to) : to;
    const scope = [
      `repository:${repository}:${writes ? "pull,push" : "pull"}`,
      ...from === undefined ? [] : [`repository:${from}:pull`],
    ].join(" ");
    // an upload may continue at another host, which must not see the login
    const isOwn = url.host === registry;
    const authorization = isOwn ? this.#logins.header(registry, scope) : undefined;
    const answer = await this.#following(url, request, { authorization, signal });
    if (answer.status !== 401 || !isOwn) return answer;
    const challenge = answer.headers.get("www-authenticate");
    await drop(answer);
    const login = await this.#logins.answer(challenge, { registry, scope, title, signal });
    return await this.#following(url, request, { authorization: login, signal });
  }

  /** Follows redirects of reads; another host does not get the login. */
  async #following(
    url: URL,
    request: RegistryRequest,
    { authorization, signal }: { authorization: string | undefined; signal: AbortSignal },
  ): Promise<Response> {
    let at = url;
    for (let hops = 0;; hops++) {
      const isOwn = at.origin === url.origin;
      const answer = await this.#fetch(at, request, {
        authorization: isOwn ? authorization : undefined,
        signal,
      });
      const location = answer.headers.get("location");
      const isRead = request.method === "GET" || request.method === "HEAD";
      if (!isRead || ![301, 302, 303, 307, 308].includes(answer.status) || location === null) return answer;
      await drop(answer);
      const next = URL.canParse(location, at) ? new URL(location, at) : undefined;
      if (hops === MAX_REDIRECTS || next === undefined || !["http:", "https:"].includes(next.protocol)) {
        throw new TypeError("it redirects without an end");
      }
      at = next;
    }
  }

  async #fetch(
    url: URL,
    { method, headers = {}, body }: Pick<RegistryRequest, "method" | "headers" | "body">,
    { authorization, signal }: { authorization: string | undefined; signal: AbortSignal },
  ): Promise<Response> {
    return await fetchInTime(url, {
      answerMs: body === undefined ? ANSWER_MS.short : ANSWER_MS.withBody,
      method,
      // offsets refer to content without an encoding
      headers: {
        ...headers,
        "accept-encoding": "identity",
        ...(authorization !== undefined && { authorization }),
      },
      ...(body !== undefined && { body }),
      redirect: "manual",
      client: this.#http,
      signal,
    });
  }

  /** TLS, unless the settings name the registry; one on this machine may do without. */
  async #scheme(registry: string, signal: AbortSignal): Promise<"http" | "https"> {
    if (this.#plainHttp.has(registry)) return "http";
    if (!isLoopback(registry)) return "https";
    const scheme = this.#local.get(registry) ?? await this.#schemeOfLocal(registry, signal);
    this.#local.set(registry, scheme);
    return scheme;
  }

  async #schemeOfLocal(registry: string, signal: AbortSignal): Promise<"http" | "https"> {
    const answers = async (scheme: string) =>
      await drop(
        await this.#fetch(new URL(`${scheme}://${registry}/v2/`), { method: "GET" }, {
          authorization: undefined,
          signal,
        }),
      );
    try {
      await answers("https");
      return "https";
    } catch (error) {
      // a certificate that is not trusted is no reason to do without
      if (/certificate/i.test(fetchFailure(error))) return "https";
      await answers("http");
      return "http";
    }
  }
}

function isLoopback(registry: string): boolean {
  const host = registry.replace(/:\d+$/, "").toLowerCase();
  return host === "localhost" || host === "[::1]" || /^127(\.\d{1,3}){3}$/.test(host);
}

export async function drop(response: Response): Promise<void> {
  await response.body?.cancel().catch(() => {});
}

async function failureOf(
  response: Response,
  { title, signal }: { title: string; signal: AbortSignal },
): Promise<RegistryError> {
  const { status } = response;
  const body = await shortBody(response, { maxBytes: MAX_ERROR_BYTES, signal }).catch(() => undefined);
  await drop(response);
  const [first] = errorsIn(body);
  const said = first && `${first.code}: ${first.message}`.slice(0, 300);
  const reason = `the registry answered ${[status, said].filter((part) => part).join(" ")}.`;
  return new RegistryError(title, { fault: faultOf(status, first?.code), reason });
}

function errorsIn(body: Uint8Array | undefined): z.infer<typeof Errors>["errors"] {
  try {
    return Errors.parse(JSON.parse(new TextDecoder().decode(body))).errors;
  } catch {
    return [];
  }
}

function faultOf(status: number, code: string | undefined): RegistryFault {
  if (code === "DIGEST_INVALID" || code === "SIZE_INVALID") return "corrupt";
  if (status === 401 || status === 403) return "login";
  if (status === 404) return "missing";
  if (status === 429 || status >= 500) return "unreachable";
  return status >= 400 ? "refused" : "nonsense";
}
