/** Installed disks in machines whose firmware knows the site's key only. */
import assert from "node:assert/strict";
import { type BootFacts, GRUB_ONLY } from "#contract/format/boot.ts";
import type { FirmwareTrust } from "#contract/format/boot_program.ts";
import { proveSecureStart } from "../../agent/install/boot_loader/secure_start.ts";
import { CloneTree } from "../../agent/tree/tree_files.ts";
import { anchorOf } from "../../boot/uki/image_signatures.ts";
import { mokRequest } from "../../boot/uki/mok_request.ts";
import { makeSecureBootKey } from "../../boot/uki/secure_boot_key.ts";
import { signerOf, signImage } from "../../boot/uki/signed_data.ts";
import { fetchBootPrograms } from "../../scripts/build/boot_programs.ts";
import { LabNetwork } from "../../scripts/lab/network.ts";
import { secureQemuNeeds, VirtualMachine } from "../../scripts/lab/qemu.ts";
import { cloudKernel } from "../support/boot_image.ts";
import { bootPrograms, bootProgramsNeeds } from "../support/boot_programs.ts";
import { bootServiceAddress } from "../support/boot_service.ts";
import { needs } from "../support/needs.ts";
import { siteKey, storeSiteKey } from "../support/secure_machine.ts";

const cache = new URL("../../.cache", import.meta.url).pathname;
const STARTED = ["UEFI Secure Boot is enabled", "Linux version"];
const REFUSED = /Access Denied|Security Violation/;
const FIRMWARE_MS = 900_000;
const signer = signerOf(siteKey), site = anchorOf(siteKey.certificate);
const trust: FirmwareTrust = { state: "on", db: [site] };

const signs = (digests: readonly string[]) =>
  Promise.resolve(digests.map((digest) => signImage(Uint8Array.fromHex(digest), signer)));
type Variables = NonNullable<NonNullable<Parameters<typeof storeSiteKey>[1]>["more"]>;

interface Installed {
  readonly name: string;
  readonly facts: BootFacts;
  readonly program: string;
  /** Paths on the EFI system partition. */
  readonly files: () => Promise<Readonly<Record<string, Uint8Array | string>>>;
  /** What the agent has signed. */
  readonly signed: readonly string[];
}

const FALLBACK = "EFI/BOOT/BOOTX64.EFI", OPTIONS = "console=ttyS0 panic=-1";

const systemdBoot: Installed = {
  name: "systemd-boot",
  facts: { ...GRUB_ONLY, loader: "systemd-boot" },
  program: "EFI/systemd/systemd-bootx64.efi",
  files: async () => {
    const packages = await bootPrograms(`${cache}/lab`);
    const loader = await Deno.readFile(`${packages}/usr/lib/systemd/boot/efi/systemd-bootx64.efi`);
    return {
      [FALLBACK]: loader,
      "EFI/systemd/systemd-bootx64.efi": loader,
      "loader/entries/debian.conf": `title Debian\nlinux /vmlinuz\noptions ${OPTIONS}\n`,
      "vmlinuz": await Deno.readFile(await cloudKernel()),
    };
  },
  signed: ["EFI/systemd/systemd-bootx64.efi", FALLBACK, "vmlinuz"],
};

const shimAndGrub: Installed = {
  name: "Debian's shim and GRUB",
  facts: { ...GRUB_ONLY, grubFolder: "/boot/grub" },
  program: "EFI/debian/shimx64.efi",
  files: async () => {
    const folder = `${cache}/boot-programs`;
    await fetchBootPrograms(folder, { scratch: `${cache}/boot-packages` });
    const [shim, grub] = await Promise.all(
      ["shimx64.efi", "gcdx64.efi"].map((name) => Deno.readFile(`${folder}/${name}`)),
    ) as [Uint8Array, Uint8Array];
    const menu = `menuentry Debian {\n  linux /vmlinuz ${OPTIONS}\n}\nset timeout=0\n`;
    return {
      [FALLBACK]: shim,
      "EFI/BOOT/grubx64.efi": grub,
      "EFI/debian/shimx64.efi": shim,
      "EFI/debian/grubx64.efi": grub,
      ".disk/info": "a disk",
      "boot/grub/grub.cfg": menu,
      "vmlinuz": await Deno.readFile(await cloudKernel()),
    };
  },
  signed: ["EFI/debian/shimx64.efi", FALLBACK],
};

export function testInstalledDisks(): void {
  for (const installed of [systemdBoot, shimAndGrub]) {
    const { name } = installed;
    testInstalled(`${name}, signed at its installation, starts with only the site's key`, async (clone) => {
      const { paths } = await prove(clone, { ...installed, sign: signs });
      assert.deepEqual(paths, installed.signed.map((path) => `/efi/${path}`));
      return STARTED;
    }, installed);
  }
  testInstalled("an unsigned loader is refused, as was said before", async (clone) => {
    await assert.rejects(prove(clone, systemdBoot), /would refuse .* \(nobody signed it\)/);
    return [REFUSED];
  }, systemdBoot);
}

function prove(
  clone: CloneTree,
  { facts, program, sign }: Pick<Installed, "facts" | "program"> & {
    sign?: (digests: readonly string[]) => Promise<Uint8Array[]>;
  },
) {
  const secureStart = { trust, sign: sign ?? (() => Promise.resolve([])), ...(sign && { signs: site }) };
  return proveSecureStart({ clone, facts, secureStart }, { esp: "/efi", program });
}

const DOWN = "\x1b[B", PASSWORD = "12345678";

/** A person at the console, and the kernel that then knows the certificate. */
export function testMokRequest(): void {
  const more = makeSecureBootKey({ commonName: "Rackseed MOK" });
  const variables = mokRequest(more.certificate, { password: PASSWORD, salt: "0123456789abcdef" })
    .map(({ data: value, ...variable }) => ({ ...variable, value }));
  testInstalled("shim asks for the certificate that the agent left, and trusts it", async (clone) => {
    const packages = await bootPrograms(`${cache}/lab`);
    const manager = await Deno.readFile(`${packages}/usr/lib/shim/mmx64.efi.signed`);
    await clone.write("/efi/EFI/BOOT/mmx64.efi", { text: manager, mode: 0o644 });
    await prove(clone, { ...shimAndGrub, sign: signs });
    return [
      ["Press any key", "\r"],
      ["Enroll MOK", `${DOWN}\r`],
      ["View key 0", `${DOWN}\r`],
      ["Enroll the key", `${DOWN}\r`],
      ["Password", `${PASSWORD}\r`],
      ["Reboot", "\r"],
      /Loaded X\.509 cert 'Rackseed MOK/,
    ];
  }, { ...shimAndGrub, variables });
}

function testInstalled(
  name: string,
  install: (clone: CloneTree) => Promise<readonly (string | RegExp | readonly [string, answer: string])[]>,
  { files, variables = [] }: Installed & { readonly variables?: Variables },
): void {
  const programs = [...secureQemuNeeds.programs, ...bootProgramsNeeds, "depmod"];
  Deno.test({
    name,
    ...needs({ root: true, programs, files: secureQemuNeeds.files }),
    async fn() {
      const folder = await Deno.makeTempDir({ prefix: "site-" });
      try {
        const clone = new CloneTree(folder);
        for (const [path, content] of Object.entries(await files())) {
          await clone.write(`/efi/${path}`, { text: content, mode: 0o644 });
        }
        const until = await install(clone);
        await storeSiteKey(folder, { more: variables });
        await using network = await LabNetwork.create({ address: `${bootServiceAddress}/24` });
        await using machine = await VirtualMachine.start({
          name: "node",
          firmware: "uefi",
          secureBoot: "set-up",
          network,
          mac: "52:54:00:78:00:0a",
          // QEMU makes a FAT file system of a folder
          disks: [{ path: `fat:rw:${folder}/efi`, serial: "disk" }],
          isAlone: true,
          folder,
          serialLog: `${folder}/serial.log`,
          memoryMiB: 512,
          bootOrder: "disk-only",
        });
        for (const step of until) {
          const [line, answer] = Array.isArray(step) ? step : [step];
          await machine.serial.expect(line, { timeoutMs: FIRMWARE_MS });
          if (answer !== undefined) await machine.type(answer);
        }
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    },
  });
}
