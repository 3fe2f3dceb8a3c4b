import assert from "node:assert/strict";
import { parseToken } from "#contract/token.ts";
import { AdminToken } from "./admin_token.ts";

const PIN = "p".repeat(43);

function inFolder(work: (folder: string) => void): void {
  const folder = Deno.makeTempDirSync();
  try {
    work(folder);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

Deno.test("the token is made once, and only its owner can read it", () =>
  inFolder((folder) => {
    const { text } = AdminToken.open(folder, { pin: PIN });
    assert.equal(AdminToken.open(folder, { pin: PIN }).text, text);
    assert.equal((Deno.statSync(`${folder}/token`).mode ?? 0) & 0o777, 0o600);
    assert.equal(parseToken(Deno.readTextFileSync(`${folder}/token`))?.pin, PIN);
  }));

Deno.test("a new token takes the place of the old one, also after a restart, and what was signed is void", () =>
  inFolder((folder) => {
    const admin = AdminToken.open(folder, { pin: PIN }), old = admin.text, mac = admin.sign("x");
    const text = admin.rotate();
    assert.notEqual(text, old);
    assert.deepEqual([admin.isToken(text), admin.isToken(old), admin.isSignature(mac, "x")], [
      true,
      false,
      false,
    ]);
    assert.equal(AdminToken.open(folder, { pin: PIN }).text, text);
    assert.equal((Deno.statSync(`${folder}/token`).mode ?? 0) & 0o777, 0o600);
  }));

Deno.test("only the token itself, or its secret, is accepted", () =>
  inFolder((folder) => {
    const admin = AdminToken.open(folder, { pin: PIN });
    const secret = parseToken(admin.text)?.secret ?? "";
    assert.ok(admin.isToken(admin.text) && admin.isToken(secret));
    for (const wrong of ["", PIN, `${admin.text}x`, secret.slice(1), `rs1.${PIN}.${"x".repeat(43)}`]) {
      assert.equal(admin.isToken(wrong), false, wrong);
    }
  }));
