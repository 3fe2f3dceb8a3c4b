import assert from "node:assert/strict";
import { fileOfBytes } from "../tftp/tftp_file.ts";
import { refusedPrograms } from "#contract/format/boot_program.ts";
import { anchorOf, shimAnchors, signaturesOf } from "./image_signatures.ts";
import { makeSecureBootKey } from "./secure_boot_key.ts";
import { parseSignatureLists, signatureLists } from "./signature_list.ts";
import { signerOf } from "./signed_data.ts";
import { madeStub } from "./testing/made_stub.ts";
import { signProgram } from "./uki.ts";
import { microsoftCertificates } from "./microsoft.ts";
import { needs } from "../../test/support/needs.ts";

const name = "test.efi";
const site = makeSecureBootKey({ commonName: "site" }), other = makeSecureBootKey({ commonName: "other" });
const twice = signProgram(signProgram(madeStub({}), signerOf(site), { name }), signerOf(other), { name });
const read = (bytes: Uint8Array) => signaturesOf(fileOfBytes(bytes), { name });

Deno.test("every signature of an image is found, with its signer", () => {
  const { digest, signatures } = read(twice);
  assert.deepEqual(signatures.map(({ by }) => by), ["site", "other"]);
  assert.deepEqual(
    signatures.map(({ certificates, issuer }) => ({ certificates, issuer })),
    [site, other].map(({ certificate }) => anchorOf(certificate)).map((anchor) => ({
      certificates: [anchor.certificate],
      issuer: anchor.subject,
    })),
  );
  assert.equal(digest, read(madeStub({})).digest, "a signature is not part of what is signed");
});

Deno.test("a signature of other bytes is none", () => {
  const changed = twice.slice();
  changed[1030] = (changed[1030] ?? 0) ^ 1;
  assert.deepEqual(read(changed).signatures, []);
  assert.notEqual(read(changed).digest, read(twice).digest);
});

Deno.test("a damaged signature counts as none, wherever the damage is", () => {
  const signed = signProgram(madeStub({}), signerOf(site), { name });
  const start = madeStub({}).length;
  let refused = 0;
  for (let at = start + 8; at < signed.length; at += 7) {
    const damaged = signed.slice();
    damaged[at] = (damaged[at] ?? 0) ^ 0x55;
    if (read(damaged).signatures.length === 0) refused++;
  }
  // a certificate's own signature, and the bytes that fill up the end, are not looked at
  assert.ok(refused > (signed.length - start) / 7 / 2, `${refused}`);
});

Deno.test("what firmware and shim trust decides which programs start", () => {
  const program = { path: "/efi/EFI/BOOT/BOOTX64.EFI", ...read(twice) };
  const anchors = [anchorOf(other.certificate)], stranger = makeSecureBootKey({ commonName: "stranger" });
  const on = (db: ReturnType<typeof anchorOf>[]) => ({ state: "on" as const, db });
  const byFirmware = { ...program, checkedBy: "firmware" as const };
  const byShim = { ...program, checkedBy: "shim" as const };
  const strangers = [anchorOf(stranger.certificate)];
  assert.deepEqual(refusedPrograms([byFirmware], on(anchors)), []);
  assert.deepEqual(refusedPrograms([byFirmware], on(strangers)), [byFirmware]);
  assert.deepEqual(refusedPrograms([byFirmware], { state: "off" }), []);
  assert.deepEqual(refusedPrograms([byFirmware], { ...on(strangers), isPartial: true }), []);
  assert.deepEqual(refusedPrograms([byFirmware], { ...on([]), hashes: [program.digest] }), []);
  assert.deepEqual(refusedPrograms([byFirmware], { ...on(strangers), mok: anchors }), [byFirmware]);
  assert.deepEqual(refusedPrograms([byShim], { ...on(strangers), mok: anchors }), []);
  assert.deepEqual(refusedPrograms([byFirmware, byShim], on(anchors), new Set([program.digest])), [
    byFirmware,
    byShim,
  ]);
});

Deno.test("a firmware's lists are read as they are written, and lists of other kinds are noticed", () => {
  const owner = "5b7a2c0e-5f0d-4c39-9a0b-7261636b7364";
  const certificates = [site.certificate, other.certificate];
  const lists = signatureLists(certificates.map((certificate) => ({ owner, certificate })));
  const known = parseSignatureLists(lists);
  assert.deepEqual(known.certificates.map((one) => one.toHex()), certificates.map((one) => one.toHex()));
  assert.ok(known.isWhole);
  const strange = lists.slice();
  strange[0] = 0;
  assert.equal(parseSignatureLists(strange).isWhole, false);
  for (let length = 1; length < lists.length - site.certificate.length; length += 13) {
    assert.throws(() => parseSignatureLists(lists.subarray(0, length)), RangeError);
  }
});

const programs = new URL("../../.cache/boot-programs/", import.meta.url).pathname;

Deno.test({
  name: "Debian's shim is signed by Microsoft, trusts Debian, and its GRUB starts behind it",
  ...needs({ files: ["shimx64.efi", "grubx64.efi"].map((name) => `${programs}${name}`) }),
  fn: judgesDebian,
});

async function judgesDebian(): Promise<void> {
  const file = async (path: string) => fileOfBytes(await Deno.readFile(`${programs}${path}`));
  const shim = await file("shimx64.efi"), grub = await file("grubx64.efi");
  const vendor = shimAnchors(shim, { name: "shim" });
  assert.deepEqual(vendor?.map((one) => one.name), ["Debian Secure Boot CA"]);
  assert.equal(shimAnchors(grub, { name: "GRUB" }), undefined);
  const first = {
    path: "/shimx64.efi",
    checkedBy: "firmware" as const,
    ...signaturesOf(shim, { name: "shim" }),
    ...(vendor && { trusts: vendor }),
  };
  const second = {
    path: "/grubx64.efi",
    checkedBy: "shim" as const,
    ...signaturesOf(grub, { name: "GRUB" }),
  };
  const db = microsoftCertificates("db").map(({ certificate }) => anchorOf(certificate));
  assert.deepEqual(refusedPrograms([first, second], { state: "on", db }), []);
  assert.deepEqual(refusedPrograms([first, second], { state: "on", db: [anchorOf(site.certificate)] }), [
    first,
  ]);
  assert.deepEqual(refusedPrograms([second], { state: "on", db }), [second], "the firmware knows no Debian");
}
