/**
 * A certificate of the site's own, for people's browsers. Agents do not need it: they trust the server's own CA by its
 * pin, also when their clock is dead, and no certificate with an end could promise that.
 */
import "reflect-metadata";
import { createPrivateKey, createPublicKey } from "node:crypto";
import { X509Certificate } from "@peculiar/x509";
import { messageOf, RackseedError } from "#contract/errors.ts";

export interface SiteCertificate {
  /** The certificate and its chain in PEM. */
  readonly cert: string;
  readonly key: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
}

interface SiteFiles {
  readonly tlsCert?: string | undefined;
  readonly tlsKey?: string | undefined;
}

/** Reads and checks the files; undefined if the site has none. Throws RackseedError. */
export function readSiteCertificate({ tlsCert, tlsKey }: SiteFiles): SiteCertificate | undefined {
  if (tlsCert === undefined || tlsKey === undefined) return undefined;
  const cert = readPem(tlsCert), key = readPem(tlsKey);
  let leaf: X509Certificate, matches: boolean;
  try {
    leaf = new X509Certificate(cert);
  } catch (error) {
    throw unusable(tlsCert, `it holds no certificate in PEM: ${messageOf(error)}.`);
  }
  try {
    const ours = createPublicKey(createPrivateKey(key)).export({ type: "spki", format: "der" });
    matches = Buffer.compare(ours, new Uint8Array(leaf.publicKey.rawData)) === 0;
  } catch {
    // the library's message may quote the file
    throw unusable(tlsKey, "it holds no private key in PEM without a passphrase.");
  }
  if (!matches) throw unusable(tlsKey, `it is not the key of the first certificate in ${tlsCert}.`);
  return { cert, key, notBefore: leaf.notBefore, notAfter: leaf.notAfter };
}

function readPem(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    throw unusable(path, `${messageOf(error)}.`);
  }
}

function unusable(path: string, reason: string): RackseedError {
  return new RackseedError(`cannot use ${path} for HTTPS`, {
    reason,
    remedy: "check --tls-cert and --tls-key: two PEM files that the server's user can read.",
    status: 400,
  });
}
