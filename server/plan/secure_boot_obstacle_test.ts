import assert from "node:assert/strict";
import type { BootProgram, FirmwareTrust } from "#contract/format/boot_program.ts";
import { judgeStart, startNotes } from "./secure_boot_obstacle.ts";

const hash = (digit: string) => digit.repeat(64);
const anchor = (name: string, digit: string) => ({ name, certificate: hash(digit), subject: hash(digit) });
const site = anchor("site", "a"), microsoft = anchor("Microsoft", "b"), debian = anchor("Debian", "c");
const signedBy = ({ name, certificate }: typeof site) => [
  { by: name, certificates: [certificate], issuer: hash("f") },
];
const shim: BootProgram = {
  path: "/boot/efi/EFI/debian/shimx64.efi",
  checkedBy: "firmware",
  digest: hash("1"),
  signatures: signedBy(microsoft),
  trusts: [debian],
};
const grub: BootProgram = {
  path: "/boot/efi/EFI/debian/grubx64.efi",
  checkedBy: "shim",
  digest: hash("2"),
  signatures: signedBy(debian),
};
const knows = (...db: readonly typeof site[]): FirmwareTrust => ({ state: "on", db: [...db] });

Deno.test("a vendor's chain starts where the vendor is trusted, and where the server signs shim", () => {
  const programs = [shim, grub];
  assert.deepEqual(judgeStart(programs, { trust: knows(microsoft) }), { sign: [] });
  assert.deepEqual(judgeStart(programs, { trust: knows(site), signs: site }), { sign: [shim] });
  assert.deepEqual(judgeStart(programs, { trust: undefined }), { sign: [] });
  const { obstacle } = judgeStart(programs, { trust: knows(site) });
  assert.match(obstacle?.reason ?? "", /shimx64.efi \(signed by Microsoft\); its firmware trusts site\.$/);
  assert.match(obstacle?.remedy ?? "", /--sign-disks/);
});

Deno.test("the server's key does not help where the firmware does not know it", () => {
  const { obstacle } = judgeStart([shim, grub], { trust: knows(debian), signs: site });
  assert.match(obstacle?.remedy ?? "", /if the firmware has the site's certificate/);
});

Deno.test("what shim refuses, what dbx forbids, and GRUB alone cannot be mended by a signature", () => {
  const start = { trust: knows(site), signs: site };
  const strange = { ...grub, signatures: signedBy(anchor("somebody", "d")) };
  const refused = judgeStart([shim, strange], { trust: knows(microsoft), signs: site }).obstacle;
  assert.match(refused?.reason ?? "", /the machine's shim would refuse .*grubx64.efi \(signed by somebody\)/);
  assert.match(refused?.remedy ?? "", /--sign-disks --request-mok/);
  const forbidden = new Set([shim.digest]);
  assert.match(judgeStart([shim, grub], { ...start, forbidden }).obstacle?.remedy ?? "", /dbx forbids/);
  const alone: BootProgram = { ...grub, checkedBy: "firmware", signatures: [], needsShim: true };
  assert.match(judgeStart([alone], start).obstacle?.remedy ?? "", /install shim-signed/);
});

Deno.test("behind a vendor's shim, the server's signature counts once shim trusts it, or is asked to", () => {
  const kernel: BootProgram = { ...grub, path: "/boot/vmlinuz", signatures: [] };
  const trust = knows(microsoft), programs = [shim, grub, kernel];
  assert.ok(judgeStart(programs, { trust, signs: site }).obstacle);
  assert.deepEqual(judgeStart(programs, { trust, signs: site, requestsMok: true }), { sign: [kernel] });
  assert.deepEqual(judgeStart(programs, { trust: { ...trust, mok: [site] }, signs: site }), {
    sign: [kernel],
  });
});

Deno.test("a plan says what is signed, and what is not known", () => {
  assert.deepEqual(startNotes([shim, grub], { trust: knows(site), signs: site }), [
    "Secure Boot: the server signs /boot/efi/EFI/debian/shimx64.efi with the site's key",
  ]);
  assert.match(startNotes(undefined, { trust: knows(site) })[0] ?? "", /does not tell who signed/);
  assert.deepEqual(startNotes(undefined, { trust: { state: "off" } }), []);
});
