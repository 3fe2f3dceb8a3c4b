/** Asks shim on the clone's disk to trust the site's certificate; a person confirms it at the machine's next start. */
import { randomInt } from "node:crypto";
import { messageOf } from "#contract/errors.ts";
import { mokRequest, SHIM } from "../../../boot/uki/mok_request.ts";
import { parseSignatureLists } from "../../../boot/uki/signature_list.ts";
import type { TreeReader } from "../../tree/tree_files.ts";
import { VARIABLES, writeVariable } from "./secure_boot.ts";

const SALT = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/**
 * `shim`: what the firmware starts, in the tree. Returns what was done or why not, as text; undefined if shim trusts the
 * certificate already.
 */
export async function requestMok(
  certificate: Uint8Array,
  { tree, shim, folder = VARIABLES }: {
    readonly tree: TreeReader;
    readonly shim: string;
    /** Where efivarfs is. */
    readonly folder?: string;
  },
): Promise<string | undefined> {
  if (await isTrusted(certificate, folder)) return undefined;
  const manager = `${shim.slice(0, shim.lastIndexOf("/"))}/mmx64.efi`;
  if (await tree.kind(manager) !== "file") {
    return `shim is not asked to trust the site's certificate: there is no ${manager}`;
  }
  // digits are at the same place on most keyboards, whatever layout the firmware takes them for
  const password = Array.from({ length: 8 }, () => randomInt(10)).join("");
  const salt = Array.from({ length: 16 }, () => SALT[randomInt(SALT.length)]).join("");
  try {
    for (const { name, vendor, attributes, data } of mokRequest(certificate, { password, salt })) {
      writeVariable(`${folder}/${name}-${vendor}`, { attributes, data });
    }
  } catch (error) {
    return `shim is not asked to trust the site's certificate: the firmware did not take it (${
      messageOf(error)
    })`;
  }
  return "at its next start, shim asks at the console whether to trust the site's certificate: press a key within " +
    `10 seconds, choose Enroll MOK, Continue, Yes, type ${password}, choose Reboot`;
}

/** As far as it is known: only a shim that has started this machine tells. */
async function isTrusted(certificate: Uint8Array, folder: string): Promise<boolean> {
  const value = await Deno.readFile(`${folder}/MokListRT-${SHIM}`).catch(() => new Uint8Array(4));
  try {
    const wanted = certificate.toHex();
    return parseSignatureLists(value.subarray(4)).certificates.some((one) => one.toHex() === wanted);
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}
