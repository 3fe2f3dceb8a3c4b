import assert from "node:assert/strict";
import { Passwords } from "./passwords.ts";

Deno.test("a password is known by its hash, which names its parameters and never repeats", async () => {
  const passwords = new Passwords();
  const [a, b] = [await passwords.hash("correct horse"), await passwords.hash("correct horse")];
  assert.match(a, /^scrypt\$15\$8\$3\$[\w-]{22}\$[\w-]{43}$/);
  assert.notEqual(a, b);
  assert.equal(await passwords.matches("correct horse", a), true);
  assert.equal(await passwords.matches("correct hors", a), false);
});

Deno.test("a hash with other parameters is still known", async () => {
  // RFC 7914 §12: N = 1024, r = 8, p = 16; the first 32 bytes
  const hash = Buffer.from("fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162", "hex");
  const stored = `scrypt$10$8$16$${Buffer.from("NaCl").toString("base64url")}$${hash.toString("base64url")}`;
  assert.equal(await new Passwords().matches("password", stored), true);
});

Deno.test("the same characters match however they were typed", async () => {
  const passwords = new Passwords();
  assert.equal(
    await passwords.matches("cafe\u0301 au lait", await passwords.hash("caf\u00e9 au lait")),
    true,
  );
});

Deno.test("without a hash the answer is no after the same work, and a flood is refused", async () => {
  const passwords = new Passwords();
  const stored = await passwords.hash("correct horse");
  const timed = async (hash: string | undefined) => {
    const began = performance.now();
    assert.equal(await passwords.matches("wrong", hash), false);
    return performance.now() - began;
  };
  const [known, unknown] = [await timed(stored), await timed(undefined)];
  assert.ok(unknown > known / 10 && unknown < known * 10, `${known} ms and ${unknown} ms`);
  const flood = Array.from({ length: 30 }, () => passwords.matches("wrong", undefined));
  const refused = (await Promise.allSettled(flood)).filter(({ status }) => status === "rejected");
  assert.equal(refused.length, 12);
});
