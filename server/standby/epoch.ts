/** An epoch's number, signed with the key that all servers of a site share: nobody else can make a server stop. */
import { createPrivateKey, createPublicKey, sign, verify } from "node:crypto";
import type { SigningKey } from "../store/keys.ts";

const textOf = (epoch: number) => new TextEncoder().encode(`rackseed epoch ${epoch}`);

/** "3:SIGNATURE", as the header #contract/api/standbys.ts has it. */
export function epochStatement(epoch: number, { privateKey }: Pick<SigningKey, "privateKey">): string {
  return `${epoch}:${sign(null, textOf(epoch), createPrivateKey(privateKey)).toString("base64url")}`;
}

/**
 * The epoch in a statement; undefined if it is not one of this site.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { generateKeyPairSync } from "node:crypto";
 * import { epochOf, epochStatement } from "./epoch.ts";
 *
 * const pair = generateKeyPairSync("ed25519");
 * const privateKey = pair.privateKey.export({ type: "pkcs8", format: "pem" }).toString();
 * const publicKey = pair.publicKey.export({ type: "spki", format: "pem" }).toString();
 * const statement = epochStatement(3, { privateKey });
 * assert.equal(epochOf(statement, { publicKey }), 3);
 * assert.equal(epochOf(statement.replace("3:", "4:"), { publicKey }), undefined);
 * ```
 */
export function epochOf(
  statement: string,
  { publicKey }: Pick<SigningKey, "publicKey">,
): number | undefined {
  const [, number = "", signature = ""] = /^(\d{1,9}):([\w-]{86})$/.exec(statement) ?? [];
  if (number === "") return undefined;
  const epoch = Number(number);
  const isOurs = verify(null, textOf(epoch), createPublicKey(publicKey), Buffer.from(signature, "base64url"));
  return isOurs ? epoch : undefined;
}
