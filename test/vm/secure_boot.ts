/** Real firmware with Secure Boot, from power-on to the agent, by images that the site's key signed. */
import assert from "node:assert/strict";
import { dirname } from "node:path";
import { signatureLists, signVariable, VENDOR } from "../../boot/uki/signature_list.ts";
import { signerOf } from "../../boot/uki/signed_data.ts";
import { findCompiler } from "../../scripts/build/base_runtime.ts";
import { fetchBootPrograms } from "../../scripts/build/boot_programs.ts";
import { run } from "../../scripts/build/command.ts";
import { compileBundle } from "../../scripts/build/compile.ts";
import { secureQemuNeeds } from "../../scripts/lab/qemu.ts";
import { agentImage, bootImageNeeds, cloudKernel, makeBootImage } from "../support/boot_image.ts";
import { enrolmentEnds } from "../support/enrolling_program.ts";
import { agentReported } from "../support/order_service.ts";
import { powerOnSecurely, siteKey, storeSiteKey } from "../support/secure_machine.ts";
import { testWay, type Way } from "./boot_way.ts";

const cache = new URL("../../.cache", import.meta.url).pathname;
/** Of the kernel, when the firmware has let it start. */
const STARTED = ["UEFI Secure Boot is enabled", "Linux version"];
const REFUSED = /Access Denied|Security Violation/;

function testSecureWay(
  way: Pick<Way, "way" | "ends"> & { readonly fn: (folder: string) => Promise<number> },
): void {
  testWay({
    ...way,
    firmware: "UEFI (OVMF), Secure Boot",
    needs: {
      root: true,
      programs: [...secureQemuNeeds.programs, ...bootImageNeeds.programs],
      files: secureQemuNeeds.files,
    },
    async fn(folder) {
      await fetchBootPrograms(`${cache}/boot-programs`, { scratch: `${cache}/boot-packages` });
      return await way.fn(folder);
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
  testSecureWay({
    way: `${httpBoot ? "HTTP boot" : "PXE"}, image signed by the firmware's only key`,
    ends: "first report",
    async fn(folder) {
      await storeSiteKey(folder);
      const until = [...STARTED, agentReported];
      const image = await agentImage();
      const { ms, said } = await powerOnSecurely({ folder, image, httpBoot, memoryMiB: 1536, until });
      assert.match(said, new RegExp(`asked ${httpBoot ? "http" : "tftp"} images/web@3/agent\\.efi`));
      assert.match(said, /decided select ack[^]*asked http agent\/52-54-00-78-00-0a/);
      return ms;
    },
  });
}

export function testRefusals(): void {
  testSecureWay({
    way: "HTTP boot, the same with another bit in its initramfs",
    ends: "refusal",
    async fn(folder) {
      await storeSiteKey(folder);
      const image = await kernelAlone(folder);
      const { ms, said } = await powerOnSecurely({ folder, image, spoils: true, until: [REFUSED] });
      assert.match(said, /asked http images\/web@3\/agent\.efi/);
      assert.doesNotMatch(said, /Linux version/);
      return ms;
    },
  });
  testSecureWay({
    way: "HTTP boot, not armed: iPXE signed by that key",
    ends: "own disk",
    async fn(folder) {
      await storeSiteKey(folder);
      return (await powerOnSecurely({ folder, until: ["no order for this machine"] })).ms;
    },
  });
}

/** Uses the agent's own code, in a program that does nothing else. */
export function testEnrolment(): void {
  testSecureWay({
    way: "HTTP boot in set-up mode; then with the keys it took",
    ends: "second start",
    async fn(folder) {
      const product = await enrollingProgram(folder);
      const made = await makeBootImage(folder, { product });
      const image = { kernel: made.kernel, initramfs: [made.agent.path, made.image.path] };
      const trial = { folder, image, memoryMiB: 1024 };
      const first = await powerOnSecurely({ ...trial, until: ["Linux version", enrolmentEnds] });
      assert.match(
        first.said,
        /SecureBoot 0, SetupMode 1\r?\noutcome: the site's Secure Boot key was set up in the firmware/,
      );
      const second = await powerOnSecurely({ ...trial, until: [...STARTED, enrolmentEnds] });
      assert.match(second.said, /SecureBoot 1, SetupMode 0\r?\noutcome: undefined/);
      const third = await powerOnSecurely({ ...trial, spoils: true, until: [REFUSED] });
      assert.doesNotMatch(third.said, /Linux version/);
      return second.ms;
    },
  });
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
