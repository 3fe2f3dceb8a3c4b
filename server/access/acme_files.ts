/**
 * What ACME keeps in `tls/` of the data directory, readable by the server's user only. All of it can be obtained again,
 * so that no backup needs it:
 *
 *     acme.key                the account's key
 *     site.pem, site.key      the certificate with its chain, and its key
 */
import "reflect-metadata";
import { SubjectAlternativeNameExtension, X509Certificate } from "@peculiar/x509";
import { newAccountKey } from "./acme_requests.ts";
import { readIfThere, writePrivateFile } from "./private_file.ts";
import { readSiteCertificate, type SiteCertificate } from "./site_certificate.ts";

export class AcmeFiles {
  readonly #folder: string;

  constructor(dataDirectory: string) {
    this.#folder = `${dataDirectory}/tls`;
  }

  /** Made at the first use. */
  async accountKey(): Promise<string> {
    const path = `${this.#folder}/acme.key`;
    const known = readIfThere(path);
    if (known !== undefined) return known;
    const key = await newAccountKey();
    writePrivateFile(path, key);
    return key;
  }

  /** Undefined if there is none for exactly these names, or it cannot be used. */
  read(names: readonly string[]): SiteCertificate | undefined {
    const { tlsCert, tlsKey } = this.#paths;
    if (readIfThere(tlsCert) === undefined) return undefined;
    try {
      const certificate = readSiteCertificate({ tlsCert, tlsKey });
      return certificate && isFor(certificate, names) ? certificate : undefined;
    } catch {
      return undefined;
    }
  }

  write({ cert, key }: { cert: string; key: string }): void {
    const { tlsCert, tlsKey } = this.#paths;
    writePrivateFile(tlsKey, key);
    writePrivateFile(tlsCert, cert);
  }

  get #paths() {
    return { tlsCert: `${this.#folder}/site.pem`, tlsKey: `${this.#folder}/site.key` };
  }
}

function isFor({ cert }: SiteCertificate, names: readonly string[]): boolean {
  const own = new X509Certificate(cert).getExtension(SubjectAlternativeNameExtension)?.names.items ?? [];
  const values = own.map(({ value }) => value).sort();
  return JSON.stringify(values) === JSON.stringify([...names].sort());
}
