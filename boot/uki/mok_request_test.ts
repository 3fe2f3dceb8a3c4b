import assert from "node:assert/strict";
import { needs } from "../../test/support/needs.ts";
import { mokRequest, sha512Crypt } from "./mok_request.ts";
import { makeSecureBootKey } from "./secure_boot_key.ts";
import { parseSignatureLists } from "./signature_list.ts";

/** Order of the bytes, and alphabet, of crypt(5). */
const ALPHABET = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

function encoded(hash: Uint8Array): string {
  let text = "";
  const add = (value: number, letters: number) => {
    for (let i = 0; i < letters; i++) text += ALPHABET[value >> (6 * i) & 63];
  };
  for (let i = 0; i < 21; i++) {
    const order = [i, i + 21, i + 42], turn = i % 3;
    const [a = 0, b = 0, c = 0] = [...order.slice(turn), ...order.slice(0, turn)].map((at) => hash[at]);
    add(a << 16 | b << 8 | c, 4);
  }
  add(hash[63] ?? 0, 2);
  return text;
}

Deno.test({
  name: "the password's hash is that of crypt(3), whatever the lengths",
  ...needs({ programs: ["openssl"] }),
  async fn() {
    for (
      const [password, salt] of [["12345678", "abcdefgh01234567"], ["a", "x"], [
        "p".repeat(130),
        "./zZ",
      ]] as const
    ) {
      const { stdout } = await new Deno.Command("openssl", {
        args: ["passwd", "-6", "-salt", salt, password],
      }).output();
      const text = new TextDecoder().decode(stdout).trim();
      assert.equal(`$6$${salt}$${encoded(sha512Crypt(password, salt))}`, text);
    }
  },
});

Deno.test("a request has the certificate, and the password's method, rounds, salt and hash", () => {
  const { certificate } = makeSecureBootKey({ commonName: "site" });
  const [fresh, auth] = mokRequest(certificate, { password: "12345678", salt: "saltsalt" });
  assert.deepEqual(
    parseSignatureLists(fresh?.data ?? new Uint8Array()).certificates.map((one) => one.toHex()),
    [
      certificate.toHex(),
    ],
  );
  const view = new DataView((auth?.data ?? new Uint8Array()).buffer);
  assert.deepEqual([view.getUint16(0, true), view.getBigUint64(2, true), view.getUint16(10, true)], [
    4,
    5000n,
    8,
  ]);
  assert.equal(auth?.data.length, 172);
});
