/**
 * Gives the site's Secure Boot key to a machine in set-up mode (UEFI 2.10 §32.3): the firmware then takes keys without
 * asking who sends them. From its next start on, the machine starts nothing that these keys do not trust.
 */
import type { SecureBootOrder } from "#contract/api/secure_boot.ts";
import { bytePathOfText } from "#contract/format/byte_path.ts";
import { messageOf, RackseedError } from "#contract/errors.ts";
import { refusedPrograms } from "#contract/format/boot_program.ts";
import { fileOfBytes } from "../../../boot/tftp/tftp_file.ts";
import { anchorOf, signaturesOf } from "../../../boot/uki/image_signatures.ts";
import { entriesToWrite } from "../../../boot/uki/signature_list.ts";
import { AT_FDCWD } from "../../sys/libc.ts";
import { unlockAt } from "../../tree/locks.ts";

export const VARIABLES = "/sys/firmware/efi/efivars";
const GLOBAL = "8be4df61-93ca-11d2-aa0d-00e098032b8c";

/**
 * Writes the variables, if the machine is in set-up mode and these keys trust all of `programs`, which the firmware is to
 * start next. Returns what was done or why not, as text; undefined if there was nothing to do.
 */
export async function enrolSecureBoot(
  { variables }: SecureBootOrder,
  { programs, folder = VARIABLES }: {
    readonly programs: readonly { readonly name: string; readonly content: Uint8Array | undefined }[];
    /** Where efivarfs is. */
    readonly folder?: string;
  },
): Promise<string | undefined> {
  if (variables.length === 0 || await valueOf("SetupMode", folder) !== 1) return undefined;
  const decoded = variables.map((variable) => ({ ...variable, data: Uint8Array.fromBase64(variable.data) }));
  const certificates = decoded.filter(({ name }) => name === "db")
    .flatMap(({ data }) => entriesToWrite(data).certificates);
  const refused = programs.find(({ content }) => content === undefined || !isTrusted(content, certificates));
  if (refused !== undefined) {
    return `Secure Boot stays in set-up mode: ${refused.name} has no signature that the site's keys trust`;
  }
  for (const { name, vendor, attributes, data } of decoded) {
    try {
      writeVariable(`${folder}/${name}-${vendor}`, { attributes, data });
    } catch (error) {
      return `Secure Boot stays in set-up mode: the firmware did not take ${name} (${messageOf(error)})`;
    }
  }
  if (await valueOf("SetupMode", folder) === 1) {
    return "Secure Boot stays in set-up mode, although the firmware took the site's keys";
  }
  return "the site's Secure Boot key was set up in the firmware";
}

/** The last byte of a variable with one byte; undefined if there is none. */
async function valueOf(name: string, folder: string): Promise<number | undefined> {
  const bytes = await Deno.readFile(`${folder}/${name}-${GLOBAL}`).catch(() => undefined);
  return bytes?.length === 5 ? bytes[4] : undefined;
}

/** Whether one of these certificates stands for a signature: a program that nobody signed would never start again. */
function isTrusted(program: Uint8Array, certificates: readonly Uint8Array[]): boolean {
  try {
    const found = signaturesOf(fileOfBytes(program), { name: "the loader" });
    const loader = { path: "/", checkedBy: "firmware" as const, ...found };
    return refusedPrograms([loader], { state: "on", db: certificates.map(anchorOf) }).length === 0;
  } catch (error) {
    if (error instanceof RackseedError) return false;
    throw error;
  }
}

/**
 * efivarfs takes attributes and value in one write. It forbids to change variables that a machine could not start
 * without; the flag lasts as long as the mount, so it need not be set again.
 */
export function writeVariable(
  path: string,
  { attributes, data }: { readonly attributes: number; readonly data: Uint8Array },
): void {
  const bytes = new Uint8Array(4 + data.length);
  new DataView(bytes.buffer).setUint32(0, attributes, true);
  bytes.set(data, 4);
  unlockAt(AT_FDCWD, bytePathOfText(path));
  using file = Deno.openSync(path, { write: true, create: true });
  const count = file.writeSync(bytes);
  if (count !== bytes.length) throw new Error(`it took ${count} of ${bytes.length} bytes`);
}
