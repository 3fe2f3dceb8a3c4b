import assert from "node:assert/strict";
import { GRUB_ONLY } from "#contract/format/boot.ts";
import type { FirmwareTrust } from "#contract/format/boot_program.ts";
import { anchorOf } from "../../../boot/uki/image_signatures.ts";
import { makeSecureBootKey } from "../../../boot/uki/secure_boot_key.ts";
import { signerOf, signImage } from "../../../boot/uki/signed_data.ts";
import { madeStub } from "../../../boot/uki/testing/made_stub.ts";
import { signProgram } from "../../../boot/uki/uki.ts";
import { readBootPrograms } from "../../boot_config/boot_programs.ts";
import { needs } from "../../../test/support/needs.ts";
import { CloneTree } from "../../tree/tree_files.ts";
import { proveSecureStart } from "./secure_start.ts";

const site = makeSecureBootKey({ commonName: "site" }), signer = signerOf(site);
const other = signerOf(makeSecureBootKey({ commonName: "distribution" }));
const signs = anchorOf(site.certificate);
const onlySite: FirmwareTrust = { state: "on", db: [signs] };
const LOADER = "EFI/systemd/systemd-bootx64.efi", FALLBACK = "EFI/BOOT/BOOTX64.EFI";
const SYSTEMD = { ...GRUB_ONLY, loader: "systemd-boot" as const };
const unsigned = madeStub({});
const kernel = signProgram(madeStub({ sdmagic: "a kernel" }), other, { name: "kernel" });

async function withClone(
  files: Readonly<Record<string, Uint8Array | string>>,
  use: (clone: CloneTree) => Promise<void>,
): Promise<void> {
  const root = await Deno.makeTempDir();
  try {
    const clone = new CloneTree(root);
    for (const [path, content] of Object.entries(files)) {
      await clone.write(path, { text: content, mode: 0o644 });
    }
    await use(clone);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

const systemd = {
  [`/efi/${LOADER}`]: unsigned,
  [`/efi/${FALLBACK}`]: unsigned,
  "/efi/vmlinuz": kernel,
  "/efi/loader/entries/debian.conf": "title Debian\nlinux /vmlinuz\noptions root=UUID=1 ro\n",
};
const start = (trust: FirmwareTrust, key = signer) => ({
  trust,
  signs,
  sign: (digests: readonly string[]) =>
    Promise.resolve(digests.map((digest) => signImage(Uint8Array.fromHex(digest), key))),
});

Deno.test("what the firmware would refuse is signed: loader, fallback and kernel", () =>
  withClone(systemd, async (clone) => {
    const options = { clone, facts: SYSTEMD, secureStart: start(onlySite) };
    const where = { esp: "/efi", program: LOADER };
    const { paths, notes } = await proveSecureStart(options, where);
    assert.deepEqual(paths, [`/efi/${LOADER}`, `/efi/${FALLBACK}`, "/efi/vmlinuz"]);
    assert.match(notes[0] ?? "", /signed with the site's key/);
    const programs = await readBootPrograms(clone, { ...SYSTEMD, ...where });
    assert.deepEqual(programs.map(({ signatures }) => signatures.map(({ by }) => by)), [
      ["site"],
      ["site"],
      ["distribution", "site"],
    ]);
    assert.deepEqual(await proveSecureStart(options, where), { paths: [], notes: [] });
  }));

Deno.test("without a signing server, or with another key, the clone is refused and says why", () =>
  withClone(systemd, async (clone) => {
    const prove = (secureStart: ReturnType<typeof start>) =>
      proveSecureStart({ clone, facts: SYSTEMD, secureStart }, { esp: "/efi", program: LOADER });
    const { signs: _, ...unsigning } = start(onlySite);
    await assert.rejects(
      proveSecureStart({ clone, facts: SYSTEMD, secureStart: unsigning }, { esp: "/efi", program: LOADER }),
      /would refuse \/efi\/EFI\/systemd\/systemd-bootx64.efi \(nobody signed it\); its firmware trusts site/,
    );
    await assert.rejects(prove(start(onlySite, other)), /is not that of the site's certificate/);
  }));

Deno.test("GRUB alone is not signed, as it would start no kernel", async () => {
  const grub = { "/boot/efi/EFI/debian/grubx64.efi": unsigned, [`/boot/efi/${FALLBACK}`]: unsigned };
  await withClone(grub, async (clone) => {
    await assert.rejects(
      proveSecureStart({ clone, facts: GRUB_ONLY, secureStart: start(onlySite) }, {
        esp: "/boot/efi",
        program: "EFI/debian/grubx64.efi",
      }),
      { remedy: /install shim-signed/ },
    );
  });
});

const programs = new URL("../../../.cache/boot-programs/", import.meta.url).pathname;
const debian = ["shimx64.efi", "grubx64.efi"].map((name) => `${programs}${name}`);

Deno.test({
  name: "behind a shim, GRUB is left to the shim, which is signed",
  ...needs({ files: debian }),
  async fn() {
    const [shim, signedGrub] = await Promise.all(debian.map((path) => Deno.readFile(path))) as [
      Uint8Array,
      Uint8Array,
    ];
    const behindShim = {
      "/boot/efi/EFI/debian/shimx64.efi": shim,
      "/boot/efi/EFI/debian/grubx64.efi": signedGrub,
      [`/boot/efi/${FALLBACK}`]: shim,
    };
    await withClone(behindShim, async (clone) => {
      const { paths } = await proveSecureStart({ clone, facts: GRUB_ONLY, secureStart: start(onlySite) }, {
        esp: "/boot/efi",
        program: "EFI/debian/shimx64.efi",
      });
      assert.deepEqual(paths, ["/boot/efi/EFI/debian/shimx64.efi", `/boot/efi/${FALLBACK}`]);
    });
  },
});

Deno.test("a machine without Secure Boot, or in set-up mode, starts everything", () =>
  withClone(systemd, async (clone) => {
    for (const trust of [{ state: "off" }, { state: "set-up" }] as const) {
      const options = { clone, facts: SYSTEMD, secureStart: { ...start(trust), signs: undefined } };
      assert.deepEqual(await proveSecureStart(options, { esp: "/efi", program: LOADER }), {
        paths: [],
        notes: [],
      });
    }
  }));
