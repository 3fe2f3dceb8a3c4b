/** Flips a bit of a file in place, since others may be reading it; flipping it again repairs the file. */
export function flipBit(path: string, at: number): void {
  using file = Deno.openSync(path, { read: true, write: true });
  const byte = new Uint8Array(1);
  file.seekSync(at, Deno.SeekMode.Start);
  file.readSync(byte);
  file.seekSync(at, Deno.SeekMode.Start);
  file.writeSync(byte.map((bits) => bits ^ 1));
}
