import assert from "node:assert/strict";
import { needs } from "../../test/support/needs.ts";
import { readSiteCertificate } from "./site_certificate.ts";

const KEYS: [kind: string, args: string[]][] = [
  ["EC, as openssl writes it", ["ecparam", "-genkey", "-noout", "-name", "prime256v1"]],
  ["EC in PKCS #8", ["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"]],
  ["RSA in PKCS #8", ["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]],
  ["RSA in PKCS #1", ["genrsa", "-traditional"]],
];

Deno.test({
  name: "a site's certificate is taken with its key of any usual form, and refused with another one",
  ...needs({ programs: ["openssl"] }),
  async fn() {
    const folder = await Deno.makeTempDir({ prefix: "rackseed-site-" });
    try {
      for (const [i, [kind, args]] of KEYS.entries()) {
        const tlsCert = `${folder}/${i}.pem`, tlsKey = `${folder}/${i}.key`;
        await openssl([...args, "-out", tlsKey]);
        await openssl(["req", "-x509", "-key", tlsKey, "-subj", "/CN=site", "-days", "30", "-out", tlsCert]);
        const days = ((readSiteCertificate({ tlsCert, tlsKey })?.notAfter.getTime() ?? 0) - Date.now()) /
          86_400_000;
        assert.ok(days > 29 && days < 31, kind);
      }
      const pair = { tlsCert: `${folder}/0.pem`, tlsKey: `${folder}/1.key` };
      assert.throws(
        () => readSiteCertificate(pair),
        /1\.key.*is not the key of the first certificate in .*0\.pem/,
      );
      await Deno.writeTextFile(`${folder}/text`, "secret words\n");
      assert.throws(
        () => readSiteCertificate({ ...pair, tlsCert: `${folder}/text` }),
        /no certificate in PEM/,
      );
      assert.throws(
        () => readSiteCertificate({ ...pair, tlsKey: `${folder}/text` }),
        (error: Error) => /no private key in PEM/.test(error.message) && !/secret words/.test(error.message),
      );
      assert.throws(
        () => readSiteCertificate({ ...pair, tlsKey: `${folder}/absent` }),
        /absent.*No such file/,
      );
      assert.equal(readSiteCertificate({}), undefined);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

async function openssl(args: string[]): Promise<void> {
  const { code } = await new Deno.Command("openssl", { args, stdout: "null", stderr: "null" }).output();
  assert.equal(code, 0, args.join(" "));
}
