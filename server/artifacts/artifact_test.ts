import assert from "node:assert/strict";
import { digestOf } from "../registry/registry.ts";
import {
  decodeArtifact,
  decodeReferrer,
  decodeSignature,
  encodeArtifact,
  encodeReferrer,
  encodeSignature,
} from "./artifact.ts";

const MANIFEST = { name: "manifest.rsm", sha256: "a".repeat(64), sizeBytes: 10 };
const PACK = { name: `${"b".repeat(64)}.pack`, sha256: "b".repeat(64), sizeBytes: 20 };
const SIGNATURE = { id: "c".repeat(64), signature: "AAAA", publicKey: "-----BEGIN PUBLIC KEY-----" };
const CREATED = "2026-01-01T00:00:00Z";

Deno.test("a version is one artifact with one digest, and is read back", () => {
  const version = { ref: "web@3", created: CREATED, files: [MANIFEST, PACK] as const };
  const bytes = encodeArtifact({ ...version, files: [MANIFEST, PACK] });
  assert.deepEqual(bytes, encodeArtifact({ ...version, files: [MANIFEST, PACK] }));
  const { manifest, packs } = decodeArtifact(bytes);
  assert.deepEqual([manifest.digest, manifest.size], [`sha256:${MANIFEST.sha256}`, 10]);
  assert.deepEqual([...packs.keys()], [`sha256:${PACK.sha256}`]);
});

Deno.test("a signature names its subject, and one of another subject does not count", () => {
  const subject = encodeArtifact({ ref: "web@3", created: CREATED, files: [MANIFEST] });
  const signature = encodeSignature(SIGNATURE);
  const referrer = encodeReferrer({ subject, signature, created: CREATED });
  assert.equal(decodeReferrer(referrer, digestOf(subject))?.digest, digestOf(signature));
  assert.equal(decodeReferrer(referrer, digestOf(signature)), undefined);
  assert.deepEqual(decodeSignature(signature), SIGNATURE);
});

Deno.test("what is no version is refused", () => {
  const others = [
    "",
    "{}",
    "[1]",
    JSON.stringify({ schemaVersion: 2, layers: [] }),
    new TextDecoder().decode(encodeArtifact({ ref: "web@3", created: CREATED, files: [MANIFEST] }))
      .replace("rackseed.manifest", "docker.layer"),
  ];
  for (const text of others) {
    assert.throws(() => decodeArtifact(new TextEncoder().encode(text)), RangeError, text);
  }
  assert.equal(decodeSignature(new TextEncoder().encode("{}")), undefined);
});
