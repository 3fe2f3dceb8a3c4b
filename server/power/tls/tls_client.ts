/**
 * The client's side of TLS without a socket: what the service sends goes in, what is to be sent comes out. It is
 * OpenSSL's, because the runtime's TLS has no way to accept a certificate by its hash: told to accept any certificate,
 * Deno 2.6 accepts any signature as well (ext/tls, NoCertificateVerification), and then whoever has seen a BMC's
 * certificate can pass for that BMC.
 */
import { type OpenSsl, openSsl } from "./openssl.ts";

const SSL_ERROR_WANT_READ = 2, SSL_ERROR_ZERO_RETURN = 6;
const CHUNK_BYTES = 16 << 10;

/** There can be no session: the service is too old, or does not have the key of the certificate it shows. */
export class NoTlsSession extends Error {
  override readonly name = "NoTlsSession";
}

export class TlsClient implements Disposable {
  readonly #lib: OpenSsl;
  readonly #chunk = new Uint8Array(CHUNK_BYTES);
  /** What came from the service, and what is to be sent to it; freed with `#session`. */
  readonly #received: Deno.PointerValue;
  readonly #sending: Deno.PointerValue;
  #session: Deno.PointerValue;
  #isEnded = false;

  /** Throws MissingOpenSsl. */
  constructor() {
    const { ssl, crypto, context } = this.#lib = openSsl();
    this.#session = ssl.SSL_new(context);
    this.#received = crypto.BIO_new(crypto.BIO_s_mem());
    this.#sending = crypto.BIO_new(crypto.BIO_s_mem());
    if (this.#session === null || this.#received === null || this.#sending === null) {
      throw new Error("OpenSSL has no memory");
    }
    ssl.SSL_set_bio(this.#session, this.#received, this.#sending);
    ssl.SSL_set_connect_state(this.#session);
  }

  /** Takes bytes from the service. */
  receive(bytes: Uint8Array): void {
    this.#live();
    const { BIO_write } = this.#lib.crypto;
    if (bytes.length > 0 && BIO_write(this.#received, copyOf(bytes), bytes.length) !== bytes.length) {
      throw new Error("OpenSSL has no memory");
    }
  }

  /** Bytes to send to the service now; also after an error, which the service is told of. */
  take(): Uint8Array {
    this.#live();
    return this.#drain((chunk) => this.#lib.crypto.BIO_read(this.#sending, chunk, chunk.length));
  }

  /** False while the service has to send more. Throws NoTlsSession. */
  handshake(): boolean {
    const session = this.#live(), { ssl, crypto } = this.#lib;
    crypto.ERR_clear_error();
    const result = ssl.SSL_do_handshake(session);
    if (result === 1) return true;
    if (ssl.SSL_get_error(session, result) === SSL_ERROR_WANT_READ) return false;
    throw new NoTlsSession(this.#reason());
  }

  /** SHA-256 of the certificate (DER) in hexadecimal, after the handshake. Throws Error if the service showed none. */
  fingerprint(): string {
    const { ssl, crypto } = this.#lib;
    const certificate = ssl.SSL_get1_peer_certificate(this.#live());
    if (certificate === null) throw new Error("it shows no certificate");
    const digest = new Uint8Array(32), length = new Uint8Array(4);
    const done = crypto.X509_digest(certificate, crypto.EVP_sha256(), digest, length);
    crypto.X509_free(certificate);
    if (done !== 1) throw new Error("its certificate cannot be hashed");
    return Buffer.from(digest).toString("hex");
  }

  /** Encrypts `bytes`; `take` has the result. */
  write(bytes: Uint8Array): void {
    const session = this.#live(), { ssl, crypto } = this.#lib;
    crypto.ERR_clear_error();
    if (ssl.SSL_write(session, copyOf(bytes), bytes.length) !== bytes.length) {
      throw new Error(`the request cannot be encrypted: ${this.#reason()}`);
    }
  }

  /** What the service has said so far. Throws Error if something changed it on its way. */
  read(): Uint8Array {
    const session = this.#live(), { ssl, crypto } = this.#lib;
    return this.#drain((chunk) => {
      crypto.ERR_clear_error();
      const result = ssl.SSL_read(session, chunk, chunk.length);
      if (result > 0) return result;
      const error = ssl.SSL_get_error(session, result);
      if (error === SSL_ERROR_ZERO_RETURN) this.#isEnded = true;
      if (error === SSL_ERROR_WANT_READ || error === SSL_ERROR_ZERO_RETURN) return 0;
      throw new Error(`the answer cannot be decrypted: ${this.#reason()}`);
    });
  }

  /** Whether `read` has come to the end of what the service says (close_notify, RFC 8446 §6.1). */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  [Symbol.dispose](): void {
    if (this.#session === null) return;
    this.#lib.ssl.SSL_free(this.#session);
    this.#session = null;
  }

  /** OpenSSL must not be called with what was freed. */
  #live(): Deno.PointerValue {
    if (this.#session === null) throw new Error("the TLS session is closed");
    return this.#session;
  }

  #drain(read: (chunk: Uint8Array<ArrayBuffer>) => number): Uint8Array {
    const chunks: Uint8Array[] = [];
    for (let size = read(this.#chunk); size > 0; size = read(this.#chunk)) {
      chunks.push(this.#chunk.slice(0, size));
    }
    return new Uint8Array(Buffer.concat(chunks));
  }

  #reason(): string {
    const { crypto } = this.#lib;
    const text = crypto.ERR_reason_error_string(crypto.ERR_get_error());
    return text === null ? "OpenSSL gives no reason" : Deno.UnsafePointerView.getCString(text);
  }
}

/** For FFI, which takes no view of memory that could be shared. */
function copyOf(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes);
}
