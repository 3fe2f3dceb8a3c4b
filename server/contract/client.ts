/**
 * The API's client, for agents and the command line. It trusts a single certificate authority: the one whose SHA-256
 * is the pin in the token. It fetches the CA certificate from the server over an unverified connection, and rejects
 * it unless the hash matches.
 */
import type { z } from "zod";
import { API, ProblemSchema } from "./api.ts";
import { IDEMPOTENCY_KEY } from "./api/fields.ts";
import { EPOCH } from "./api/standbys.ts";
import { isMedia, PARAMETER } from "./calls/call.ts";
import type { Answer, Given, JsonCall } from "./calls/typed.ts";
import { messageOf, RackseedError } from "./errors.ts";
import type { SignedRequest } from "./relay_signature.ts";
import { parseToken, pinOf } from "./token.ts";

interface CallOptions {
  readonly signal?: AbortSignal;
}

/**
 * Longest wait for an answer to begin. A server that lost power never closes its connections, so without a limit the
 * client would wait for ever.
 */
const ANSWER_MS = 10 * 60_000;
/** Status of the error if no answer comes. */
const UNREACHABLE = 503;
/** Pause before an order is repeated. */
const ONCE_MORE_MS = 1000;

export class ApiClient implements Disposable {
  readonly server: URL;
  readonly #http: Deno.HttpClient;
  #secret: string;
  #sign: ((request: SignedRequest) => Record<string, string>) | undefined;
  /** The latest epoch that a server has answered with, see api/standbys.ts. */
  epoch = "";

  private constructor(server: URL, { http, secret }: { http: Deno.HttpClient; secret: string }) {
    this.server = server;
    this.#http = http;
    this.#secret = secret;
  }

  /** Fetches and pins the server's CA, unless `ca` is it. `server`: "https://HOST:PORT". Throws RackseedError. */
  static async connect(
    { server, token, ca, signal }: {
      server: string;
      token: string;
      /** A CA certificate in PEM. */
      ca?: string | undefined;
      signal?: AbortSignal;
    },
  ): Promise<ApiClient> {
    const parsed = parseToken(token);
    if (!parsed) {
      throw new RackseedError("cannot use the token", {
        reason: "it does not have the form rs1.PIN.SECRET.",
        remedy:
          "copy the whole token as the server printed it, or from the file `token` in its data directory.",
        status: 401,
      });
    }
    const url = serverUrl(server);
    const known = ca === undefined ? undefined : firstCertificate(ca);
    const pem = known !== undefined && pinOf(known) === parsed.pin ? known : await fetchCa(url, signal);
    if (pinOf(pem) !== parsed.pin) {
      throw new RackseedError(`cannot trust the server at ${url.origin}`, {
        reason: "its certificate is not the one that the token was made for.",
        remedy: "check the address; if the server was set up again, use its new token.",
        status: 401,
      });
    }
    // HTTP/1.1, because HTTP/2's flow-control windows slow uploads down
    const http = Deno.createHttpClient({ caCerts: [pem], http2: false, poolMaxIdlePerHost: 8 });
    return new ApiClient(url, { http, secret: parsed.secret });
  }

  [Symbol.dispose](): void {
    this.#http.close();
  }

  /** Authorizes all further calls with this secret, the session from enrolment. */
  useSession(secret: string): void {
    this.#secret = secret;
  }

  /** Authorizes all further calls by these headers, which depend on the request, and no longer by a secret. */
  signWith(sign: (request: SignedRequest) => Record<string, string>): void {
    this.#sign = sign;
  }

  /**
   * Makes a call of the tables (calls.ts). An order whose answer is lost is sent once more; the server carries it out
   * once. Throws RackseedError.
   *
   * @example
   * ```ts
   * import type { ApiClient } from "./client.ts";
   *
   * async function example(client: ApiClient): Promise<string> {
   *   const { name } = await client.call("GET /nodes/:node", { node: "52:54:00:12:34:56" });
   *   const { deployment } = await client.call("POST /deployments", { body: { nodes: [name], image: "web" } });
   *   return deployment;
   * }
   * ```
   */
  async call<K extends JsonCall>(name: K, given: Given<K>): Promise<Answer<K>> {
    // the tables hold the schemas of the whole API, which a node never needs
    const { callNamed } = await import("./calls.ts");
    const { answer, isOrder } = callNamed(name) ?? {};
    const { body, signal } = given as { body?: unknown; signal?: AbortSignal };
    const { method, path } = addressOf(name, given);
    const send = () =>
      this.send(method, path, {
        ...(body !== undefined && { json: body }),
        ...(isOrder && { key }),
        ...(signal && { signal }),
      });
    const key = crypto.randomUUID();
    const response = await (isOrder ? send().catch(onceMore(send)) : send());
    if (answer === undefined || isMedia(answer)) return undefined as Answer<K>;
    return await parsed(response, { schema: answer, call: `${method} ${path}` }) as Answer<K>;
  }

  get<T extends z.ZodType>(path: string, schema: T, options?: CallOptions): Promise<z.output<T>> {
    return this.#json("GET", path, { schema, ...options });
  }

  post<T extends z.ZodType>(
    path: string,
    { body, schema, signal }: { body: unknown; schema: T } & CallOptions,
  ): Promise<z.output<T>> {
    return this.#json("POST", path, { body, schema, ...(signal && { signal }) });
  }

  put<T extends z.ZodType>(
    path: string,
    { body, schema, signal }: { body: unknown; schema: T } & CallOptions,
  ): Promise<z.output<T>> {
    return this.#json("PUT", path, { body, schema, ...(signal && { signal }) });
  }

  /** For calls whose answer has no body, or a body of bytes or a stream. */
  async send(
    method: "GET" | "POST" | "PUT" | "DELETE",
    path: string,
    { body, json, range, key, base = API, answerMs = ANSWER_MS, signal }: {
      body?: BodyInit;
      json?: unknown;
      range?: string;
      /** Of an order; see calls/call.ts. */
      key?: string;
      /** What `path` is below. */
      base?: string;
      /** Longest wait for the answer to begin. */
      answerMs?: number;
    } & CallOptions = {},
  ): Promise<Response> {
    const content = json === undefined ? body : JSON.stringify(json), url = new URL(base + path, this.server);
    const headers = new Headers(
      this.#sign?.({ method, url, body: signedBytes(content) }) ??
        { authorization: `Bearer ${this.#secret}` },
    );
    if (this.epoch !== "") headers.set(EPOCH, this.epoch);
    if (range !== undefined) headers.set("range", range);
    if (key !== undefined) headers.set(IDEMPOTENCY_KEY, `"${key}"`);
    if (json !== undefined) headers.set("content-type", "application/json");
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(new Error(`no answer for ${answerMs / 1000} s.`)), answerMs);
    let response: Response;
    try {
      response = await fetch(url, {
        method,
        headers,
        client: this.#http,
        ...(content !== undefined && { body: content }),
        signal: signal ? AbortSignal.any([signal, late.signal]) : late.signal,
      });
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      throw unreachable(this.server, error);
    } finally {
      clearTimeout(timer);
    }
    this.#noteEpoch(response.headers.get(EPOCH) ?? "");
    if (!response.ok) throw await problemOf(response, `${method} ${path}`);
    return response;
  }

  /** The server checks the signature when it comes back. */
  #noteEpoch(statement: string): void {
    if (statement.length < 256 && parseInt(statement) > (parseInt(this.epoch) || 0)) this.epoch = statement;
  }

  async #json<T extends z.ZodType>(
    method: "GET" | "POST" | "PUT",
    path: string,
    { body, schema, signal }: { body?: unknown; schema: T } & CallOptions,
  ): Promise<z.output<T>> {
    const response = await this.send(method, path, {
      ...(body !== undefined && { json: body }),
      ...(signal && { signal }),
    });
    return await parsed(response, { schema, call: `${method} ${path}` });
  }
}

function signedBytes(content: BodyInit | undefined): Uint8Array {
  if (content === undefined || content === null) return new Uint8Array();
  if (typeof content === "string") return new TextEncoder().encode(content);
  throw new TypeError("only JSON is signed");
}

/** "PUT /nodes/:node" with its parameters filled in. */
function addressOf(
  name: JsonCall,
  given: object,
): { method: "GET" | "POST" | "PUT" | "DELETE"; path: string } {
  const { query = {}, ...parameters } = given as Record<string, string> & { query?: Record<string, unknown> };
  const [method, pattern = ""] = name.split(" ");
  const path = pattern.replaceAll(
    PARAMETER,
    (_, parameter) => encodeURIComponent(parameters[parameter] ?? ""),
  );
  const asked = Object.entries(query).filter(([, value]) => value !== undefined)
    .map(([key, value]): [string, string] => [key, String(value)]);
  const search = asked.length === 0 ? "" : `?${new URLSearchParams(asked)}`;
  return { method: method as "GET", path: path + search };
}

/** Repeats what failed because the server was not reached, or its answer was lost. */
function onceMore<T>(work: () => Promise<T>): (error: unknown) => Promise<T> {
  return async (error) => {
    const isLost = error instanceof RackseedError && error.status === UNREACHABLE &&
      error.cause !== undefined;
    if (!isLost) throw error;
    await new Promise((resolve) => setTimeout(resolve, ONCE_MORE_MS));
    return await work();
  };
}

/** The answer's JSON, checked. Throws RackseedError. */
async function parsed<T extends z.ZodType>(
  response: Response,
  { schema, call }: { schema: T; call: string },
): Promise<z.output<T>> {
  const answer = schema.safeParse(await response.json());
  if (answer.success) return answer.data;
  throw new RackseedError(`cannot understand the server's answer to ${call}`, {
    reason: answer.error.message,
    remedy: "use the same version of rackseed on both sides (`rackseed version`).",
  });
}

function serverUrl(server: string): URL {
  const url = URL.canParse(server) ? new URL(server) : undefined;
  if (url?.protocol === "https:") return url;
  throw new RackseedError(`cannot use the server address ${server}`, {
    reason: "it is not of the form https://HOST:PORT.",
    remedy: "give --server https://HOST:8443, or set RACKSEED_SERVER.",
    status: 400,
  });
}

/** What comes after it is not compared with the pin, and must not be trusted. */
function firstCertificate(text: string): string | undefined {
  const pem = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/.exec(text)?.[0];
  return pem === undefined ? undefined : `${pem}\n`;
}

/** GET /ca.pem by hand over node:tls, the only client of the runtime that can skip certificate checks. */
async function fetchCa(server: URL, signal?: AbortSignal): Promise<string> {
  const { default: tls } = await import("node:tls");
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const host = server.hostname.replace(/^\[|\]$/g, "");
  const socket = tls.connect({ host, port: Number(server.port || 443), rejectUnauthorized: false });
  const abort = () => socket.destroy(new Error("aborted"));
  signal?.addEventListener("abort", abort, { once: true });
  let answer = "";
  const finish = (error?: unknown) => {
    signal?.removeEventListener("abort", abort);
    const pem = /^HTTP\/1\.[01] 200 /.test(answer) ? firstCertificate(answer) : undefined;
    if (signal?.aborted) reject(signal.reason);
    else if (error) reject(unreachable(server, error));
    else if (pem) resolve(pem);
    else reject(unreachable(server, new Error("the answer is not from a Rackseed server.")));
  };
  socket.setTimeout(20_000, () => socket.destroy(new Error("no answer for 20 s")));
  socket.on("secureConnect", () => socket.write(`GET /ca.pem HTTP/1.0\r\nHost: ${server.host}\r\n\r\n`));
  socket.on("data", (chunk: Uint8Array) => {
    answer += Buffer.from(chunk).toString("latin1");
    if (answer.length > 65_536) socket.destroy(new Error("the certificate is too large"));
  });
  socket.on("error", finish);
  socket.on("close", () => finish());
  return await promise;
}

function unreachable(server: URL, error: unknown): RackseedError {
  return new RackseedError(`cannot reach the server at ${server.origin}`, {
    reason: messageOf(error),
    remedy: "check that `rackseed server` runs there and that no firewall is in between.",
    status: UNREACHABLE,
    cause: error,
  });
}

async function problemOf(response: Response, call: string): Promise<RackseedError> {
  const body = await response.text();
  try {
    return RackseedError.fromProblem(ProblemSchema.parse(JSON.parse(body)));
  } catch {
    return new RackseedError(`${call} failed`, {
      reason: `the server answered HTTP ${response.status}: ${body.slice(0, 200)}`,
      remedy: "see the server's log.",
      status: response.status,
    });
  }
}
