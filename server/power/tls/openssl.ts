/** The part of OpenSSL 3 that a TLS client needs, by FFI. Signatures: openssl/ssl.h, bio.h, x509.h, err.h. */
import { messageOf } from "#contract/errors.ts";

const SSL = {
  TLS_client_method: { parameters: [], result: "pointer" },
  SSL_CTX_new: { parameters: ["pointer"], result: "pointer" },
  SSL_CTX_ctrl: { parameters: ["pointer", "i32", "i64", "pointer"], result: "i64" },
  SSL_CTX_set_cipher_list: { parameters: ["pointer", "buffer"], result: "i32" },
  SSL_new: { parameters: ["pointer"], result: "pointer" },
  SSL_free: { parameters: ["pointer"], result: "void" },
  SSL_set_bio: { parameters: ["pointer", "pointer", "pointer"], result: "void" },
  SSL_set_connect_state: { parameters: ["pointer"], result: "void" },
  SSL_do_handshake: { parameters: ["pointer"], result: "i32" },
  SSL_get_error: { parameters: ["pointer", "i32"], result: "i32" },
  SSL_read: { parameters: ["pointer", "buffer", "i32"], result: "i32" },
  SSL_write: { parameters: ["pointer", "buffer", "i32"], result: "i32" },
  SSL_get1_peer_certificate: { parameters: ["pointer"], result: "pointer" },
} as const;

const CRYPTO = {
  BIO_s_mem: { parameters: [], result: "pointer" },
  BIO_new: { parameters: ["pointer"], result: "pointer" },
  BIO_read: { parameters: ["pointer", "buffer", "i32"], result: "i32" },
  BIO_write: { parameters: ["pointer", "buffer", "i32"], result: "i32" },
  EVP_sha256: { parameters: [], result: "pointer" },
  X509_digest: { parameters: ["pointer", "pointer", "buffer", "buffer"], result: "i32" },
  X509_free: { parameters: ["pointer"], result: "void" },
  ERR_clear_error: { parameters: [], result: "void" },
  ERR_get_error: { parameters: [], result: "u64" },
  ERR_reason_error_string: { parameters: ["u64"], result: "pointer" },
} as const;

type Symbols<T extends Deno.ForeignLibraryInterface> = ReturnType<typeof Deno.dlopen<T>>["symbols"];

export interface OpenSsl {
  readonly ssl: Symbols<typeof SSL>;
  readonly crypto: Symbols<typeof CRYPTO>;
  /** The settings of all connections (SSL_CTX). */
  readonly context: Deno.PointerValue;
}

const SSL_CTRL_SET_MIN_PROTO_VERSION = 123, TLS1_2_VERSION = 0x0303;

let loaded: OpenSsl | undefined;

export class MissingOpenSsl extends Error {
  override readonly name = "MissingOpenSsl";
}

/** Stays loaded. Throws MissingOpenSsl. */
export function openSsl(): OpenSsl {
  return loaded ??= load();
}

function load(): OpenSsl {
  let ssl: OpenSsl["ssl"], crypto: OpenSsl["crypto"];
  try {
    ssl = Deno.dlopen("libssl.so.3", SSL).symbols;
    crypto = Deno.dlopen("libcrypto.so.3", CRYPTO).symbols;
  } catch (error) {
    throw new MissingOpenSsl(messageOf(error));
  }
  // without SSL_VERIFY_PEER: the caller decides about the certificate. A peer that shows it still has to prove its key.
  const context = ssl.SSL_CTX_new(ssl.TLS_client_method());
  ssl.SSL_CTX_ctrl(context, SSL_CTRL_SET_MIN_PROTO_VERSION, BigInt(TLS1_2_VERSION), null);
  // old BMCs have keys of 1024 bits and know no key exchange but RSA
  ssl.SSL_CTX_set_cipher_list(context, cString("DEFAULT:@SECLEVEL=0"));
  if (context === null) throw new Error("OpenSSL gives no context");
  return { ssl, crypto, context };
}

function cString(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${text}\0`);
}
