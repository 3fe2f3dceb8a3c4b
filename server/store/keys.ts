import { createPrivateKey, createPublicKey, generateKeyPairSync } from "node:crypto";
import { messageOf, RackseedError } from "#contract/errors.ts";
import { verifyManifestId } from "#contract/format/manifest.ts";
import type { DataDirectory } from "./data_directory.ts";
import { replaceFile } from "./durable.ts";

/** The server's Ed25519 key, which signs manifests. */
export interface SigningKey {
  /** PKCS #8 PEM. */
  readonly privateKey: string;
  /** SPKI PEM. */
  readonly publicKey: string;
}

/** The signature of a published version. */
export interface Signed {
  readonly image: string;
  readonly version: number;
  readonly id: string;
  readonly signature: string;
}

/**
 * Reads the key, or creates it at the first start. Throws RackseedError, and changes nothing, if existing versions were
 * signed with another key: nodes would refuse all of them.
 */
export async function openSigningKey(
  directory: DataDirectory,
  { signed = [] }: { signed?: readonly Signed[] } = {},
): Promise<SigningKey> {
  const path = `${directory.keys}/signing.pem`;
  const privateKey = await readKey(path) ?? await makeKey(path, signed);
  let publicKey: string;
  try {
    publicKey = createPublicKey(createPrivateKey(privateKey)).export({ type: "spki", format: "pem" })
      .toString();
  } catch (error) {
    throw unusable(path, `it is damaged (${messageOf(error)})`);
  }
  if (signed.length > 0 && !signed.some(({ id, signature }) => verifies(id, { signature, publicKey }))) {
    throw unusable(path, `it is not the key that signed ${named(signed)}`);
  }
  return { privateKey, publicKey };
}

/** Undefined if there is none. */
async function readKey(path: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw unusable(path, messageOf(error));
  }
}

async function makeKey(path: string, signed: readonly Signed[]): Promise<string> {
  if (signed.length > 0) throw unusable(path, `it is missing, but ${named(signed)} was signed with it`);
  const privateKey = generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" })
    .toString();
  await replaceFile(path, new TextEncoder().encode(privateKey));
  return privateKey;
}

function verifies(id: string, by: { signature: string; publicKey: string }): boolean {
  try {
    return verifyManifestId(id, by);
  } catch {
    return false;
  }
}

function named(signed: readonly Signed[]): string {
  const [first] = signed;
  const others = signed.length > 1 ? ` (and ${signed.length - 1} other versions)` : "";
  return `${first?.image}@${first?.version}${others}`;
}

function unusable(path: string, reason: string): RackseedError {
  const data = path.replace(/\/keys\/signing\.pem$/, "");
  return new RackseedError(`cannot use the signing key ${path}`, {
    reason: `${reason}. Nothing was changed.`,
    remedy: `restore keys/signing.pem from a backup (rackseed server restore FILE --data ${data} --force).`,
  });
}
