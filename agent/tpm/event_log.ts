/**
 * The firmware's log of what it measured, as the kernel shows it in binary_bios_measurements (TCG PC Client Platform
 * Firmware Profile §10; numbers are little-endian):
 *
 *     first event  PCR 4 | type 4 | SHA-1 20 | size 4 | "Spec ID Event03\0" … count 4 | (algorithm 2 | size 2)×count …
 *     others       PCR 4 | type 4 | count 4 | (algorithm 2 | digest)×count | size 4 | data
 *
 * Pure. Only the PCR proves anything: the server extends the digests one by one and compares.
 */
import { createHash } from "node:crypto";
import { TPM_ALG } from "#contract/tpm/public_key.ts";

interface LoggedEvent {
  /** SHA-256, in hex. */
  readonly digest: string;
  /** Present if the digest is the hash of this text. */
  readonly text?: string;
}

const EV_NO_ACTION = 3;
const SIGNATURE = "Spec ID Event03\0";
const FIRST_HEAD_BYTES = 32;
const MAX_ALGORITHMS = 16;
const MAX_TEXT = 200;

/** The events of this PCR that extended it, of the SHA-256 bank, in their order. Throws RangeError. */
export function eventsOf(log: Uint8Array, pcr: number): LoggedEvent[] {
  const reader = new LogReader(log), sizes = algorithms(reader), events: LoggedEvent[] = [];
  while (!reader.isAtEnd) {
    const of = reader.u32(), type = reader.u32();
    const digests = readDigests(reader, sizes), data = reader.take(reader.u32());
    if (of !== pcr || type === EV_NO_ACTION) continue;
    const digest = digests.get(TPM_ALG.sha256);
    if (digest === undefined) throw new RangeError("the firmware's log has no SHA-256 digests");
    events.push({ digest, ...textOf(data, digest) });
  }
  return events;
}

/** Sizes of digests by algorithm. */
function algorithms(reader: LogReader): ReadonlyMap<number, number> {
  reader.take(FIRST_HEAD_BYTES - 4);
  const head = new LogReader(reader.take(reader.u32()));
  if (new TextDecoder("latin1").decode(head.take(SIGNATURE.length)) !== SIGNATURE) {
    throw new RangeError("the firmware's log has only SHA-1 digests");
  }
  head.take(8); // platform class, version of the specification, size of UINTN
  const count = head.u32();
  if (count > MAX_ALGORITHMS) throw new RangeError("the firmware's log has too many kinds of digests");
  return new Map(Array.from({ length: count }, () => [head.u16(), head.u16()]));
}

function readDigests(reader: LogReader, sizes: ReadonlyMap<number, number>): Map<number, string> {
  const count = reader.u32();
  if (count > MAX_ALGORITHMS) throw new RangeError("an event of the firmware's log has too many digests");
  const digests = new Map<number, string>();
  for (let i = 0; i < count; i++) {
    const algorithm = reader.u16(), size = sizes.get(algorithm);
    if (size === undefined) throw new RangeError(`the firmware's log does not explain its digests`);
    digests.set(algorithm, Buffer.from(reader.take(size)).toString("hex"));
  }
  return digests;
}

function textOf(data: Uint8Array, digest: string): { text?: string } {
  if (data.length === 0 || data.length > MAX_TEXT) return {};
  if (createHash("sha256").update(data).digest("hex") !== digest) return {};
  const text = new TextDecoder("latin1").decode(data);
  return /^[\x20-\x7e]+$/.test(text) ? { text } : {};
}

class LogReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  u16(): number {
    return this.#view.getUint16(this.#skip(2), true);
  }

  u32(): number {
    return this.#view.getUint32(this.#skip(4), true);
  }

  take(length: number): Uint8Array {
    const at = this.#skip(length);
    return this.#bytes.subarray(at, at + length);
  }

  #skip(length: number): number {
    const at = this.#at;
    if (at + length > this.#bytes.length) {
      throw new RangeError("the firmware's log ends in the middle of an event");
    }
    this.#at += length;
    return at;
  }
}
