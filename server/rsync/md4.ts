/**
 * MD4 (RFC 1320), the checksum of rsync's protocols before 30. It is broken as a cryptographic hash, but protects
 * nothing here: the client only checks that it received what was sent. OpenSSL 3 no longer has it.
 */

/** RFC 1320 §3.4: the word order, the shifts and the constant of each round. */
const ROUNDS = [
  { words: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15], shifts: [3, 7, 11, 19], add: 0 },
  { words: [0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15], shifts: [3, 5, 9, 13], add: 0x5a827999 },
  { words: [0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15], shifts: [3, 9, 11, 15], add: 0x6ed9eba1 },
];
const BLOCK_BYTES = 64;

/** The 16-byte digest of the concatenated parts. */
export function md4(...parts: readonly Uint8Array[]): Uint8Array {
  const message = padded(Buffer.concat(parts));
  const view = new DataView(message.buffer);
  const state = Uint32Array.of(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476);
  const words = new Uint32Array(BLOCK_BYTES / 4);
  for (let at = 0; at < message.length; at += BLOCK_BYTES) {
    for (let i = 0; i < words.length; i++) words[i] = view.getUint32(at + 4 * i, true);
    addBlock(state, words);
  }
  const digest = new DataView(new ArrayBuffer(16));
  state.forEach((word, i) => digest.setUint32(4 * i, word, true));
  return new Uint8Array(digest.buffer);
}

/** RFC 1320 §3.1, §3.2: appends a 1 bit, zeros, and the length in bits, to fill whole blocks. */
function padded(bytes: Uint8Array): Uint8Array {
  const blocks = Math.ceil((bytes.length + 9) / BLOCK_BYTES);
  const message = new Uint8Array(blocks * BLOCK_BYTES);
  message.set(bytes);
  message[bytes.length] = 0x80;
  new DataView(message.buffer).setBigUint64(message.length - 8, BigInt(bytes.length) * 8n, true);
  return message;
}

function addBlock(state: Uint32Array, block: Uint32Array): void {
  let [a, b, c, d] = state as unknown as [number, number, number, number];
  ROUNDS.forEach(({ words, shifts, add }, round) => {
    words.forEach((word, step) => {
      const mixed = round === 0 ? b & c | ~b & d : round === 1 ? b & c | b & d | c & d : b ^ c ^ d;
      const sum = (a + mixed + (block[word] as number) + add) | 0;
      const shift = shifts[step % 4] as number;
      [a, b, c, d] = [d, sum << shift | sum >>> (32 - shift), b, c];
    });
  });
  [a, b, c, d].forEach((word, i) => state[i] = (state[i] as number) + word);
}
