/** The way to the upstream: a client that enrols this relay once, and then proves itself at each request. */
import { createPrivateKey, createPublicKey, generateKeyPairSync } from "node:crypto";
import { ApiClient } from "#contract/client.ts";
import { messageOf, RackseedError } from "#contract/errors.ts";
import { signatureHeaders } from "#contract/relay_signature.ts";
import { formatToken, parseToken } from "#contract/token.ts";
import { tokenHash } from "../store/token_hash.ts";
import type { UpstreamRecord, UpstreamTable } from "../store/upstream.ts";

interface LinkOptions {
  readonly url: URL;
  /** The file with the site's token; needed until the relay has enrolled, and to enrol again. */
  readonly tokenFile: string | undefined;
  readonly table: UpstreamTable;
  readonly now: () => number;
}

export class UpstreamLink implements Disposable {
  readonly #options: LinkOptions;
  #client: ApiClient | undefined;

  constructor(options: LinkOptions) {
    this.#options = options;
  }

  /** Name of this site at the upstream; undefined until it has enrolled. */
  get site(): string | undefined {
    return this.#options.table.get()?.site ?? undefined;
  }

  /** A client that signs. Enrols first, if this relay has not, or the token is a new one. Throws RackseedError. */
  async client(signal: AbortSignal): Promise<ApiClient> {
    const record = this.#identity();
    if (this.#client && record.site !== null) return this.#client;
    this.#close();
    const client = await this.#connect(record, signal);
    try {
      if (record.site === null) await this.#enrol(client, { record, signal });
    } catch (error) {
      client[Symbol.dispose]();
      throw error;
    }
    const { privateKey } = record, { now } = this.#options;
    client.signWith((request) => signatureHeaders(request, { privateKey, nowMs: now() }));
    return this.#client = client;
  }

  [Symbol.dispose](): void {
    this.#close();
  }

  #close(): void {
    this.#client?.[Symbol.dispose]();
    this.#client = undefined;
  }

  /** What this relay is known by. A new token means a new key, so that the old one is never trusted again. */
  #identity(): UpstreamRecord {
    const { url, table } = this.#options, known = table.get(), token = this.#token();
    const isNew = token !== undefined &&
      (known === undefined || Buffer.compare(known.tokenHash, tokenHash(token.secret)) !== 0);
    if (isNew) {
      const { privateKey } = generateKeyPairSync("ed25519");
      table.begin({
        url: url.origin,
        pin: token.pin,
        privateKey: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
        tokenHash: tokenHash(token.secret),
      });
      table.queueAll();
      return this.#identity();
    }
    if (known === undefined) {
      throw new RackseedError(`cannot enrol at the upstream ${url.origin}`, {
        reason: "there is no token.",
        remedy:
          "make one there (rackseed site add NAME), put it into a file, and name that: --upstream-token-file FILE.",
        status: 401,
      });
    }
    if (known.url === url.origin) return known;
    // it is known by its pin: it may have moved
    table.moveTo(url.origin);
    this.#close();
    return { ...known, url: url.origin };
  }

  /** Undefined if there is no file any more: it is needed once. Throws RackseedError. */
  #token(): { pin: string; secret: string } | undefined {
    const { tokenFile } = this.#options;
    if (tokenFile === undefined) return undefined;
    let text: string;
    try {
      text = Deno.readTextFileSync(tokenFile);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw unusable(tokenFile, messageOf(error));
    }
    const token = parseToken(text);
    if (token === undefined) throw unusable(tokenFile, "it does not hold a token, rs1.PIN.SECRET");
    return token;
  }

  #connect({ url, pin }: UpstreamRecord, signal: AbortSignal): Promise<ApiClient> {
    // its secret is used to enrol only
    const secret = this.#token()?.secret ?? "no-secret-any-more";
    return ApiClient.connect({ server: url, token: formatToken({ pin, secret }), signal });
  }

  async #enrol(
    client: ApiClient,
    { record: { privateKey }, signal }: { record: UpstreamRecord; signal: AbortSignal },
  ): Promise<void> {
    const { table, now } = this.#options, secret = this.#token()?.secret ?? "";
    client.signWith((request) => ({
      authorization: `Bearer ${secret}`,
      ...signatureHeaders(request, { privateKey, nowMs: now() }),
    }));
    const publicKey = createPublicKey(createPrivateKey(privateKey)).export({ type: "spki", format: "pem" })
      .toString();
    const { site } = await client.call("POST /relay/enrol", { body: { publicKey }, signal });
    table.enrolled(site);
  }
}

function unusable(path: string, reason: string): RackseedError {
  return new RackseedError(`cannot use the upstream's token in ${path}`, {
    reason: `${reason}.`,
    remedy: "write the token into it as `rackseed site add` printed it, readable for the server's user.",
    status: 401,
  });
}
