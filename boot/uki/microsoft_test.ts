import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { X509Certificate } from "node:crypto";
import { needs } from "../../test/support/needs.ts";
import { microsoftCertificates } from "./microsoft.ts";

Deno.test("Microsoft's certificates are what they are called, and signed by its roots or by themselves", () => {
  const subjects = (["KEK", "db"] as const).flatMap(microsoftCertificates)
    .map(({ certificate }) => new X509Certificate(certificate).subject);
  assert.equal(subjects.length, 7);
  for (const subject of subjects) {
    assert.match(subject, /O=Microsoft Corporation\n[^]*CN=(Microsoft|Windows)/);
  }
});

const OVMF = "/usr/share/OVMF/OVMF_VARS_4M.ms.fd";
Deno.test({
  name: "Microsoft's certificates of 2011 are those that firmware comes with",
  ...needs({ files: [OVMF] }),
  async fn() {
    const nvram = Buffer.from(await Deno.readFile(OVMF));
    const [kek] = microsoftCertificates("KEK"), [windows, uefi] = microsoftCertificates("db");
    for (const { certificate } of [kek!, windows!, uefi!]) {
      assert.ok(nvram.includes(Buffer.from(certificate)));
    }
  },
});
