/**
 * Writes variables into the empty NVRAM file of OVMF, as if its setup had stored them (edk2:
 * MdeModulePkg/Include/Guid/VariableFormat.h).
 *
 *     firmware volume header, 72 bytes · variable store header, 28 bytes · variables, each at a multiple of 4
 *
 *     0  0x55aa  2 state  4 attributes  8 count  16 time  32 key index  36 name size  40 data size  44 vendor  60 name, data
 */
import { guidBytes, utf16 } from "../../boot/uki/signature_list.ts";

interface StoredVariable {
  readonly name: string;
  readonly vendor: string;
  readonly attributes: number;
  readonly value: Uint8Array;
}

const VARIABLES_AT = 100, HEADER_BYTES = 60, ADDED = 0x3f;

/** `nvram`: the content of OVMF_VARS_4M.fd, which is changed in place. */
export function storeVariables(nvram: Uint8Array, variables: readonly StoredVariable[]): void {
  const view = new DataView(nvram.buffer, nvram.byteOffset, nvram.byteLength);
  let at = VARIABLES_AT;
  if (view.getUint16(at, true) !== 0xffff) throw new Error("the NVRAM file holds variables already");
  for (const { name, vendor, attributes, value } of variables) {
    const text = utf16(`${name}\0`);
    nvram.fill(0, at, at + HEADER_BYTES);
    view.setUint16(at, 0x55aa, true);
    view.setUint8(at + 2, ADDED);
    view.setUint32(at + 4, attributes, true);
    view.setUint16(at + 16, 2000, true);
    nvram.set([1, 1], at + 18);
    view.setUint32(at + 36, text.length, true);
    view.setUint32(at + 40, value.length, true);
    nvram.set(guidBytes(vendor), at + 44);
    nvram.set(text, at + HEADER_BYTES);
    nvram.set(value, at + HEADER_BYTES + text.length);
    at = Math.ceil((at + HEADER_BYTES + text.length + value.length) / 4) * 4;
  }
}
