/**
 * The admin token: in a file of the server's disk, so that it works whatever else is broken. The API also takes users'
 * personal tokens, a node's one-time boot secret, and the session secret that enrolment gives. The page's browser has a
 * cookie instead: see `page_sessions.ts`.
 */
import { createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { formatToken, parseToken } from "#contract/token.ts";
import { RackseedError } from "#contract/errors.ts";
import type { Principal } from "./principal.ts";
import { readIfThere, writePrivateFile } from "./private_file.ts";

/** Who holds the token. */
export const ADMIN_TOKEN: Principal = { name: "admin token", role: "admin" };

/**
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { AdminToken } from "./admin_token.ts";
 *
 * const folder = Deno.makeTempDirSync();
 * const admin = AdminToken.open(folder, { pin: "p".repeat(43) });
 * assert.equal(admin.isToken(admin.text), true);
 * assert.equal(AdminToken.open(folder, { pin: "p".repeat(43) }).text, admin.text);
 * assert.equal(admin.isToken("rs1.guess"), false);
 * Deno.removeSync(folder, { recursive: true });
 * ```
 */
export class AdminToken {
  readonly #path: string;
  readonly #pin: string;
  #secret: string;

  private constructor(path: string, { pin, secret }: { pin: string; secret: string }) {
    this.#path = path;
    this.#pin = pin;
    this.#secret = secret;
  }

  /** As an operator types it. */
  get text(): string {
    return formatToken({ pin: this.#pin, secret: this.#secret });
  }

  /** Reads DIR/token, or makes it. A token for another CA is rewritten for this one, with the same secret. */
  static open(dataDirectory: string, { pin }: { pin: string }): AdminToken {
    const path = `${dataDirectory}/token`;
    const written = readIfThere(path);
    const known = written === undefined ? undefined : parseToken(written);
    if (written !== undefined && !known) {
      throw new RackseedError(`cannot use the token in ${path}`, {
        reason: "it does not have the form rs1.PIN.SECRET.",
        remedy: "restore it from a backup, or remove the file and the server makes a new token.",
      });
    }
    const token = new AdminToken(path, { pin, secret: known?.secret ?? newSecret() });
    if (written?.trim() !== token.text) writePrivateFile(path, `${token.text}\n`);
    return token;
  }

  /** Replaces the token, and ends what it has signed. Throws, with the old one valid, if it cannot be written. */
  rotate(): string {
    const secret = newSecret(), text = formatToken({ pin: this.#pin, secret });
    writePrivateFile(this.#path, `${text}\n`);
    this.#secret = secret;
    return text;
  }

  isSecret(secret: string): boolean {
    return equal(secret, this.#secret);
  }

  /** Whether the text is this token, or only its secret. */
  isToken(text: string): boolean {
    return this.isSecret(parseToken(text)?.secret ?? text);
  }

  /** HMAC-SHA-256 of the text under the token's secret, base64url. */
  sign(text: string): string {
    return createHmac("sha256", this.#secret).update(`rackseed ${text}`).digest("base64url");
  }

  isSignature(mac: string, text: string): boolean {
    return equal(mac, this.sign(text));
  }
}

function newSecret(): string {
  return randomBytes(32).toString("base64url");
}

/** In constant time: it does not reveal where they differ. */
function equal(a: string, b: string): boolean {
  const hash = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(hash(a), hash(b));
}
