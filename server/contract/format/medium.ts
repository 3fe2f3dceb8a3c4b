/**
 * What a bootable medium says to the agent that starts from it: the file medium.jsn. What is secret in it (the image's
 * key, hooks, addresses, the token for the server) is sealed under the medium's code, which a person types at the
 * machine, so that a lost medium tells nothing. Only an unattended medium carries its own code.
 *
 * The code is 80 random bits as 16 letters and digits of Crockford's Base32. scrypt (RFC 7914) makes the key of
 * AES-256-GCM (NIST SP 800-38D) out of it:
 *
 *     0  salt, 16 bytes
 *    16  nonce, 12 bytes
 *    28  tag, 16 bytes
 *    44  ciphertext
 */
import { createCipheriv, createDecipheriv, randomBytes, scryptSync } from "node:crypto";
import { z } from "zod";
import { MachineName, MediumId, time } from "../api/fields.ts";
import { DiskChoices } from "../api/disks.ts";
import { Inventory, Order, StepReport } from "../api/node_agent.ts";
import { RackseedError } from "../errors.ts";
import { Cidr, Hostname, Identity, Ipv4Address, Mac, NetworkInterfaces, VlanId } from "../identity.ts";

const SALT_BYTES = 16, NONCE_BYTES = 12, TAG_BYTES = 16;
const COST = { N: 1 << 14, r: 8, p: 1, maxmem: 64 << 20 };
const ALGORITHM = "aes-256-gcm";
/** Without I, L, O and U, which a person may mistake for others. */
const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const CODE_LENGTH = 16;

/** A machine that the medium was written for. */
export const MediumNode = z.object({
  name: MachineName,
  mac: Mac.optional(),
  serial: z.string().max(128).optional(),
  identity: Identity,
  ...DiskChoices.shape,
});
export type MediumNode = z.infer<typeof MediumNode>;

/** For a medium that carries its version. */
const CarriedVersion = z.object({
  kind: z.literal("packs"),
  /** For no node in particular: the agent enters the machine's name and identity. */
  order: Order,
  nodes: z.array(MediumNode).max(1000),
});

/** For a medium that boots a machine to its server. */
const ServerAccess = z.object({
  kind: z.literal("network"),
  server: z.url({ protocol: /^https$/ }),
  /** With the pin of the server's CA. Expires, and can be revoked. */
  token: z.string().max(200),
  /** Whose tag the machine sends; absent: none. */
  vlan: VlanId.optional(),
  /** The machine's address while it installs; absent: by DHCP. */
  address: Cidr.optional(),
  gateway: Ipv4Address.optional(),
  dns: z.array(Ipv4Address).max(3).optional(),
});

export const MediumContents = z.discriminatedUnion("kind", [CarriedVersion, ServerAccess]);
export type MediumContents = z.infer<typeof MediumContents>;
export type CarriedVersion = z.infer<typeof CarriedVersion>;
export type ServerAccess = z.infer<typeof ServerAccess>;

/** The file. */
export const MediumDescription = z.object({
  format: z.literal(1),
  id: MediumId,
  /** "web@3": its kernel and tools start the machine, and perhaps it is what is installed. */
  image: z.string().max(100),
  kind: z.enum(["packs", "network"]),
  /** MediumContents, base64. */
  sealed: z.base64(),
  /** Only on an unattended medium. */
  code: z.string().max(64).optional(),
});
export type MediumDescription = z.infer<typeof MediumDescription>;

/** Kept on the clone, in /var/lib/rackseed: what happened without a server. It holds no secret. */
export const MediumReport = z.object({
  format: z.literal(1),
  medium: MediumId,
  /** "web@3", and the SHA-256 of its manifest. */
  image: z.string().max(100),
  manifest: z.string().max(64),
  hostname: Hostname,
  interfaces: NetworkInterfaces,
  /** Of the NIC that an interface without a MAC means. */
  mac: Mac.optional(),
  inventory: Inventory,
  /** The steps until the clone was verified. */
  steps: z.array(StepReport).max(64),
  /** By the machine's own clock. */
  installed: time,
});
export type MediumReport = z.infer<typeof MediumReport>;

/** Of the file. */
export const MAX_DESCRIPTION_BYTES = 32 << 20;

/** "1A2B-3C4D-5E6F-7G8H" */
export function makeCode(): string {
  const letters = [...randomBytes(CODE_LENGTH)].map((byte) => ALPHABET[byte % ALPHABET.length]);
  return letters.join("").replace(/(.{4})(?=.)/g, "$1-");
}

/** As a person may type it: any case, blanks or hyphens, O for 0, I and L for 1. Undefined if it is not a code. */
export function parseCode(text: string): string | undefined {
  const plain = text.toUpperCase().replace(/[\s-]/g, "").replaceAll("O", "0").replace(/[IL]/g, "1");
  return plain.length === CODE_LENGTH && [...plain].every((letter) => ALPHABET.includes(letter))
    ? plain.replace(/(.{4})(?=.)/g, "$1-")
    : undefined;
}

/**
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { makeCode, openContents, sealContents } from "./medium.ts";
 *
 * const contents = { kind: "network", server: "https://10.0.0.1:8443", token: "rs1.pin.secret" } as const;
 * const code = makeCode();
 * const sealed = sealContents(contents, { id: "1a2b3c4d", code });
 * assert.deepEqual(openContents(sealed, { id: "1a2b3c4d", code }), contents);
 * ```
 */
export function sealContents(contents: MediumContents, { id, code }: { id: string; code: string }): string {
  const salt = randomBytes(SALT_BYTES), nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(ALGORITHM, keyOf(code, salt), nonce);
  cipher.setAAD(new TextEncoder().encode(id));
  const ciphertext = Buffer.concat([cipher.update(JSON.stringify(contents), "utf8"), cipher.final()]);
  return Buffer.concat([salt, nonce, cipher.getAuthTag(), ciphertext]).toString("base64");
}

/** Throws RackseedError (401) if the code does not open it. */
export function openContents(
  sealed: string,
  { id, code }: { id: string; code: string },
): MediumContents {
  const bytes = Buffer.from(sealed, "base64");
  const salt = bytes.subarray(0, SALT_BYTES);
  const nonce = bytes.subarray(SALT_BYTES, SALT_BYTES + NONCE_BYTES);
  const at = SALT_BYTES + NONCE_BYTES + TAG_BYTES;
  let text: string;
  try {
    const decipher = createDecipheriv(ALGORITHM, keyOf(code, salt), nonce, { authTagLength: TAG_BYTES });
    decipher.setAAD(new TextEncoder().encode(id));
    decipher.setAuthTag(bytes.subarray(at - TAG_BYTES, at));
    text = Buffer.concat([decipher.update(bytes.subarray(at)), decipher.final()]).toString("utf8");
  } catch (cause) {
    throw new RackseedError(`cannot open the medium ${id}`, {
      reason: "the code is not this medium's, or the medium is damaged.",
      remedy: "type the code that `rackseed medium` printed when it wrote this medium, or write it again.",
      status: 401,
      cause,
    });
  }
  return MediumContents.parse(JSON.parse(text));
}

function keyOf(code: string, salt: Uint8Array): Uint8Array {
  return scryptSync(code, salt, 32, COST);
}
