/** A PE32+ image of two sections, as systemd-stub has them, without code. */
import { SECTION_ENTRY_BYTES } from "../pe.ts";

const PE_AT = 0x80, OPTIONAL_BYTES = 240, ALIGNMENT = 512;

export function madeStub(
  { sdmagic = "#### LoaderInfo: systemd-stub 252.39-1~deb12u2 ####" }: { readonly sdmagic?: string },
): Uint8Array<ArrayBuffer> {
  const image = new Uint8Array(2 * ALIGNMENT + 2 * ALIGNMENT), view = new DataView(image.buffer);
  const sections = [{ name: ".text", data: new Uint8Array(100).fill(0x90) }, {
    name: ".sdmagic",
    data: new TextEncoder().encode(sdmagic),
  }];
  view.setUint16(0, 0x5a4d, true);
  view.setUint32(60, PE_AT, true);
  view.setUint32(PE_AT, 0x4550, true);
  const coff = PE_AT + 4, optional = coff + 20;
  view.setUint16(coff, 0x8664, true);
  view.setUint16(coff + 2, sections.length, true);
  view.setUint16(coff + 16, OPTIONAL_BYTES, true);
  view.setUint16(optional, 0x20b, true);
  view.setUint32(optional + 32, ALIGNMENT, true);
  view.setUint32(optional + 36, ALIGNMENT, true);
  view.setUint32(optional + 60, 2 * ALIGNMENT, true);
  view.setUint16(optional + 68, 10, true);
  view.setUint32(optional + 108, 16, true);
  sections.forEach(({ name, data }, i) => {
    const at = optional + OPTIONAL_BYTES + i * SECTION_ENTRY_BYTES, offset = (2 + i) * ALIGNMENT;
    image.set(new TextEncoder().encode(name), at);
    view.setUint32(at + 8, data.length, true);
    view.setUint32(at + 12, 0x4000 + i * 0x1000, true);
    view.setUint32(at + 16, ALIGNMENT, true);
    view.setUint32(at + 20, offset, true);
    image.set(data, offset);
  });
  view.setUint32(optional + 56, 0x6000, true);
  return image;
}
