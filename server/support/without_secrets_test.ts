import assert from "node:assert/strict";
import { withoutSecrets } from "./without_secrets.ts";

const RANDOM = "aB3".padEnd(43, "xyZ_9-");

Deno.test("whatever looks like a secret is removed, wherever it stands", () => {
  const recovery = Array(8).fill("cbdefghi").join("-");
  const secrets = [
    `rs1.${"p".repeat(43)}.${"s".repeat(43)}`,
    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "linux rackseed.token=abcdef quiet",
    "Authorization: Bearer abcdef",
    "GET /setup?code=abcdef&x=1",
    "cookie: __Host-rackseed=abcdef.x",
    "eyJhbGciOiJub25lIn0.eyJhYmNkZWYiOjF9.sig",
    "-----BEGIN PRIVATE KEY-----\nabcdef\n-----END PRIVATE KEY-----",
    "-----BEGIN OPENSSH PRIVATE KEY-----\nabcdef",
    recovery,
    "https://user:abcdef@host/",
    "DB_X password = abcdef",
    `{"dbPassword": "abcdef ghi"}`,
    "root:$6$salt$abcdef:1:",
    "scrypt$15$8$3$AAAA$abcdef",
    `session ${RANDOM} began`,
  ];
  const text = JSON.stringify(withoutSecrets({ log: secrets, deep: [{ note: secrets.join(" ") }] }, []));
  for (const secret of ["abcdef", "whsec_Mf", "ssss", "eyJhb", recovery, RANDOM]) {
    assert.ok(!text.includes(secret), `${secret} in ${text}`);
  }
});

Deno.test("what is needed to help stays as it is", () => {
  const value = {
    name: "n1",
    id: "a".repeat(64),
    mac: "52:54:00:00:00:01",
    size: 5,
    list: [true, null],
    remedy: "give --token, or put the password into a file",
    line: '2026-11-30T10:00:00.000Z WRN rackseed·web request-failed call="GET /" image=web@3',
    keys: 3,
  };
  assert.deepEqual(withoutSecrets(value, []), value);
});

Deno.test("known secrets are removed from names and values, and values under the names of secrets", () => {
  assert.deepEqual(
    withoutSecrets({ "x-correct horse": ["a correct horse ran"], passphrase: "x", Secret: "y" }, [
      "correct horse",
    ]),
    { "x-[removed]": ["a [removed] ran"], passphrase: "[removed]", Secret: "[removed]" },
  );
});
