/** The site's Secure Boot key in a token (PKCS #11): SoftHSM, by OpenSSL's engine, as the manual shows it. */
import assert from "node:assert/strict";
import { fileOfBytes } from "../../boot/tftp/tftp_file.ts";
import { signaturesOf } from "../../boot/uki/image_signatures.ts";
import { externalSigner } from "../../boot/uki/signing_command.ts";
import { madeStub } from "../../boot/uki/testing/made_stub.ts";
import { signProgram } from "../../boot/uki/uki.ts";
import { checkSigningKey } from "../../server/doctor/checks/signing_key.ts";
import { needs } from "../support/needs.ts";

const MODULE = "/usr/lib/softhsm/libsofthsm2.so";
const ENGINE = "/usr/lib/x86_64-linux-gnu/engines-3/pkcs11.so";

Deno.test({
  name: "a key that never leaves its token signs, and a missing token is reported",
  ...needs({
    programs: ["softhsm2-util", "pkcs11-tool", "openssl", "timeout"],
    files: [MODULE, ENGINE],
  }),
  async fn() {
    const folder = await Deno.makeTempDir();
    try {
      const config = `${folder}/softhsm2.conf`;
      await Deno.mkdir(`${folder}/tokens`);
      await Deno.writeTextFile(
        config,
        `directories.tokendir = ${folder}/tokens\nobjectstore.backend = file\n`,
      );
      await Deno.writeTextFile(`${folder}/pin`, "1234", { mode: 0o600 });
      const env = { SOFTHSM2_CONF: config, PKCS11_MODULE_PATH: MODULE };
      const run = async (program: string, ...args: string[]) => {
        const { code, stderr } = await new Deno.Command(program, { args, env }).output();
        assert.equal(code, 0, `${program}: ${new TextDecoder().decode(stderr)}`);
      };
      await run("softhsm2-util", ...[
        "--init-token",
        "--free",
        "--label",
        "site",
        "--pin",
        "1234",
        "--so-pin",
        "12345678",
      ]);
      await run(
        "pkcs11-tool",
        ...["--module", MODULE, "--token-label", "site", "--login", "--pin", "1234"],
        ...["--keypairgen", "--key-type", "rsa:2048", "--label", "secure-boot"],
      );
      const uri = `pkcs11:token=site;object=secure-boot;type=private?pin-source=file:${folder}/pin`;
      const certificate = `${folder}/site.pem`, command = `${folder}/sign`;
      await run(
        "openssl",
        ...["req", "-new", "-x509", "-days", "3650", "-subj", "/CN=Site in a token"],
        ...["-engine", "pkcs11", "-keyform", "engine", "-key", uri, "-out", certificate],
      );
      await Deno.writeTextFile(
        command,
        `#!/bin/sh\nexport SOFTHSM2_CONF=${config} PKCS11_MODULE_PATH=${MODULE}\n` +
          `exec openssl dgst -sha256 -engine pkcs11 -keyform engine -sign "${uri}" "$1"\n`,
      );
      await Deno.chmod(command, 0o755);
      const key = { command, certificate };
      const signed = signProgram(madeStub({}), externalSigner(key), { name: "test.efi" });
      const { signatures } = signaturesOf(fileOfBytes(signed), { name: "test.efi" });
      assert.deepEqual(signatures.map(({ by }) => by), ["Site in a token"]);
      const examine = () => checkSigningKey({ signingKey: key } as Parameters<typeof checkSigningKey>[0])[0];
      assert.equal(examine()?.level, "ok");
      await Deno.remove(`${folder}/tokens`, { recursive: true });
      await Deno.mkdir(`${folder}/tokens`);
      const finding = examine();
      assert.equal(finding?.level, "problem");
      assert.match(finding.text, /sign exited 1/);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
