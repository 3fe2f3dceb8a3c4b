import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { keyIdOf, signatureHeaders, type SignedRequest } from "#contract/relay_signature.ts";
import { RelayProofs } from "./relay_proof.ts";

const NOW_MS = Date.UTC(2026, 10, 30);
const keys = () =>
  generateKeyPairSync("ed25519", {
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
    publicKeyEncoding: { type: "spki", format: "pem" },
  });
const { privateKey, publicKey } = keys();
const request: SignedRequest = {
  method: "POST",
  url: new URL("https://10.0.0.1:8443/api/v1/relay/sync?a=1"),
  body: new TextEncoder().encode("{}"),
};

function proofs(options: { isRevoked?: boolean } = {}): RelayProofs {
  const keyId = keyIdOf(publicKey);
  const relay = { name: "paris", publicKey: options.isRevoked ? null : publicKey };
  return new RelayProofs({ find: (id) => id === keyId ? relay : undefined, now: () => NOW_MS });
}

function signed(options: { by?: string; atMs?: number; request?: SignedRequest } = {}): Headers {
  const { by = privateKey, atMs = NOW_MS, request: what = request } = options;
  return new Headers(signatureHeaders(what, { privateKey: by, nowMs: atMs }));
}

Deno.test("a request is its relay's, once, and whatever the relay's address for the server is", () => {
  const relays = proofs(), headers = signed();
  const elsewhere = { ...request, url: new URL("https://images.example/api/v1/relay/sync?a=1") };
  assert.equal(relays.siteOf(headers, elsewhere), "paris");
  assert.throws(() => relays.siteOf(headers, request), { status: 401, reason: /came before/ });
  assert.equal(relays.siteOf(signed(), request), "paris");
});

Deno.test("a signature is good for its own method, path, query and body only", () => {
  const others: SignedRequest[] = [
    { ...request, method: "GET" },
    { ...request, url: new URL("/api/v1/relay/enrol?a=1", request.url) },
    { ...request, url: new URL("/api/v1/relay/sync?a=2", request.url) },
    { ...request, body: new TextEncoder().encode("{ }") },
  ];
  for (const other of others) {
    assert.throws(() => proofs().siteOf(signed(), other), { status: 401, reason: /not by the relay's key/ });
  }
});

Deno.test("an unknown or a revoked relay, another's key and a wrong clock are refused", () => {
  assert.throws(() => proofs().siteOf(signed({ by: keys().privateKey }), request), {
    status: 401,
    reason: /knows no site/,
  });
  assert.throws(() => proofs({ isRevoked: true }).siteOf(signed(), request), { status: 403 });
  const forged = signed({ by: keys().privateKey });
  const input = forged.get("signature-input") ?? "";
  forged.set("signature-input", input.replace(/keyid="[^"]+"/, `keyid="${keyIdOf(publicKey)}"`));
  assert.throws(() => proofs().siteOf(forged, request), { status: 401, reason: /not by the relay's key/ });
  for (const atMs of [NOW_MS - 301_000, NOW_MS + 301_000]) {
    assert.throws(() => proofs().siteOf(signed({ atMs }), request), {
      status: 401,
      reason: /clock is 301 s (behind|ahead)/,
    });
  }
});

Deno.test("headers of any other form are no signature", () => {
  const good = signed();
  for (const name of ["signature", "signature-input"]) {
    const value = good.get(name) ?? "";
    for (
      const wrong of ["", "relay=()", value.slice(0, -1), `${value};x`, `${value}, ${value}`, value.repeat(9)]
    ) {
      const headers = new Headers(good);
      headers.set(name, wrong);
      assert.throws(() => proofs().siteOf(headers, request), { status: 401 }, `${name}: ${wrong}`);
    }
  }
  const undigested = new Headers(good);
  undigested.delete("content-digest");
  assert.throws(() => proofs().siteOf(undigested, request), { status: 401 });
});
