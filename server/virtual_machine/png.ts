/** Screenshots: QEMU writes a portable pixmap (netpbm, ppm(5)), which becomes a PNG (PNG 1.2). */
import { crc32, deflateSync } from "node:zlib";

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
/** Greater screens are not the ones that we gave the machine. */
const MAX_SIDE = 8192;

/** @throws if it is no binary pixmap of 8 bits a channel. */
export function pngOf(ppm: Uint8Array): Uint8Array<ArrayBuffer> {
  const { width, height, start } = readHeader(ppm);
  const row = width * 3;
  // each row begins with its filter, 0 for none
  const raw = new Uint8Array((row + 1) * height);
  for (let y = 0; y < height; y++) {
    raw.set(ppm.subarray(start + y * row, start + (y + 1) * row), y * (row + 1) + 1);
  }
  const size = new Uint8Array(13);
  const view = new DataView(size.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  // 8 bits a channel, RGB; compression, filter and interlace are 0
  size.set([8, 2], 8);
  return new Uint8Array(Buffer.concat([
    new Uint8Array(SIGNATURE),
    chunk("IHDR", size),
    chunk("IDAT", deflateSync(raw)),
    chunk("IEND", new Uint8Array()),
  ]));
}

function readHeader(ppm: Uint8Array): { width: number; height: number; start: number } {
  const text = new TextDecoder("latin1").decode(ppm.subarray(0, 64));
  const found = /^P6\s+(\d{1,5})\s+(\d{1,5})\s+255\s/.exec(text);
  const width = Number(found?.[1]), height = Number(found?.[2]), start = found?.[0].length ?? 0;
  const isSound = found && width > 0 && height > 0 && width <= MAX_SIDE && height <= MAX_SIDE &&
    ppm.length === start + width * height * 3;
  if (!isSound) throw new Error("the picture of the screen is no pixmap of 8 bits a channel");
  return { width, height, start };
}

/** Length, type, data, and the CRC of the last two. */
function chunk(type: string, data: Uint8Array): Uint8Array {
  const whole = new Uint8Array(data.length + 12), view = new DataView(whole.buffer);
  view.setUint32(0, data.length);
  whole.set(new TextEncoder().encode(type), 4);
  whole.set(data, 8);
  view.setUint32(data.length + 8, crc32(whole.subarray(4, data.length + 8)));
  return whole;
}
