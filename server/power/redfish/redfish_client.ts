/** A session with a Redfish service (DSP0266): JSON over HTTPS, to one host only. */
import { getLogger } from "@logtape/logtape";
import type { z } from "zod";
import { RackseedError } from "#contract/errors.ts";
import type { RawAnswer } from "../bmc_answer.ts";
import { type BmcRequest, CertificateChanged, type SendToBmc } from "../bmc_connection.ts";
import type { Pause } from "../power_driver.ts";
import { noAnswer, refused, sentence, wrongPassword } from "../power_error.ts";
import { MissingOpenSsl } from "../tls/openssl.ts";
import { NoTlsSession } from "../tls/tls_client.ts";
import { ifMatchValues } from "./if_match.ts";
import { errorText, ServiceRoot } from "./resources.ts";

const log = getLogger(["rackseed", "power"]);

export interface RedfishAccess {
  readonly send: SendToBmc;
  /** "10.0.0.5" or "10.0.0.5:8443", for messages. */
  readonly address: string;
  readonly user: string;
  readonly password: string;
  /** The action and its subject, for messages. */
  readonly title: string;
  readonly signal: AbortSignal;
  readonly pause: Pause;
}

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly json: unknown;
  readonly isEmpty: boolean;
}

const ROOT = "/redfish/v1/";
const MAX_REDIRECTS = 3;
const MAX_RETRIES = 4, RETRY_MS = 3000;
/** A service without sessions, or with all of them in use: Basic authentication is left. */
const NO_SESSION = new Set([400, 404, 405, 500, 501, 503]);
/**
 * Errors that pass by themselves: an iDRAC that is starting (quadsproject/badfish#129) or busy with the operation
 * before (openstack/sushy, increase-server-retries), an iLO right after a change (retry-ilo-not-ready-error).
 */
const PASSING = /SWC0700|SYS518|iLO\S*\.InvalidOperationForSystemState|ServiceTemporarilyUnavailable/;

export class RedfishClient {
  readonly #access: RedfishAccess;
  #root: z.output<typeof ServiceRoot> = {} as z.output<typeof ServiceRoot>;
  #auth: Record<string, string> = {};
  #session: string | undefined;

  private constructor(access: RedfishAccess) {
    this.#access = access;
  }

  /** Logs in. Throws RackseedError. */
  static async open(access: RedfishAccess): Promise<RedfishClient> {
    const client = new RedfishClient(access);
    const root = await client.#call({ method: "GET", path: ROOT });
    if (root.status !== 401 && root.status !== 403) client.#root = client.#parse(ServiceRoot, root, ROOT);
    await client.#logIn();
    return client;
  }

  get systems(): string {
    return this.path(this.#root.Systems?.["@odata.id"] ?? "/redfish/v1/Systems");
  }

  /**
   * By a session if the service offers one: with Basic authentication, BMCs log every request as a login. A refused
   * password is not tried the other way, since a BMC counts it twice and locks the user.
   */
  async #logIn(): Promise<void> {
    const { user, password, title, address } = this.#access;
    const sessions = this.#root.Links?.Sessions?.["@odata.id"];
    this.#auth = { Authorization: `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}` };
    if (sessions === undefined) return;
    const body = { UserName: user, Password: password };
    const answer = await this.#call({ method: "POST", path: this.path(sessions), body }, { auth: {} });
    const token = answer.headers.get("x-auth-token");
    if (answer.status < 300 && token !== null) {
      this.#auth = { "X-Auth-Token": token };
      const location = answer.headers.get("location") ?? idOf(answer.json);
      this.#session = location === undefined ? undefined : this.path(location);
    } else if (answer.status >= 300 && !NO_SESSION.has(answer.status)) {
      throw wrongPassword(title, { address, user });
    }
  }

  /** Throws RackseedError if the answer is not 2xx. */
  async get<T extends z.ZodType>(
    path: string,
    schema: T,
  ): Promise<{ value: z.output<T>; etag: string | undefined }> {
    const answer = await this.find(path, schema);
    if (answer) return answer;
    throw refused(this.#access.title, { reason: `${this.#access.address} has no ${path}` });
  }

  /** Undefined if there is no such resource. */
  async find<T extends z.ZodType>(
    path: string,
    schema: T,
  ): Promise<{ value: z.output<T>; etag: string | undefined } | undefined> {
    const answer = await this.#call({ method: "GET", path });
    if (answer.status === 404 || answer.status === 410) return undefined;
    return { value: this.#parse(schema, answer, path), etag: answer.headers.get("etag") ?? undefined };
  }

  /** Throws RackseedError with what the service says. */
  async post(path: string, body: unknown): Promise<void> {
    this.#prove(await this.#call({ method: "POST", path, body }), `POST ${path}`);
  }

  /** `etags`: those that came with the resource. Throws RackseedError with what the service says. */
  async patch(
    path: string,
    { body, etags }: { body: unknown; etags: readonly (string | undefined)[] },
  ): Promise<void> {
    let answer: Answer | undefined;
    for (const etag of ifMatchValues(etags)) {
      const headers = etag === undefined ? {} : { "If-Match": etag };
      answer = await this.#call({ method: "PATCH", path, body, headers });
      if (answer.status !== 412 && answer.status !== 428) break;
    }
    if (answer) this.#prove(answer, `PATCH ${path}`);
  }

  /** Ends the session: a BMC has few of them. Never throws. */
  async [Symbol.asyncDispose](): Promise<void> {
    const path = this.#session;
    this.#session = undefined;
    if (path === undefined) return;
    try {
      const headers = this.#auth;
      await this.#access.send({ method: "DELETE", path, headers }, AbortSignal.timeout(5000));
    } catch {
      log.debug("session-not-ended", { bmc: this.#access.address });
    }
  }

  /** The path of a reference. Throws RackseedError if it leads to another host: the password would follow it. */
  path(reference: string): string {
    const base = `https://${this.#access.address}/`;
    const url = URL.canParse(reference, base) ? new URL(reference, base) : undefined;
    if (url?.host === new URL(base).host) return `${url.pathname}${url.search}`;
    throw refused(this.#access.title, {
      reason: `${this.#access.address} refers to another host, ${reference}`,
    });
  }

  /** Repeats what fails in passing, and follows redirects within the host. */
  async #call(request: BmcRequest, { auth = this.#auth } = {}): Promise<Answer> {
    const { signal, pause } = this.#access, headers = { ...auth, ...request.headers };
    for (let retries = 0;; retries++) {
      const answer = await this.#follow({ ...request, headers }, { mayRetry: retries < MAX_RETRIES });
      if (answer && !isPassing(request, answer)) return answer;
      if (answer && retries >= MAX_RETRIES) return answer;
      await pause(RETRY_MS, signal);
    }
  }

  /** Undefined if there was no answer and it may be tried again. */
  async #follow(request: BmcRequest, { mayRetry }: { mayRetry: boolean }): Promise<Answer | undefined> {
    const { send, title, address, signal } = this.#access;
    let path = request.path;
    for (let redirects = 0;; redirects++) {
      let raw: RawAnswer;
      try {
        raw = await send({ ...request, path }, signal);
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof CertificateChanged) throw changed(title, { address, shown: error.message });
        if (error instanceof NoTlsSession) throw noSession(title, { address, cause: error.message });
        if (error instanceof MissingOpenSsl) throw noOpenSsl(title, error);
        // a connection that broke is no sign of a dead BMC, one that never came about is
        if (mayRetry && request.method === "GET" && isBroken(error)) return undefined;
        throw noAnswer(title, { address, cause: error });
      }
      const location = raw.headers.get("location");
      const redirected = request.method === "GET" ? [301, 302, 307, 308] : [307, 308];
      if (location === null || !redirected.includes(raw.status)) return answerOf(raw);
      if (redirects >= MAX_REDIRECTS) throw refused(title, { reason: `${address} redirects in a circle` });
      path = this.path(location);
    }
  }

  #parse<T extends z.ZodType>(schema: T, answer: Answer, path: string): z.output<T> {
    this.#prove(answer, `GET ${path}`);
    const parsed = schema.safeParse(answer.json);
    if (parsed.success) return parsed.data;
    const { title, address } = this.#access;
    throw refused(title, { reason: `what ${address} sends for ${path} is not Redfish` });
  }

  #prove({ status, json }: Answer, call: string): void {
    if (status < 300) return;
    const { title, address, user } = this.#access;
    if (status === 401) throw wrongPassword(title, { address, user });
    throw refused(title, {
      reason: `${address} answered ${status} to ${call}: ${errorText(json) || "no reason"}`,
    });
  }
}

/** Also an answer without a body, right after a change of power (device-management-toolkit/console#1051). */
function isPassing({ method }: BmcRequest, { status, json, isEmpty }: Answer): boolean {
  if (method === "GET" && status === 200 && isEmpty) return true;
  if (status === 503 || (method === "GET" && status >= 500)) {
    return method !== "POST" || PASSING.test(errorText(json));
  }
  return status >= 400 && PASSING.test(errorText(json));
}

function isBroken(error: unknown): boolean {
  return error instanceof SyntaxError || /reset|closed|broken pipe|EOF/i.test(String(error));
}

function answerOf({ status, headers, body }: RawAnswer): Answer {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(body));
  } catch {
    // an empty answer, or a page: the status says the rest
  }
  return { status, headers, json, isEmpty: body.length === 0 };
}

function idOf(json: unknown): string | undefined {
  const id = (json as { "@odata.id"?: unknown } | undefined)?.["@odata.id"];
  return typeof id === "string" ? id : undefined;
}

function changed(title: string, { address, shown }: { address: string; shown: string }): RackseedError {
  return new RackseedError(title, {
    reason:
      `the BMC at ${address} shows another certificate than before (SHA-256 ${shown}). Nothing was sent.`,
    remedy: "if the BMC was replaced or got a new certificate: rackseed node set NODE --power-pin new",
    status: 502,
  });
}

function noOpenSsl(title: string, { message }: MissingOpenSsl): RackseedError {
  return new RackseedError(title, {
    reason: `Redfish needs OpenSSL 3 on the server, and it cannot be loaded: ${sentence(message)}`,
    remedy: "install it: apt-get install libssl3 (dnf install openssl-libs).",
    status: 501,
  });
}

function noSession(title: string, { address, cause }: { address: string; cause: string }): RackseedError {
  return new RackseedError(title, {
    reason: `there is no TLS session with the BMC at ${address}: ${sentence(cause)} Nothing was sent.`,
    remedy:
      "update the firmware of the BMC, which must know TLS 1.2, or use ipmi://; if the signature is bad, " +
      "another machine has the BMC's address.",
    status: 502,
  });
}
