import assert from "node:assert/strict";
import { isOptional, tableNames } from "./file_names.ts";

const FOUND: [requested: string, name: string][] = [
  ["grubx64.efi", "grubx64.efi"],
  ["/grubx64.efi", "grubx64.efi"],
  ["\\grubx64.efi", "grubx64.efi"],
  ["\\EFI\\BOOT\\grubx64.efi", "grubx64.efi"],
  ["\\EFI\\BOOT\\/grubx64.efi", "grubx64.efi"],
  ["EFI/BOOT/EFI/BOOT/grubx64.efi", "grubx64.efi"],
  ["./grubx64.efi", "grubx64.efi"],
  ["GRUBX64.EFI", "grubx64.efi"],
  ["\\EFI\\BOOT\\GRUBX64.EFI", "grubx64.efi"],
  ["grubx64.efi   ", "grubx64.efi"],
  ["undionly.kpxe\ufffd", "undionly.kpxe"],
  ["undionly.kpxe\ufffd\ufffd\ufffd", "undionly.kpxe"],
  ["undionly.kpxe\r\n", "undionly.kpxe"],
  ["\ufffd\u0001shimx64.efi", "shimx64.efi"],
  ["\\boot\\ipxe\\52-54-00-00-00-01", "ipxe/52-54-00-00-00-01"],
  ["//grub//grub.cfg", "grub/grub.cfg"],
  ["/images/web@3/vmlinuz", "images/web@3/vmlinuz"],
];

for (const [requested, name] of FOUND) {
  Deno.test(`${JSON.stringify(requested)} is understood as ${name}`, () => {
    assert.ok(tableNames(requested).includes(name), JSON.stringify(tableNames(requested)));
  });
}

Deno.test("the literal name comes before its other readings", () => {
  assert.equal(tableNames("images/Web@3/vmlinuz")[0], "images/Web@3/vmlinuz");
});

Deno.test("a name that climbs, is empty, or is longer than a request means nothing", () => {
  const names = [
    "",
    "/",
    "\ufffd",
    "../grubx64.efi",
    "EFI/../grubx64.efi",
    "..\\grubx64.efi",
    "a/".repeat(20),
  ];
  for (const requested of [...names, "\u00ff".repeat(100_000) + "a"]) {
    assert.deepEqual(tableNames(requested), [], requested);
  }
});

Deno.test("optional files of shim and GRUB are not mistaken for a second stage", () => {
  const optional = [
    ...[
      "revocations.efi",
      "revocations_sbat.efi",
      "shim_certificate.efi",
      "mmx64.efi",
      "fbx64.efi",
      "MMX64.EFI",
    ],
    ...["\\EFI\\BOOT\\revocations.efi", "grub/x86_64-efi/command.lst", "grub/fonts/unicode.pf2"],
    ...["grub/grub.cfg-01-52-54-00-00-00-01", "grub/x86_64-efi/efinet.mod"],
  ];
  for (const name of optional) assert.ok(isOptional(name), name);
  const wanted = ["\ufffdOnboard", "?USB", "grub.efi", "", "Onboard NIC (IPv4)", "PXE", "\u0001"];
  for (const name of wanted) assert.ok(!isOptional(name), name);
});
