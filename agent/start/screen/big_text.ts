/** Characters of 5 × 7 pixels out of half blocks, for a screen that is read from across a room. Pure. */

/** Columns of a character, each a hexadecimal byte whose lowest bit is the top. */
const GLYPHS: Readonly<Record<string, string>> = {
  " ": "0000000000",
  "!": "00005f0000",
  "%": "2313086462",
  "-": "0808080808",
  ".": "0060600000",
  "/": "2010080402",
  "0": "3e5149453e",
  "1": "00427f4000",
  "2": "4261514946",
  "3": "2141454b31",
  "4": "1814127f10",
  "5": "2745454539",
  "6": "3c4a494930",
  "7": "0171090503",
  "8": "3649494936",
  "9": "064949291e",
  ":": "0036360000",
  "?": "0201510906",
  "@": "324979413e",
  A: "7e1111117e",
  B: "7f49494936",
  C: "3e41414122",
  D: "7f4141221c",
  E: "7f49494941",
  F: "7f09090901",
  G: "3e4149497a",
  H: "7f0808087f",
  I: "00417f4100",
  J: "2040413f01",
  K: "7f08142241",
  L: "7f40404040",
  M: "7f020c027f",
  N: "7f0408107f",
  O: "3e4141413e",
  P: "7f09090906",
  Q: "3e4151215e",
  R: "7f09192946",
  S: "4649494931",
  T: "01017f0101",
  U: "3f4040403f",
  V: "1f2040201f",
  W: "3f4038403f",
  X: "6314081463",
  Y: "0708700807",
  Z: "6151494543",
  _: "4040404040",
};
const PITCH = 6;

/** Columns that the text takes, at scale 1. */
export function bigWidth(text: string): number {
  return Math.max(0, text.length * PITCH - 1);
}

/** Rows of `▀▄█` and spaces: four of them at scale 1. A character without a glyph becomes "?". */
export function bigText(text: string, { scale = 1 }: { scale?: number } = {}): string[] {
  const columns = [...text.toUpperCase()].flatMap((character) => {
    const hex = GLYPHS[character] ?? GLYPHS["?"] ?? "";
    return [0, 1, 2, 3, 4].map((i) => parseInt(hex.slice(2 * i, 2 * i + 2), 16)).concat(0);
  });
  const pixels = Array.from(
    { length: 8 },
    (_, y) => columns.slice(0, -1).map((column) => (column >> y & 1) === 1),
  );
  return halfBlocks(scaled(pixels, scale));
}

/** Two rows of pixels in each row of text. */
export function halfBlocks(pixels: readonly (readonly boolean[])[]): string[] {
  return Array.from({ length: Math.ceil(pixels.length / 2) }, (_, row) => {
    const upper = pixels[2 * row] ?? [], lower = pixels[2 * row + 1] ?? [];
    return Array.from(
      { length: upper.length },
      (_, x) => upper[x] ? lower[x] ? "█" : "▀" : lower[x] ? "▄" : " ",
    ).join("");
  });
}

export function scaled(pixels: readonly (readonly boolean[])[], scale: number): boolean[][] {
  return pixels.flatMap((row) => {
    const wide = row.flatMap((pixel) => new Array<boolean>(scale).fill(pixel));
    return Array.from({ length: scale }, () => wide);
  });
}
