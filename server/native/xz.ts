/**
 * Decompresses .xz files with the machine's liblzma, off the thread that answers requests. The runtime has no decoder.
 * Signature: lzma/container.h (XZ Utils 5).
 */
import { RackseedError } from "#contract/errors.ts";

const LZMA_OK = 0, LZMA_BUF_ERROR = 10;
/** A decoder's dictionary is at most 64 MiB, for the highest preset (xz(1)). */
const MEMORY_LIMIT = 128n << 20n;

type Decode = (
  limit: BigUint64Array,
  flags: number,
  allocator: null,
  input: Uint8Array,
  inputAt: BigUint64Array,
  inputBytes: bigint,
  output: Uint8Array,
  outputAt: BigUint64Array,
  outputBytes: bigint,
) => Promise<number>;

let decode: Decode | undefined;

function load(): Decode {
  try {
    const { symbols } = Deno.dlopen("liblzma.so.5", {
      lzma_stream_buffer_decode: {
        parameters: [
          ...["buffer", "u32", "pointer", "buffer", "buffer"] as const,
          ...["usize", "buffer", "buffer", "usize"] as const,
        ],
        result: "u32",
        nonblocking: true,
      },
    });
    return symbols.lzma_stream_buffer_decode as unknown as Decode;
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    throw new RackseedError("cannot read files compressed with xz", {
      reason: "this machine lacks the library liblzma.so.5.",
      remedy: "install liblzma5 (RHEL: xz-libs) on the image server.",
    });
  }
}

/**
 * @returns undefined if the data is malformed, or larger than `maxBytes` when decompressed
 * @throws RackseedError if the machine has no liblzma
 */
export async function xzDecompress(
  packed: Uint8Array,
  { maxBytes }: { maxBytes: number },
): Promise<Uint8Array | undefined> {
  decode ??= load();
  // the format states no size up front
  for (let room = Math.max(64 << 10, packed.length * 8);; room *= 4) {
    const out = new Uint8Array(Math.min(room, maxBytes));
    // the limit, and the positions in input and output; one buffer, so that reading it below keeps all three alive
    const numbers = new BigUint64Array([MEMORY_LIMIT, 0n, 0n]);
    const [limit, inputAt, outAt] = [numbers.subarray(0, 1), numbers.subarray(1, 2), numbers.subarray(2, 3)];
    const result = await decode(
      ...[limit, 0, null] as const,
      ...[packed, inputAt, BigInt(packed.length)] as const,
      ...[out, outAt, BigInt(out.length)] as const,
    );
    if (result === LZMA_OK) {
      return Number(numbers[1]) === packed.length ? out.subarray(0, Number(numbers[2])) : undefined;
    }
    if (result !== LZMA_BUF_ERROR || out.length === maxBytes) return undefined;
  }
}
