/**
 * A version as an OCI artifact (OCI Image Specification 1.1, "Guidelines for Artifact Usage"). Pure: manifests are made of
 * the same version as the same bytes, so that it has one digest wherever it is pushed.
 */
import { z } from "zod";
import { Sha256Hex } from "#contract/format/sha256.ts";
import { Descriptor, digestOf, MANIFEST } from "../registry/registry.ts";

const VERSION_TYPE = "application/vnd.rackseed.version.v1";
export const SIGNATURE_TYPE = "application/vnd.rackseed.signature.v1";
const SEALED_MANIFEST_TYPE = "application/vnd.rackseed.manifest.v1";
const PACK_TYPE = "application/vnd.rackseed.pack.v1";
const SIGNATURE_LAYER_TYPE = "application/vnd.rackseed.signature.v1+json";

/** "Guidance for an Empty Descriptor" */
export const EMPTY_CONFIG = new TextEncoder().encode("{}");
const EMPTY_DESCRIPTOR = {
  mediaType: "application/vnd.oci.empty.v1+json",
  digest: digestOf(EMPTY_CONFIG),
  size: EMPTY_CONFIG.length,
};

/** A file of the version, under the name that it has in the torrent. */
export interface ArtifactFile {
  readonly name: string;
  /** Hexadecimal. */
  readonly sha256: string;
  readonly sizeBytes: number;
}

/** Who signed the version: what is signed is its id. */
const SignatureFile = z.strictObject({
  id: Sha256Hex,
  signature: z.string().max(200),
  publicKey: z.string().max(1000),
});
type SignatureFile = z.infer<typeof SignatureFile>;

const Artifact = z.looseObject({
  schemaVersion: z.literal(2),
  artifactType: z.literal(VERSION_TYPE),
  layers: z.array(Descriptor).min(1).max(65_537),
});

const Referrer = z.looseObject({
  subject: Descriptor,
  layers: z.array(Descriptor).length(1),
});

/** `files`: `manifest.rsm`, then the packs. */
export function encodeArtifact(
  { ref, created, files: [manifest, ...packs] }: {
    ref: string;
    /** ISO 8601. */
    created: string;
    files: readonly [ArtifactFile, ...ArtifactFile[]];
  },
): Uint8Array<ArrayBuffer> {
  return encode({
    schemaVersion: 2,
    mediaType: MANIFEST,
    artifactType: VERSION_TYPE,
    config: EMPTY_DESCRIPTOR,
    layers: [layerOf(SEALED_MANIFEST_TYPE, manifest), ...packs.map((pack) => layerOf(PACK_TYPE, pack))],
    annotations: { "org.opencontainers.image.created": created, "org.opencontainers.image.title": ref },
  });
}

/** Throws RangeError if it is not a version. */
export function decodeArtifact(
  bytes: Uint8Array,
): { readonly manifest: Descriptor; readonly packs: ReadonlyMap<string, Descriptor> } {
  const parsed = Artifact.safeParse(jsonIn(bytes));
  const [manifest, ...packs] = parsed.data?.layers ?? [];
  if (manifest?.mediaType !== SEALED_MANIFEST_TYPE) {
    throw new RangeError("it is not a version of an image that Rackseed pushed");
  }
  return { manifest, packs: new Map(packs.map((pack) => [pack.digest, pack])) };
}

/** `subject`: the artifact's manifest; `signature`: the bytes of the signature's blob. */
export function encodeReferrer(
  { subject, signature, created }: { subject: Uint8Array; signature: Uint8Array; created: string },
): Uint8Array<ArrayBuffer> {
  return encode({
    schemaVersion: 2,
    mediaType: MANIFEST,
    artifactType: SIGNATURE_TYPE,
    config: EMPTY_DESCRIPTOR,
    layers: [{ mediaType: SIGNATURE_LAYER_TYPE, digest: digestOf(signature), size: signature.length }],
    subject: { mediaType: MANIFEST, digest: digestOf(subject), size: subject.length },
    annotations: { "org.opencontainers.image.created": created },
  });
}

/** The descriptor of the signature's blob; undefined if it is about something else. */
export function decodeReferrer(bytes: Uint8Array, subject: string): Descriptor | undefined {
  const parsed = Referrer.safeParse(jsonIn(bytes));
  return parsed.data?.subject.digest === subject ? parsed.data.layers[0] : undefined;
}

export function encodeSignature(signature: SignatureFile): Uint8Array<ArrayBuffer> {
  return encode(signature);
}

export function decodeSignature(bytes: Uint8Array): SignatureFile | undefined {
  return SignatureFile.safeParse(jsonIn(bytes)).data;
}

/** As a list of referrers shows it. */
export function referrerDescriptor(bytes: Uint8Array): Descriptor {
  return {
    mediaType: MANIFEST,
    digest: digestOf(bytes),
    size: bytes.length,
    artifactType: SIGNATURE_TYPE,
  };
}

function layerOf(mediaType: string, { name, sha256, sizeBytes }: ArtifactFile) {
  return {
    mediaType,
    digest: `sha256:${sha256}`,
    size: sizeBytes,
    annotations: { "org.opencontainers.image.title": name },
  };
}

function encode(value: object): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(JSON.stringify(value));
}

function jsonIn(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}
