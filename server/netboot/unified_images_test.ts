import assert from "node:assert/strict";
import { BootFiles } from "../../boot/boot_files.ts";
import { readPe } from "../../boot/uki/authenticode.ts";
import { makeSecureBootKey } from "../../boot/uki/secure_boot_key.ts";
import { signerOf } from "../../boot/uki/signed_data.ts";
import { madeStub } from "../../boot/uki/testing/made_stub.ts";
import { UnifiedImages } from "./unified_images.ts";

Deno.test("a version is one signed file, the same for every machine; its token is apart", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeFile(`${folder}/kernel`, madeStub({}));
    await Deno.writeTextFile(`${folder}/initramfs`, "initramfs");
    const files = {
      architecture: "x86_64" as const,
      kernel: `${folder}/kernel`,
      initramfs: [`${folder}/initramfs`],
    };
    const image = (name: string) => name === "web@3" ? files : undefined;
    const signer = signerOf(makeSecureBootKey({ commonName: "test" }));
    const commandLine = "rackseed.server=https://10.0.0.1:8443";
    const signed = new UnifiedImages({
      stub: () => madeStub({}),
      signer,
      commandLine: () => commandLine,
      image,
    });
    const table = new BootFiles({
      site: {
        httpUrl: "http://10.0.0.1:8080",
        agentUrl: "https://10.0.0.1:8443",
        transport: "http",
        secureBoot: false,
        signedImages: true,
      },
      programs: new Map(),
      issueTarget: (mac) =>
        mac.endsWith("01")
          ? { kind: "agent", image: "web@3", token: "rs1.pin.secret" }
          : { kind: "own-disk" },
      image,
      unified: (name) => signed.get(name),
    });
    const bytesOf = (name: string) => {
      const file = table.lookup(name);
      if (file === undefined) return undefined;
      const bytes = new Uint8Array(file.sizeBytes);
      assert.equal(file.read(0, bytes), bytes.length);
      const { certificates } = name.endsWith(".efi") ? readPe(file, { name }) : { certificates: undefined };
      file.close?.();
      return { text: new TextDecoder("latin1").decode(bytes), certificates };
    };
    const efi = bytesOf("images/web@3/agent.efi");
    assert.ok((efi?.certificates?.sizeBytes ?? 0) > 500);
    assert.ok(efi?.text.includes(commandLine) && efi.text.includes("initramfs"));
    assert.ok(!efi?.text.includes("secret"), "anybody may read it");
    assert.equal(bytesOf("images/web@3/agent.efi")?.text, efi?.text);
    assert.equal(bytesOf("images/web@9/agent.efi"), undefined);
    assert.equal(bytesOf("agent/52-54-00-00-00-01")?.text, "rs1.pin.secret\n");
    assert.equal(bytesOf("agent/52-54-00-00-00-02"), undefined);
    assert.equal(bytesOf("agent/nobody"), undefined);
    const script = bytesOf("ipxe/52-54-00-00-00-01")?.text ?? "";
    assert.match(
      script,
      /iseq \$\{platform\} efi \|\| goto kernel\nchain http:\/\/10\.0\.0\.1:8080\/boot\/images\/web@3\/agent\.efi/,
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
