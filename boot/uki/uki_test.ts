import assert from "node:assert/strict";
import { createHash, createPublicKey, verify, X509Certificate } from "node:crypto";
import { openJoined } from "../boot_file.ts";
import { fileOfBytes } from "../tftp/tftp_file.ts";
import { authenticodeDigest, readPe } from "./authenticode.ts";
import { derValues } from "./der.ts";
import { extendAll, measureUki } from "./measure.ts";
import { signerOf } from "./signed_data.ts";
import { makeSecureBootKey } from "./secure_boot_key.ts";
import { madeStub } from "./testing/made_stub.ts";
import { layOutUki, signProgram, signUki } from "./uki.ts";

const text = new TextEncoder();
/** Making a key takes long. */
const signer = signerOf(makeSecureBootKey({ commonName: "test" }));
const KERNEL = madeStub({ sdmagic: "not a stub" });

/** Kernel and initramfs are files; the rest is in memory. */
async function withUki(
  use: (bytes: Uint8Array) => void,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeFile(`${folder}/kernel`, KERNEL);
    await Deno.writeFile(`${folder}/agent`, text.encode("agent segment "));
    await Deno.writeFile(`${folder}/image`, text.encode("image segment"));
    const uki = layOutUki(madeStub({}), {
      osRelease: "ID=rackseed\n",
      commandLine: "rackseed.server=https://10.0.0.1:8443",
      kernel: `${folder}/kernel`,
      initramfs: [`${folder}/agent`, `${folder}/image`],
    });
    const file = openJoined(signUki(uki, signer, { name: "test" }));
    const bytes = new Uint8Array(file.sizeBytes);
    assert.equal(file.read(0, bytes), bytes.length);
    file.close?.();
    use(bytes);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("a UKI has the stub's sections and the four new ones, apart from each other in memory and in the file", () =>
  withUki((bytes) => {
    const { sections } = readPe(fileOfBytes(bytes), { name: "test" });
    assert.deepEqual(sections.map(({ name }) => name), [
      ...[".text", ".sdmagic"],
      ...[".osrel", ".cmdline", ".initrd", ".linux"],
    ]);
    const read = (name: string) => {
      const { rawOffset, virtualSize } = sections.find((s) => s.name === name)!;
      return bytes.subarray(rawOffset, rawOffset + virtualSize);
    };
    assert.equal(new TextDecoder().decode(read(".initrd")), "agent segment image segment");
    assert.equal(new TextDecoder().decode(read(".cmdline")), "rackseed.server=https://10.0.0.1:8443");
    assert.deepEqual(read(".linux"), KERNEL);
    sections.slice(1).forEach((section, i) => {
      const before = sections[i]!;
      assert.ok(section.virtualAddress >= before.virtualAddress + before.virtualSize, section.name);
      assert.equal(section.rawOffset, before.rawOffset + before.rawSize, section.name);
    });
  }));

Deno.test("the signature is the key's, over the digest, and any changed byte changes the digest", () =>
  withUki((bytes) => {
    const file = fileOfBytes(bytes), { certificates, checksumAt } = readPe(file, { name: "test" });
    const digest = authenticodeDigest(file, { name: "test" });
    const [content] = derValues(bytes.subarray(certificates.offset + 8)),
      [, data] = derValues(content!.content);
    const [signed] = derValues(data!.content), [, , inner, chain, infos] = derValues(signed!.content);
    assert.ok(Buffer.from(inner!.content).includes(Buffer.from(digest)));
    assert.equal(new X509Certificate(chain!.content).subject, "CN=test");
    const [info] = derValues(infos!.content), fields = derValues(info!.content);
    const attributes = Uint8Array.from(fields[3]!.whole);
    attributes[0] = 0x31;
    const key = createPublicKey(
      new X509Certificate(signer.certificate).publicKey.export({ type: "spki", format: "pem" }),
    );
    assert.ok(verify("sha256", attributes, key, fields[5]!.content));
    for (let at = 0; at < certificates.offset; at += 97) {
      const changed = bytes.slice();
      changed[at]! ^= 1;
      const other = digestOf(changed);
      if (at < checksumAt || at >= checksumAt + 4) assert.notDeepEqual(other, digest, `byte ${at}`);
    }
  }));

Deno.test("a program gets a signature, and another one behind it", () => {
  const program = madeStub({});
  const signed = signProgram(program, signer, { name: "test.efi" });
  assert.deepEqual(signed.subarray(512, program.length), program.subarray(512));
  const { certificates } = readPe(fileOfBytes(signed), { name: "test.efi" });
  assert.equal(certificates.offset % 8, 0);
  assert.equal(certificates.offset + certificates.sizeBytes, signed.length);
  const twice = signProgram(signed, signer, { name: "test.efi" });
  assert.deepEqual(readPe(fileOfBytes(twice), { name: "test.efi" }).certificates, {
    offset: certificates.offset,
    sizeBytes: 2 * certificates.sizeBytes,
  });
  const trailing = new Uint8Array([...twice, ...new Uint8Array(8)]);
  assert.throws(() => signProgram(trailing, signer, { name: "test.efi" }), /signatures are not at its end/);
});

Deno.test("PCR 11 is that of the sections, in the stub's order", () =>
  withUki((bytes) => {
    const measured = measureUki(fileOfBytes(bytes), { name: "test" });
    const sha256 = (data: string | Uint8Array) => createHash("sha256").update(data).digest();
    const expected = [
      ...[sha256(".linux\0"), sha256(KERNEL)],
      ...[sha256(".osrel\0"), sha256("ID=rackseed\n")],
      ...[sha256(".cmdline\0"), sha256("rackseed.server=https://10.0.0.1:8443")],
      ...[sha256(".initrd\0"), sha256("agent segment image segment")],
    ];
    assert.deepEqual(measured.events, expected.map((digest) => digest.toString("hex")));
    assert.equal(measured.pcr11, extendAll(expected).toHex());
    assert.equal(
      measured.kernel,
      authenticodeDigest(fileOfBytes(KERNEL), { name: "kernel" }).toHex(),
    );
  }));

Deno.test("what is not a complete EFI image is refused", () => {
  const whole = madeStub({});
  for (const length of [0, 1, 63, 64, 200, 400, 512, 600]) {
    const cut = fileOfBytes(whole.subarray(0, length));
    assert.throws(
      () => authenticodeDigest(cut, { name: "cut.efi" }),
      /cannot read cut\.efi as an EFI program/,
    );
  }
  assert.throws(() => measureUki(fileOfBytes(whole), { name: "stub" }), /no section \.linux/);
  const newer = fileOfBytes(madeStub({ sdmagic: "#### LoaderInfo: systemd-stub 257.1 ####" }));
  assert.throws(() => measureUki(newer, { name: "newer" }), /systemd-stub 257/);
});

/** Undefined if the changed image is none. */
function digestOf(bytes: Uint8Array): Uint8Array | undefined {
  try {
    return authenticodeDigest(fileOfBytes(bytes), { name: "test" });
  } catch {
    return undefined;
  }
}

Deno.test("a stub's headers must have room: zeros, or the no-operations that an assembler filled them with", () => {
  const parts = { osRelease: "", commandLine: "", kernel: "/dev/null", initramfs: [] };
  const stubWith = (filling: readonly number[]) => {
    const stub = madeStub({}),
      { sectionTableAt, sizeOfHeaders, sections } = readPe(fileOfBytes(stub), { name: "it" });
    const end = sectionTableAt + sections.length * 40;
    return stub.map((byte, i) => i >= end && i < sizeOfHeaders ? filling[(i - end) % filling.length]! : byte);
  };
  const sizeWith = (filling: readonly number[]) => layOutUki(stubWith(filling), parts).sizeBytes;
  assert.equal(sizeWith([0x1f, 0x20, 0x03, 0xd5]), sizeWith([0]));
  assert.throws(() => sizeWith([0x90]), /no room for further sections/);
});
