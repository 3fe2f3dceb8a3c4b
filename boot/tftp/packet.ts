/** TFTP packets, RFC 1350 §5; options, RFC 2347. Numbers are big-endian, texts end with a NUL. */
export type TftpPacket =
  | { readonly kind: "read"; readonly name: string; readonly mode: string; readonly options: TftpOptions }
  | { readonly kind: "write"; readonly name: string }
  | { readonly kind: "ack"; readonly block: number }
  | { readonly kind: "error"; readonly code: number; readonly message: string };

/** Option values by lower-case name (names are not case-sensitive, RFC 2347). */
export type TftpOptions = ReadonlyMap<string, string>;

/** A malformed packet, or one that a client does not send. */
export class TftpFormatError extends Error {
  override readonly name = "TftpFormatError";
}

/** Error codes, RFC 1350 §5. */
export const ERROR = {
  undefined: 0,
  notFound: 1,
  accessViolation: 2,
  illegalOperation: 4,
  unknownTransferId: 5,
} as const;

/** The opcode and block number before a block's data. */
export const DATA_HEADER_BYTES = 4;

const OPCODE = { read: 1, write: 2, data: 3, ack: 4, error: 5, oack: 6 } as const;
/** RFC 2347 gives a request 512 bytes. */
const MAX_REQUEST_BYTES = 512;

/**
 *     1 RRQ   opcode name 0 mode 0 (option 0 value 0)…      4 ACK    opcode block
 *     2 WRQ   as RRQ                                        5 ERROR  opcode code message 0
 */
export function decodeTftp(bytes: Uint8Array): TftpPacket {
  if (bytes.length < 4) throw new TftpFormatError(`${bytes.length} bytes are too few`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const opcode = view.getUint16(0);
  switch (opcode) {
    case OPCODE.read:
    case OPCODE.write: {
      if (bytes.length > MAX_REQUEST_BYTES) throw new TftpFormatError("request longer than 512 bytes");
      const [name, mode, ...rest] = texts(bytes.subarray(2));
      if (name === undefined || mode === undefined) throw new TftpFormatError("request without name or mode");
      if (opcode === OPCODE.write) return { kind: "write", name };
      return { kind: "read", name, mode: mode.toLowerCase(), options: pairs(rest) };
    }
    case OPCODE.ack:
      return { kind: "ack", block: view.getUint16(2) };
    case OPCODE.error:
      return { kind: "error", code: view.getUint16(2), message: texts(bytes.subarray(4, 260))[0] ?? "" };
    default:
      throw new TftpFormatError(`opcode ${opcode}`);
  }
}

/** Writes the header of a DATA packet that already holds its data. Block numbers wrap at 65 536. */
export function writeDataHeader(packet: Uint8Array, block: number): void {
  packet[0] = 0;
  packet[1] = OPCODE.data;
  packet[2] = block >>> 8 & 0xff;
  packet[3] = block & 0xff;
}

export function encodeError(code: number, message: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.of(0, OPCODE.error, 0, code, ...new TextEncoder().encode(message), 0);
}

/** OACK, RFC 2347. */
export function encodeOack(options: TftpOptions): Uint8Array<ArrayBuffer> {
  const text = [...options].map(([name, value]) => `${name}\0${value}\0`).join("");
  return Uint8Array.of(0, OPCODE.oack, ...new TextEncoder().encode(text));
}

/** The NUL-terminated texts. The last one may lack its NUL, which some ROMs leave out. */
function texts(bytes: Uint8Array): string[] {
  const parts = new TextDecoder().decode(bytes).split("\0");
  if (parts.at(-1) === "") parts.pop();
  return parts;
}

function pairs(parts: readonly string[]): TftpOptions {
  const options = new Map<string, string>();
  for (let i = 0; i + 1 < parts.length; i += 2) {
    options.set((parts[i] as string).toLowerCase(), parts[i + 1] as string);
  }
  return options;
}
