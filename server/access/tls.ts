/**
 * The server's certificates. The first start makes a CA and keeps it in `tls/` of the data directory; agents pin it
 * by its hash (#contract/token.ts). Every start issues a new leaf, so that it names the machine's current addresses.
 *
 * All are valid from 1970 to 2199: a node may start with a dead clock, and trust rests on the pin, not on time.
 * P-256 with SHA-256, which every client can verify.
 */
import "reflect-metadata";
import { randomBytes } from "node:crypto";
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from "@peculiar/x509";
import { messageOf, RackseedError } from "#contract/errors.ts";
import { readIfThere, writePrivateFile, writePublicFile } from "./private_file.ts";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const VALID = { notBefore: new Date("1970-01-02T00:00:00Z"), notAfter: new Date("2199-01-01T00:00:00Z") };
const SERVER_AUTH = "1.3.6.1.5.5.7.3.1";

export interface Authority {
  readonly certificate: X509Certificate;
  /** The certificate in PEM, as GET /ca.pem serves it. */
  readonly pem: string;
  readonly key: CryptoKey;
}

interface ServerCertificate {
  /** Leaf and CA in PEM. */
  readonly cert: string;
  readonly key: string;
}

/**
 * Reads the CA of `dataDirectory`, or makes it at the first start. Throws RackseedError, with nothing changed, if the
 * CA is damaged, or is missing while tokens that pin it are in use.
 */
export async function openAuthority(dataDirectory: string): Promise<Authority> {
  const folder = `${dataDirectory}/tls`;
  const pem = readIfThere(`${folder}/ca.pem`);
  const keyPem = readIfThere(`${folder}/ca.key`);
  if (pem === undefined) {
    // the first start makes the token after the CA
    if (readIfThere(`${dataDirectory}/token`) !== undefined) {
      throw unusable(folder, "ca.pem is missing, and every agent trusts this server by it");
    }
    Deno.mkdirSync(folder, { recursive: true, mode: 0o700 });
    return await makeAuthority(folder);
  }
  let certificate: X509Certificate, key: CryptoKey, matches: boolean;
  try {
    key = await crypto.subtle.importKey("pkcs8", PemConverter.decodeFirst(keyPem ?? ""), ALGORITHM, false, [
      "sign",
    ]);
    certificate = new X509Certificate(pem);
    matches = await isPair(certificate, key);
  } catch (error) {
    throw unusable(folder, messageOf(error));
  }
  if (!matches) throw unusable(folder, "ca.pem is damaged, or ca.key is not its key");
  return { certificate, pem, key };
}

/** Whether the certificate is intact, and the key belongs to it. */
async function isPair(certificate: X509Certificate, key: CryptoKey): Promise<boolean> {
  if (!await certificate.verify({ signatureOnly: true })) return false;
  const text = new TextEncoder().encode("rackseed");
  const signature = await crypto.subtle.sign(ALGORITHM, key, text);
  return await crypto.subtle.verify(ALGORITHM, await certificate.publicKey.export(), signature, text);
}

function unusable(folder: string, reason: string): RackseedError {
  return new RackseedError(`cannot use the certificate authority in ${folder}`, {
    reason: `${reason}. Nothing was changed.`,
    remedy:
      "restore ca.pem and ca.key from a backup (rackseed server restore FILE --force); or remove tls/ and " +
      "token, and give every agent a new token.",
  });
}

async function makeAuthority(folder: string): Promise<Authority> {
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: "CN=Rackseed CA",
    serialNumber: randomSerial(),
    ...VALID,
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  const pem = `${certificate.toString("pem")}\n`;
  writePrivateFile(`${folder}/ca.key`, await keyToPem(keys.privateKey));
  writePublicFile(`${folder}/ca.pem`, pem);
  return { certificate, pem, key: keys.privateKey };
}

/** Issues a certificate for these names and IP addresses. */
export async function issueServerCertificate(
  authority: Authority,
  names: readonly string[],
): Promise<ServerCertificate> {
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const leaf = await X509CertificateGenerator.create({
    subject: "CN=Rackseed server",
    issuer: authority.certificate.subject,
    serialNumber: randomSerial(),
    ...VALID,
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey: authority.key,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([SERVER_AUTH]),
      new SubjectAlternativeNameExtension(
        [...new Set(names)].map((value) => ({
          type: isAddress(value) ? "ip" as const : "dns" as const,
          value,
        })),
      ),
      await AuthorityKeyIdentifierExtension.create(authority.certificate.publicKey),
    ],
  });
  return {
    cert: `${leaf.toString("pem")}\n${authority.pem}`,
    key: await keyToPem(keys.privateKey),
  };
}

function isAddress(name: string): boolean {
  return name.includes(":") || /^\d+(\.\d+){3}$/.test(name);
}

async function keyToPem(key: CryptoKey): Promise<string> {
  return `${PemConverter.encode(await crypto.subtle.exportKey("pkcs8", key), "PRIVATE KEY")}\n`;
}

/** RFC 5280 §4.1.2.2: positive, at most 20 octets. */
function randomSerial(): string {
  const bytes = randomBytes(16);
  bytes[0] = (bytes[0] ?? 0) & 0x7f | 0x40;
  return bytes.toString("hex");
}
