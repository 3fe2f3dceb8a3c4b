import { firstLine } from "../../sys/small_file.ts";
import type { ScreenSize } from "./node_screen.ts";

const VGA_TEXT: ScreenSize = { columns: 80, rows: 25 };
/** The kernel's usual font; it takes one of 16 × 32 on very large screens if it was built with it. */
const FONT = { width: 8, height: 16 };
const LARGE = { pixels: 3000, factor: 2 };

/** Of the kernel's own screen: a frame buffer's, or VGA text. */
export async function screenSize(): Promise<ScreenSize> {
  const text = await firstLine("/sys/class/graphics/fb0/virtual_size");
  const [width = 0, height = 0] = (text ?? "").split(",").map(Number);
  const factor = width > LARGE.pixels ? LARGE.factor : 1;
  const columns = Math.floor(width / FONT.width / factor), rows = Math.floor(height / FONT.height / factor);
  return columns >= VGA_TEXT.columns && rows >= VGA_TEXT.rows ? { columns, rows } : VGA_TEXT;
}
