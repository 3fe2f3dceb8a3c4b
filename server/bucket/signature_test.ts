/** The examples of the Amazon S3 API Reference. */
import assert from "node:assert/strict";
import { encodePath, presign, sha256Hex, signHeaders } from "./signature.ts";

const terms = {
  credentials: { accessKey: "AKIAIOSFODNN7EXAMPLE", secretKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY" },
  region: "us-east-1",
  date: new Date("2013-05-24T00:00:00Z"),
};
const HOST = "https://examplebucket.s3.amazonaws.com";

const examples: [string, Parameters<typeof signHeaders>[0], string][] = [
  [
    "GET Object",
    {
      method: "GET",
      url: new URL(`${HOST}/test.txt`),
      headers: { range: "bytes=0-9" },
      payloadSha256: sha256Hex(""),
    },
    "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
  ],
  [
    "PUT Object",
    {
      method: "PUT",
      url: new URL(`${HOST}${encodePath("/test$file.text")}`),
      headers: { date: "Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class": "REDUCED_REDUNDANCY" },
      payloadSha256: sha256Hex("Welcome to Amazon S3."),
    },
    "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
  ],
  [
    "GET Bucket Lifecycle",
    { method: "GET", url: new URL(`${HOST}/?lifecycle`), payloadSha256: sha256Hex("") },
    "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
  ],
  [
    "List Objects",
    { method: "GET", url: new URL(`${HOST}/?max-keys=2&prefix=J`), payloadSha256: sha256Hex("") },
    "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
  ],
];
for (const [name, request, signature] of examples) {
  Deno.test(`the reference's ${name} gets the reference's signature`, () => {
    assert.match(signHeaders(request, terms).authorization ?? "", new RegExp(`Signature=${signature}$`));
  });
}

Deno.test("a URL is signed as in the reference", () => {
  const url = presign(new URL(`${HOST}/test.txt`), { ...terms, seconds: 86_400 });
  assert.equal(
    url.searchParams.get("X-Amz-Signature"),
    "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404",
  );
});
