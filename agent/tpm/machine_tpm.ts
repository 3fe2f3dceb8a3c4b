/** The machine's own TPM, and its firmware's log. */
import { mount } from "../sys/kernel.ts";
import { MS } from "../sys/mount.ts";
import { exists, firstLine } from "../sys/small_file.ts";
import type { Transmit } from "./command.ts";

/** The kernel keeps keys and sessions of each opener apart here. */
const DEVICE = "/dev/tpmrm0";
const SECURITY = "/sys/kernel/security";
const LOG = `${SECURITY}/tpm0/binary_bios_measurements`;
const MAX_LOG_BYTES = 4 << 20;
const MAX_RESPONSE_BYTES = 4096;

interface OpenTpm extends Disposable {
  readonly transmit: Transmit;
}

/** Undefined if there is no TPM 2.0, or it has no driver. */
export async function openMachineTpm(): Promise<OpenTpm | undefined> {
  if (await firstLine("/sys/class/tpm/tpm0/tpm_version_major") !== "2") return undefined;
  const device = await Deno.open(DEVICE, { read: true, write: true });
  return {
    // the kernel takes a command by one write, and gives its response by one read
    transmit: async (command) => {
      await device.write(command);
      const response = new Uint8Array(MAX_RESPONSE_BYTES);
      return response.subarray(0, await device.read(response) ?? 0);
    },
    [Symbol.dispose]: () => device.close(),
  };
}

/** Throws RangeError if the firmware has left no log. */
export async function readMachineLog(): Promise<Uint8Array<ArrayBuffer>> {
  if (!await exists(`${SECURITY}/tpm0`)) {
    mount({ source: "securityfs", target: SECURITY, type: "securityfs", flags: MS.NOSUID });
  }
  if (!await exists(LOG)) throw new RangeError("its firmware has left no log of what it measured");
  const log = await Deno.readFile(LOG);
  if (log.length > MAX_LOG_BYTES) throw new RangeError("its firmware's log is too long");
  return log;
}
