/** A key that is not on this machine's disk: a program of the site asks a token or HSM (PKCS #11) for the signature. */
import { X509Certificate } from "node:crypto";
import { messageOf, RackseedError } from "#contract/errors.ts";
import { hashOf, parseCertificate, verifies } from "./certificate.ts";
import { oid } from "./der.ts";
import type { UkiSigner } from "./signed_data.ts";

const TITLE = "cannot sign with the site's Secure Boot key";
const SHA256_WITH_RSA = "1.2.840.113549.1.1.11";
/** While it runs, the server does nothing else: a signature is made once for each version, and remembered. */
const TIMEOUT_SECONDS = 10;
/** After a failure it is not asked again for so long: a token that does not answer must not stop the server often. */
const PAUSE_MS = 30_000;
const MIN_BITS = 2048;

export interface SigningCommand {
  /** An absolute path. It gets the name of a file, and writes the signature of its bytes to its standard output. */
  readonly command: string;
  /** A file with the key's certificate, PEM or DER. */
  readonly certificate: string;
}

/** Throws RackseedError if the certificate cannot be read, or is not one that firmware takes. */
export function readSigningCertificate(path: string): X509Certificate {
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(Deno.readFileSync(path));
  } catch (error) {
    throw new RackseedError(TITLE, {
      reason: `its certificate ${path} cannot be read: ${messageOf(error)}.`,
      remedy: "name a file with one certificate, PEM or DER: --signing-cert.",
    });
  }
  const { publicKey } = certificate, bits = publicKey.asymmetricKeyDetails?.modulusLength ?? 0;
  if (publicKey.asymmetricKeyType === "rsa" && bits >= MIN_BITS) return certificate;
  throw new RackseedError(TITLE, {
    reason:
      `the key of ${path} is not RSA with ${MIN_BITS} bits or more, and firmware knows no others for sure.`,
    remedy: "make such a key in the token, and a certificate for it.",
  });
}

/** Every signature is checked with the certificate before it is used. Throws RackseedError, as `sign` does. */
export function externalSigner({ command, certificate: path }: SigningCommand): UkiSigner {
  proveProgram(command);
  const certificate = new Uint8Array(readSigningCertificate(path).raw);
  const { publicKey } = parseCertificate(certificate), hash = hashOf(oid(SHA256_WITH_RSA)) ?? "sha256";
  const sign = (bytes: Uint8Array) => {
    const signature = outputOf(command, bytes);
    if (verifies(bytes, { hash, publicKey, signature })) return signature;
    throw new RackseedError(TITLE, {
      reason:
        `what ${command} wrote (${signature.length} bytes) is no RSA signature (PKCS #1 v1.5, SHA-256) by ` +
        `the key of ${path}.`,
      remedy: "check the program with a file, and that key and certificate belong together.",
    });
  };
  let failure: { readonly error: unknown; readonly untilMs: number } | undefined;
  return {
    certificate,
    sign(bytes) {
      if (failure !== undefined && performance.now() < failure.untilMs) throw failure.error;
      try {
        return sign(bytes);
      } catch (error) {
        failure = { error, untilMs: performance.now() + PAUSE_MS };
        throw error;
      }
    },
  };
}

/** Anyone who can change the program can have anything signed. */
function proveProgram(command: string): void {
  const remedy =
    "name a program that only root may change: --signing-command /usr/local/sbin/sign (chmod 755).";
  try {
    const { isFile, mode, uid } = Deno.statSync(command);
    if (isFile && ((mode ?? 0) & 0o022) === 0 && (uid === 0 || uid === Deno.uid())) return;
    throw new RackseedError(TITLE, { reason: `${command} is no file, or others may change it.`, remedy });
  } catch (error) {
    if (error instanceof RackseedError) throw error;
    throw new RackseedError(TITLE, { reason: `${command} cannot be read: ${messageOf(error)}.`, remedy });
  }
}

function outputOf(command: string, bytes: Uint8Array): Uint8Array {
  const file = Deno.makeTempFileSync({ prefix: "rackseed-sign-" });
  try {
    Deno.writeFileSync(file, bytes);
    const { code, stdout, stderr } = new Deno.Command("timeout", {
      args: ["-k", "2", `${TIMEOUT_SECONDS}`, command, file],
      stdin: "null",
    }).outputSync();
    if (code === 0) return stdout;
    const said = new TextDecoder().decode(stderr.subarray(0, 2000)).trim().replaceAll(/\s+/g, " ");
    const why = code === 124 ? `did not end within ${TIMEOUT_SECONDS} s` : `exited ${code}`;
    throw new RackseedError(TITLE, {
      reason: `${command} ${why}${said === "" ? "" : `: ${said}`}.`,
      remedy: "check that the token is there and unlocked, and run the program with any file by hand.",
    });
  } finally {
    Deno.removeSync(file);
  }
}
