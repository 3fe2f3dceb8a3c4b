/** Real firmware with Secure Boot, from power-on to the agent, by images that the site's key signed. */
import assert from "node:assert/strict";
import { dirname } from "node:path";
import { signatureLists, signVariable, VENDOR } from "../../boot/uki/signature_list.ts";
import { signerOf } from "../../boot/uki/signed_data.ts";
import { ensureProduct } from "../../scripts/build.ts";
import { findCompiler } from "../../scripts/build/base_runtime.ts";
import { fetchBootPrograms } from "../../scripts/build/boot_programs.ts";
import { run } from "../../scripts/build/command.ts";
import { compileBundle } from "../../scripts/build/compile.ts";
import { secureQemuNeeds } from "../../scripts/lab/qemu.ts";
import { bootImageNeeds, cloudKernel, makeBootImage } from "../support/boot_image.ts";
import { agentConnected } from "../support/boot_service.ts";
import { enrolmentEnds } from "../support/enrolling_program.ts";
import { needs } from "../support/needs.ts";
import { powerOnSecurely, siteKey, storeSiteKey } from "../support/secure_machine.ts";

const cache = new URL("../../.cache", import.meta.url).pathname;
/** Of the kernel, when the firmware has let it start. */
const STARTED = ["UEFI Secure Boot is enabled", "Linux version"];
const REFUSED = /Access Denied|Security Violation/;

function testWithFolder(name: string, fn: (folder: string) => Promise<void>): void {
  const programs = [...secureQemuNeeds.programs, ...bootImageNeeds.programs];
  Deno.test({
    name,
    ...needs({ root: true, programs, files: secureQemuNeeds.files }),
    async fn() {
      await fetchBootPrograms(`${cache}/boot-programs`, { scratch: `${cache}/boot-packages` });
      const folder = await Deno.makeTempDir({ prefix: "secure-" });
      try {
        await fn(folder);
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    },
  });
}

/** A kernel with an initramfs that is none: enough to see it start. */
async function kernelAlone(folder: string) {
  const initramfs = `${folder}/initramfs`;
  await Deno.writeFile(initramfs, new Uint8Array(4));
  return { kernel: await cloudKernel(), initramfs: [initramfs] };
}

export function testSignedImage({ httpBoot }: { httpBoot: boolean }): void {
  const by = httpBoot ? "HTTP boot" : "PXE";
  testWithFolder(`Secure Boot with only the site's key, by ${by}: power-on to kernel`, async (folder) => {
    await storeSiteKey(folder);
    const image = await kernelAlone(folder);
    const said = await powerOnSecurely({ folder, image, httpBoot, until: STARTED });
    assert.match(
      said,
      httpBoot ? /asked http images\/web@3\/agent\.efi/ : /asked tftp images\/web@3\/agent\.efi/,
    );
  });
}

export function testRefusals(): void {
  testWithFolder("Secure Boot refuses an image with one other bit in its initramfs", async (folder) => {
    await storeSiteKey(folder);
    const image = await kernelAlone(folder);
    const said = await powerOnSecurely({ folder, image, spoils: true, until: [REFUSED] });
    assert.match(said, /asked http images\/web@3\/agent\.efi/);
    assert.doesNotMatch(said, /Linux version/);
  });
  testWithFolder(
    "an unarmed machine with only the site's key gets iPXE, signed, and leaves it",
    async (folder) => {
      await storeSiteKey(folder);
      await powerOnSecurely({ folder, until: ["no order for this machine"] });
    },
  );
}

export function testAgent(): void {
  testWithFolder(
    "Secure Boot with only the site's key: power-on to the agent's first connection",
    async (folder) => {
      await storeSiteKey(folder);
      const made = await makeBootImage(folder, { product: await ensureProduct() });
      const image = { kernel: made.kernel, initramfs: [made.agent.path, made.image.path] };
      const said = await powerOnSecurely({
        folder,
        image,
        memoryMiB: 1536,
        until: [...STARTED, agentConnected],
      });
      assert.match(said, /decided select ack[^]*asked http agent\/52-54-00-78-00-0a/);
    },
  );
}

/** Uses the agent's own code, in a program that does nothing else. */
export function testEnrolment(): void {
  testWithFolder(
    "a machine in set-up mode takes the site's keys, and from then on starts nothing else",
    async (folder) => {
      const product = await enrollingProgram(folder);
      const made = await makeBootImage(folder, { product });
      const image = { kernel: made.kernel, initramfs: [made.agent.path, made.image.path] };
      const trial = { folder, image, memoryMiB: 1024 };
      const first = await powerOnSecurely({ ...trial, until: ["Linux version", enrolmentEnds] });
      assert.match(
        first,
        /SecureBoot 0, SetupMode 1\r?\noutcome: the site's Secure Boot key was set up in the firmware/,
      );
      const second = await powerOnSecurely({ ...trial, until: [...STARTED, enrolmentEnds] });
      assert.match(second, /SecureBoot 1, SetupMode 0\r?\noutcome: undefined/);
      const third = await powerOnSecurely({ ...trial, spoils: true, until: [REFUSED] });
      assert.doesNotMatch(third, /Linux version/);
    },
  );
}

async function enrollingProgram(folder: string): Promise<string> {
  const signer = signerOf(siteKey), owner = "5b7a2c0e-5f0d-4c39-9a0b-7261636b7364";
  const value = signatureLists([{ owner, certificate: siteKey.certificate }]);
  const variables = (["db", "KEK", "PK"] as const).map((name) => {
    const { attributes, data } = signVariable(name, { value, time: new Date("2026-01-01"), signer });
    return { name, vendor: VENDOR[name], attributes, data: data.toBase64() };
  });
  const program = new URL("../support/enrolling_program.ts", import.meta.url).pathname;
  const bundle = `${folder}/enrolling`, root = dirname(cache);
  await Deno.mkdir(bundle);
  await Deno.writeTextFile(`${bundle}/variables.json`, JSON.stringify({ variables }));
  await run([Deno.execPath(), "bundle", "--quiet", "--platform=deno", "-o", `${bundle}/main.js`, program], {
    cwd: root,
  });
  const output = `${folder}/rackseed`;
  await compileBundle(bundle, {
    include: ["variables.json"],
    unstable: ["net"],
    compiler: await findCompiler({ cache }),
    output,
  });
  return output;
}
