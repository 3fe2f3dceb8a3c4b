import { createPrivateKey, createPublicKey, generateKeyPairSync } from "node:crypto";
import type { DataDirectory } from "./data_directory.ts";
import { replaceFile } from "./durable.ts";

/** The server's Ed25519 key, which signs manifests. */
export interface SigningKey {
  /** PKCS #8 PEM. */
  readonly privateKey: string;
  /** SPKI PEM. */
  readonly publicKey: string;
}

/** Reads the key, or makes it at the first start. */
export async function openSigningKey(directory: DataDirectory): Promise<SigningKey> {
  const path = `${directory.keys}/signing.pem`;
  let privateKey: string;
  try {
    privateKey = await Deno.readTextFile(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    privateKey = generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" })
      .toString();
    await replaceFile(path, new TextEncoder().encode(privateKey));
  }
  const publicKey = createPublicKey(createPrivateKey(privateKey)).export({ type: "spki", format: "pem" });
  return { privateKey, publicKey: publicKey.toString() };
}
