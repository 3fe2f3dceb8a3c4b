/**
 * An OpenID provider for one client, on the loopback interface, that answers as a test says: what a real one would
 * never do. Its login page is left out: `code` stands for a person who has logged in there.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";

export const CLIENT = { id: "rackseed", secret: "client secret: 1+1=2" } as const;

export interface Misbehaviour {
  /** Changes the ID token's claims. */
  readonly claims?: Readonly<Record<string, unknown>>;
  /** The answer of the userinfo endpoint. */
  readonly userinfo?: Readonly<Record<string, unknown>>;
  /** Signs with a key that is not published. */
  readonly foreignKey?: boolean;
  /** The header's `alg`. */
  readonly alg?: string;
  /** Refuses the code. */
  readonly error?: string;
  /** Bytes that are added to every answer. */
  readonly paddingBytes?: number;
}

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");

export class HostileIssuer implements AsyncDisposable {
  behaviour: Misbehaviour = {};
  /** Of the last request for a login, by name. */
  #request = new URLSearchParams();
  readonly #key: CryptoKeyPair;
  readonly #foreign: CryptoKeyPair;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  private constructor(key: CryptoKeyPair, foreign: CryptoKeyPair) {
    this.#key = key;
    this.#foreign = foreign;
    const options = { hostname: "127.0.0.1", port: 0, onListen() {} };
    this.#server = Deno.serve(options, (request) => this.#answer(request));
  }

  static async start(): Promise<HostileIssuer> {
    const make = () => crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
    return new HostileIssuer(await make(), await make());
  }

  get url(): URL {
    return new URL(`http://127.0.0.1:${this.#server.addr.port}/realm`);
  }

  /** The person logs in at the provider's page: returns where the browser is sent, as path and query. */
  logIn(loginUrl: string): string {
    this.#request = new URL(loginUrl).searchParams;
    const { redirect_uri, state, client_id, response_type, code_challenge_method } = Object.fromEntries(
      this.#request,
    );
    assert.deepEqual([client_id, response_type, code_challenge_method], [CLIENT.id, "code", "S256"]);
    assert.match(redirect_uri ?? "", /^https:\/\/127\.0\.0\.1:\d+\/oidc\/callback$/);
    return `/oidc/callback?code=one&state=${state}&iss=${encodeURIComponent(this.url.href)}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }

  async #answer(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    if (pathname === "/realm/.well-known/openid-configuration") return this.#json(this.#description());
    if (pathname === "/realm/keys") return this.#json({ keys: [await this.#publicKey()] });
    if (pathname === "/realm/me") return this.#json(this.behaviour.userinfo ?? { sub: "1" });
    if (pathname === "/realm/token") return await this.#token(request);
    return new Response(null, { status: 404 });
  }

  #description(): Record<string, unknown> {
    const at = this.url.href;
    return {
      issuer: at,
      authorization_endpoint: `${at}/login`,
      token_endpoint: `${at}/token`,
      jwks_uri: `${at}/keys`,
      userinfo_endpoint: `${at}/me`,
      response_types_supported: ["code"],
      subject_types_supported: ["public"],
      id_token_signing_alg_values_supported: ["ES256"],
      authorization_response_iss_parameter_supported: true,
    };
  }

  /** Checks the client's secret and PKCE, as RFC 7636 §4.6 says. */
  async #token(request: Request): Promise<Response> {
    const form = new URLSearchParams(await request.text());
    const basic = Buffer.from(request.headers.get("authorization")?.slice(6) ?? "", "base64").toString();
    const [id, secret] = basic.split(":").map((part) => decodeURIComponent(part.replaceAll("+", " ")));
    const challenge = createHash("sha256").update(form.get("code_verifier") ?? "").digest("base64url");
    if (id !== CLIENT.id || secret !== CLIENT.secret) return this.#json({ error: "invalid_client" }, 401);
    if (
      challenge !== this.#request.get("code_challenge") || form.get("code") !== "one" || this.behaviour.error
    ) {
      return this.#json({ error: this.behaviour.error ?? "invalid_grant" }, 400);
    }
    return this.#json({ access_token: "a", token_type: "Bearer", id_token: await this.#idToken() });
  }

  async #idToken(): Promise<string> {
    const seconds = Math.floor(Date.now() / 1000);
    const claims = {
      iss: this.url.href,
      sub: "1",
      aud: CLIENT.id,
      iat: seconds,
      exp: seconds + 60,
      nonce: this.#request.get("nonce"),
      preferred_username: "Anna",
      groups: ["ops"],
      ...this.behaviour.claims,
    };
    const { alg = "ES256", foreignKey } = this.behaviour;
    const signed = `${encode({ alg, kid: "1" })}.${encode(claims)}`;
    if (alg === "none") return `${signed}.`;
    const { privateKey } = foreignKey ? this.#foreign : this.#key;
    const signature = await crypto.subtle.sign(ALGORITHM, privateKey, new TextEncoder().encode(signed));
    return `${signed}.${Buffer.from(signature).toString("base64url")}`;
  }

  async #publicKey(): Promise<Record<string, unknown>> {
    const { kty, crv, x, y } = await crypto.subtle.exportKey("jwk", this.#key.publicKey);
    return { kty, crv, x, y, alg: "ES256", use: "sig", kid: "1" };
  }

  #json(value: object, status = 200): Response {
    const { paddingBytes = 0 } = this.behaviour;
    return Response.json(paddingBytes > 0 ? { ...value, padding: "x".repeat(paddingBytes) } : value, {
      status,
    });
  }
}
