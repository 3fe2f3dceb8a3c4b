import assert from "node:assert/strict";
import { needs } from "../../test/support/needs.ts";
import { fileOfBytes } from "../tftp/tftp_file.ts";
import { signaturesOf } from "./image_signatures.ts";
import { makeSecureBootKey } from "./secure_boot_key.ts";
import { externalSigner } from "./signing_command.ts";
import { madeStub } from "./testing/made_stub.ts";
import { signProgram } from "./uki.ts";

const site = makeSecureBootKey({ commonName: "site" });

/** `script`: what the program does; $KEY is the private key's file. */
async function withKey(
  script: string,
  use: (key: { command: string; certificate: string }) => void,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    const command = `${folder}/sign`, certificate = `${folder}/site.cer`;
    await Deno.writeTextFile(`${folder}/key`, site.privateKey, { mode: 0o600 });
    await Deno.writeFile(certificate, site.certificate);
    await Deno.writeTextFile(command, `#!/bin/sh\nKEY=${folder}/key\n${script}\n`);
    await Deno.chmod(command, 0o755);
    use({ command, certificate });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test({
  name: "a program of the site signs an EFI image",
  ...needs({ programs: ["openssl", "timeout"] }),
  fn: () =>
    withKey('exec openssl dgst -sha256 -sign "$KEY" "$1"', (key) => {
      const signed = signProgram(madeStub({}), externalSigner(key), { name: "test.efi" });
      const { signatures } = signaturesOf(fileOfBytes(signed), { name: "test.efi" });
      assert.deepEqual(signatures.map(({ by }) => by), ["site"]);
    }),
});

Deno.test({
  name:
    "a program that fails, or signs with another key, is named with what it said, and not asked again at once",
  ...needs({ programs: ["timeout"] }),
  async fn() {
    const bytes = new Uint8Array(8);
    await withKey("echo the token is locked >&2; exit 3", (key) => {
      const signer = externalSigner(key);
      assert.throws(() => signer.sign(bytes), /sign exited 3: the token is locked/);
      Deno.writeTextFileSync(key.command, "#!/bin/sh\nexit 4\n");
      assert.throws(() => signer.sign(bytes), /exited 3/);
    });
    await withKey('cat "$1"', (key) => {
      assert.throws(() => externalSigner(key).sign(bytes), /wrote \(8 bytes\) is no RSA signature/);
    });
  },
});

Deno.test("a program that others may change, and a certificate that is none, are refused", async () => {
  await withKey("exit 0", (key) => {
    Deno.chmodSync(key.command, 0o777);
    assert.throws(() => externalSigner(key), /others may change it/);
    Deno.chmodSync(key.command, 0o755);
    Deno.writeTextFileSync(key.certificate, "nothing");
    assert.throws(() => externalSigner(key), /certificate .* cannot be read/);
  });
  assert.throws(
    () => externalSigner({ command: "/nonexistent", certificate: "/nonexistent" }),
    /cannot be read/,
  );
});
