/** Machines of QEMU with Secure Boot, which boot signed images from the boot services. */
import { makeSecureBootKey } from "../../boot/uki/secure_boot_key.ts";
import { type KeyVariable, signatureLists, VENDOR } from "../../boot/uki/signature_list.ts";
import { LabNetwork } from "../../scripts/lab/network.ts";
import { nvramPath, ovmf, VirtualMachine } from "../../scripts/lab/qemu.ts";
import { bootServiceAddress, type ServedImage } from "./boot_service.ts";
import { BootServiceProcess } from "./netboot_lab.ts";
import { agentReported, orderToken } from "./order_service.ts";
import { storeVariables } from "./ovmf_variables.ts";

const NAME = "node", MAC = "52:54:00:78:00:0a";
/** PK, KEK and db: non-volatile, at boot and run time, authenticated. */
const ATTRIBUTES = 0x27;
const FIRMWARE_MS = 900_000, KERNEL_MS = 300_000;
export const siteKey = makeSecureBootKey({ commonName: "Rackseed test" });

interface SecureBootTrial {
  /** The machine's NVRAM is kept here. */
  readonly folder: string;
  /** Undefined: the machine is not armed. */
  readonly image?: ServedImage;
  readonly spoils?: boolean;
  readonly httpBoot?: boolean;
  readonly memoryMiB?: number;
  /** On the serial console, or what the boot services print, one after the other. */
  readonly until: readonly (string | RegExp | typeof agentReported)[];
}

/** Gives the machine of this folder the site's key as its only one. `more`: further variables. */
export async function storeSiteKey(
  folder: string,
  { more = [] }: { readonly more?: Parameters<typeof storeVariables>[1] } = {},
): Promise<void> {
  const nvram = await Deno.readFile(ovmf.vars);
  const owner = "5b7a2c0e-5f0d-4c39-9a0b-7261636b7364";
  const value = signatureLists([{ owner, certificate: siteKey.certificate }]);
  const names: readonly KeyVariable[] = ["PK", "KEK", "db"];
  storeVariables(
    nvram,
    [...names.map((name) => ({ name, vendor: VENDOR[name], attributes: ATTRIBUTES, value })), ...more],
  );
  await Deno.writeFile(nvramPath(folder, NAME), nvram);
}

/** Powers the machine on, and waits for what is expected. */
export async function powerOnSecurely(
  { folder, image, spoils = false, httpBoot = true, memoryMiB = 512, until }: SecureBootTrial,
): Promise<{
  readonly ms: number;
  /** What stood on its serial console, and what the boot services said. */
  readonly said: string;
}> {
  const scratch = await Deno.makeTempDir({ dir: folder });
  const serialLog = `${scratch}/serial.log`, log = `${scratch}/services.log`;
  await using network = await LabNetwork.create({ address: `${bootServiceAddress}/24` });
  const { token, pin } = await orderToken(folder);
  const certificate = siteKey.certificate.toBase64();
  await using services = await BootServiceProcess.start(network, {
    log,
    options: {
      transport: "http",
      secureBoot: false,
      tells: true,
      orders: folder,
      signing: { privateKey: siteKey.privateKey, certificate, pin, spoils },
      images: image === undefined ? {} : { "web@3": image },
      ...(image && { node: { armed: { image: "web@3", token } } }),
    },
  });
  await using machine = await VirtualMachine.start({
    name: NAME,
    firmware: "uefi",
    secureBoot: "set-up",
    httpBoot,
    network,
    mac: MAC,
    disks: [],
    folder,
    serialLog,
    memoryMiB,
    bootOrder: "network-first",
  });
  let timeoutMs = FIRMWARE_MS;
  try {
    for (const line of until) {
      const from = line === agentReported ? services.output : machine.serial;
      await from.expect(line, { timeoutMs });
      timeoutMs = KERNEL_MS;
    }
  } catch (error) {
    throw new Error(`${machine.serial.tail()}\n${await Deno.readTextFile(log)}`, { cause: error });
  }
  const ms = performance.now() - machine.startedMs;
  return { ms, said: `${await Deno.readTextFile(serialLog)}\n${await Deno.readTextFile(log)}` };
}
