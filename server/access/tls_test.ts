import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { issueServerCertificate, openAuthority } from "./tls.ts";

Deno.test("the authority is made once, and only its owner can read the key", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const first = await openAuthority(folder);
    assert.equal((await openAuthority(folder)).pem, first.pem);
    assert.equal((Deno.statSync(`${folder}/tls/ca.key`).mode ?? 0) & 0o777, 0o600);
    assert.equal((Deno.statSync(`${folder}/tls`).mode ?? 0) & 0o777, 0o700);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a damaged authority is an error, and is not silently replaced", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await openAuthority(folder);
    Deno.writeTextFileSync(`${folder}/tls/ca.key`, "nonsense");
    await assert.rejects(openAuthority(folder), { name: "RackseedError", remedy: /backup/ });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("the server's certificate names every address, and is valid whatever the clock says", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const authority = await openAuthority(folder);
    const { cert } = await issueServerCertificate(authority, ["10.0.0.1", "::1", "localhost", "10.0.0.1"]);
    const leaf = new X509Certificate(cert);
    assert.ok(leaf.checkIssued(new X509Certificate(authority.pem)));
    assert.ok(leaf.verify(new X509Certificate(authority.pem).publicKey));
    for (const name of ["10.0.0.1", "::1"]) assert.equal(leaf.checkIP(name), name);
    assert.equal(leaf.checkHost("localhost"), "localhost");
    assert.equal(new Date(leaf.validFrom).getUTCFullYear(), 1970);
    assert.equal(new Date(leaf.validTo).getUTCFullYear(), 2199);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
