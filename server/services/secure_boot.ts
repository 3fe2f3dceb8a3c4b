/** The site's Secure Boot key in use: it signs images, and the variables by which machines come to trust it. */
import { hostname } from "node:os";
import type { SecureBootOrder, SecureBootView } from "#contract/api/secure_boot.ts";
import { microsoftCertificates } from "../../boot/uki/microsoft.ts";
import { makeSecureBootKey } from "../../boot/uki/secure_boot_key.ts";
import { type KeyVariable, signatureLists, signVariable, VENDOR } from "../../boot/uki/signature_list.ts";
import { anchorOf } from "../../boot/uki/image_signatures.ts";
import {
  externalSigner,
  readSigningCertificate,
  type SigningCommand,
} from "../../boot/uki/signing_command.ts";
import { signerOf, signImage, type UkiSigner } from "../../boot/uki/signed_data.ts";
import type { BootSigner } from "../fleet/boot_signatures.ts";
import type { ServerOptions } from "../cli/server_options.ts";
import { SecureBootKeys, type StoredSecureBootKey } from "../store/secure_boot_key.ts";
import { Signatures } from "../store/signatures.ts";
import type { ServerData } from "./open_data.ts";
import type { StartContext } from "./start_context.ts";

interface SecureBoot {
  /** Undefined if machines boot by other images. */
  readonly imageSigner: UkiSigner | undefined;
  /** How an installed machine comes to trust the key; undefined if that is left to people. */
  readonly order: SecureBootOrder | undefined;
  /** Undefined unless the site wants the boot programs of clones signed. */
  readonly bootSigner: BootSigner | undefined;
  readonly view: SecureBootView;
}

/** From the most to the least powerful one. Written in the other order, as PK ends set-up mode. */
const VARIABLES: readonly KeyVariable[] = ["PK", "KEK", "db"];
/** Marks the site's entries among others in a machine's lists. */
const OWNER = "5b7a2c0e-5f0d-4c39-9a0b-7261636b7364";

/** Undefined if the site signs nothing. Makes the key at first use, unless it is elsewhere. */
export function openSecureBoot(
  { options, now }: StartContext,
  { db, directory }: Pick<ServerData, "db" | "directory">,
): SecureBoot | undefined {
  const keys = new SecureBootKeys(db, { directory, now });
  if (!isOn(options)) return undefined;
  const { signer, created } = options.signingKey ? externalKey(options.signingKey, db) : ownKey(keys);
  const key = { certificate: signer.certificate, created }, variables = signedVariables(key, signer);
  const certificate = pem(key.certificate);
  return {
    imageSigner: (options.signedImages ?? "off") === "off" ? undefined : signer,
    order: orderOf(options, { key, variables }),
    bootSigner: options.signDisks
      ? {
        certificate: anchorOf(key.certificate),
        requestsMok: options.requestMok ?? false,
        sign: (digest) => Promise.resolve(signImage(digest, signer)),
      }
      : undefined,
    view: {
      certificate,
      created: key.created.toISOString(),
      files: [
        { name: "site.pem", content: new TextEncoder().encode(certificate).toBase64() },
        { name: "site.cer", content: key.certificate.toBase64() },
        ...variables.map(({ name, data }) => ({ name: `${name}.auth`, content: data.toBase64() })),
      ],
    },
  };
}

function orderOf(
  { signedImages, requestMok = false }: Pick<ServerOptions, "signedImages" | "requestMok">,
  { key, variables }: { key: SiteKey; variables: ReturnType<typeof signedVariables> },
): SecureBootOrder | undefined {
  const enrolls = signedImages === "enroll";
  if (!enrolls && !requestMok) return undefined;
  return {
    ...(requestMok && { mok: key.certificate.toBase64() }),
    variables: enrolls
      ? [...variables].reverse().map(({ data, ...variable }) => ({ ...variable, data: data.toBase64() }))
      : [],
  };
}

function isOn(
  { signedImages = "off", signDisks = false, requestMok = false }: Pick<
    ServerOptions,
    "signedImages" | "signDisks" | "requestMok"
  >,
): boolean {
  return signedImages !== "off" || signDisks || requestMok;
}

type SiteKey = Pick<StoredSecureBootKey, "certificate" | "created">;

function ownKey(keys: SecureBootKeys): { signer: UkiSigner; created: Date } {
  const stored = keys.read();
  if (stored !== undefined) return { signer: signerOf(stored), created: stored.created };
  keys.store(makeSecureBootKey({ commonName: `Rackseed ${hostname()} Secure Boot`.slice(0, 64) }));
  return ownKey(keys);
}

/** A variable's time has to grow when its key is renewed, so it is the certificate's. */
function externalKey(key: SigningCommand, db: ServerData["db"]): { signer: UkiSigner; created: Date } {
  const { certificate, sign } = externalSigner(key), signatures = new Signatures(db);
  return {
    signer: { certificate, sign: (bytes) => signatures.of(bytes, { certificate, make: sign }) },
    created: new Date(readSigningCertificate(key.certificate).validFrom),
  };
}

/** KEK and db with Microsoft's certificates, as machines come with them. */
function signedVariables({ certificate, created }: SiteKey, signer: UkiSigner) {
  return VARIABLES.map((name) => {
    const value = signatureLists([...microsoftCertificates(name), { owner: OWNER, certificate }]);
    return { name, vendor: VENDOR[name], ...signVariable(name, { value, time: created, signer }) };
  });
}

function pem(certificate: Uint8Array): string {
  const lines = certificate.toBase64().match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}
