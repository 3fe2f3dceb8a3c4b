import assert from "node:assert/strict";
import { makeCode, openContents, parseCode, sealContents } from "./medium.ts";

const contents = { kind: "network", server: "https://10.0.0.1:8443", token: "rs1.pin.the-secret" } as const;

Deno.test("a code is read as people type it", () => {
  for (let i = 0; i < 50; i++) {
    const code = makeCode();
    assert.match(code, /^([0-9A-HJKMNP-TV-Z]{4}-){3}[0-9A-HJKMNP-TV-Z]{4}$/);
    assert.equal(parseCode(code), code);
    assert.equal(parseCode(` ${code.toLowerCase().replaceAll("-", " ")} `), code);
  }
  assert.equal(parseCode("oil0-0000-0000-0000"), "0110-0000-0000-0000");
  for (const none of ["", "1234", "1234-5678-9ABC-DEFGH", "UUUU-0000-0000-0000", "0000-0000-0000-000!"]) {
    assert.equal(parseCode(none), undefined, none);
  }
});

Deno.test("what is sealed shows nothing, and opens by its own code and medium only", () => {
  const code = makeCode(), id = "1a2b3c4d";
  const sealed = sealContents(contents, { id, code });
  assert.doesNotMatch(Buffer.from(sealed, "base64").toString("latin1"), /secret|10\.0\.0\.1/);
  assert.deepEqual(openContents(sealed, { id, code }), contents);
  assert.throws(() => openContents(sealed, { id, code: makeCode() }), /not this medium's/);
  assert.throws(() => openContents(sealed, { id: "1a2b3c4e", code }), /not this medium's/);
  const bytes = Buffer.from(sealed, "base64");
  bytes[bytes.length - 1]! ^= 1;
  assert.throws(() => openContents(bytes.toString("base64"), { id, code }), /not this medium's/);
  for (const short of ["", "AAAA"]) {
    assert.throws(() => openContents(short, { id, code }), /not this medium's/, short);
  }
});
