/**
 * Seals what the server stores for others and must not lie in its database in the clear: AES-256-GCM (NIST SP 800-38D)
 * under a key of its own.
 *
 *     0  nonce, 12 bytes, random
 *    12  tag, 16 bytes
 *    28  ciphertext
 *
 * The additional data says what was sealed and for whom, so that no row can take another one's place.
 */
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { messageOf, RackseedError } from "#contract/errors.ts";

const KEY_BYTES = 32, NONCE_BYTES = 12, TAG_BYTES = 16;
const ALGORITHM = "aes-256-gcm";

/** What is sealed, for instance ["recovery-key", NODE, DEPLOYMENT]. */
export type Purpose = readonly string[];

export class SecretBox {
  readonly #path: string;
  readonly #isUsed: () => boolean;
  #key: Uint8Array | undefined;

  /** `isUsed`: whether anything sealed exists; a new key would then open none of it. */
  constructor({ keys }: { readonly keys: string }, { isUsed }: { isUsed: () => boolean }) {
    this.#path = `${keys}/secrets.key`;
    this.#isUsed = isUsed;
  }

  /** Throws RackseedError if the key is lost. */
  seal(text: string, purpose: Purpose): Uint8Array {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(ALGORITHM, this.#readKey() ?? this.#makeKey(), nonce);
    cipher.setAAD(additionalData(purpose));
    const ciphertext = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
    return new Uint8Array(Buffer.concat([nonce, cipher.getAuthTag(), ciphertext]));
  }

  /** Throws RackseedError if the key is lost, or is not the one that sealed this for this purpose. */
  open(sealed: Uint8Array, purpose: Purpose): string {
    const key = this.#readKey();
    if (key === undefined) throw this.#unusable("it is missing");
    try {
      const at = NONCE_BYTES + TAG_BYTES;
      const decipher = createDecipheriv(ALGORITHM, key, sealed.subarray(0, NONCE_BYTES), {
        authTagLength: TAG_BYTES,
      });
      decipher.setAAD(additionalData(purpose));
      decipher.setAuthTag(sealed.subarray(NONCE_BYTES, at));
      return Buffer.concat([decipher.update(sealed.subarray(at)), decipher.final()]).toString("utf8");
    } catch (error) {
      throw this.#unusable(`it does not open what is stored (${messageOf(error)})`);
    }
  }

  #readKey(): Uint8Array | undefined {
    if (this.#key) return this.#key;
    let text: string;
    try {
      text = Deno.readTextFileSync(this.#path);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw this.#unusable(messageOf(error));
    }
    const key = Buffer.from(text.trim(), "hex");
    if (key.length !== KEY_BYTES) throw this.#unusable("it is damaged");
    return this.#key = new Uint8Array(key);
  }

  /** Synchronous, as the transaction that needs it. */
  #makeKey(): Uint8Array {
    if (this.#isUsed()) throw this.#unusable("it is missing");
    const key = randomBytes(KEY_BYTES), scratch = `${this.#path}.new`;
    {
      using file = Deno.openSync(scratch, { write: true, create: true, truncate: true, mode: 0o600 });
      const bytes = new TextEncoder().encode(`${key.toString("hex")}\n`);
      for (let at = 0; at < bytes.length;) at += file.writeSync(bytes.subarray(at));
      file.syncSync();
    }
    Deno.renameSync(scratch, this.#path);
    using folder = Deno.openSync(this.#path.slice(0, this.#path.lastIndexOf("/")));
    folder.syncSync();
    return this.#key = new Uint8Array(key);
  }

  #unusable(reason: string): RackseedError {
    return new RackseedError(`cannot use the key of the stored secrets, ${this.#path}`, {
      reason: `${reason}. The nodes' recovery keys and the passwords of their BMCs are sealed with it.`,
      remedy:
        "restore keys/secrets.key from a backup of the server (rackseed server restore). If there is none, " +
        "print the recovery keys' replacements on the nodes themselves (systemd-cryptenroll --recovery-key), " +
        "delete those nodes here, and give the passwords again (rackseed node set NODE --power …).",
      status: 500,
    });
  }
}

/** Lengths first, so that no two purposes have the same bytes. */
function additionalData(purpose: Purpose): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(["rackseed", ...purpose]));
}
