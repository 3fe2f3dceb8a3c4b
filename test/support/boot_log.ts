/** Logs of what firmware measured, as agent/tpm/event_log.ts reads them. */
import { createHash } from "node:crypto";

export interface LogEntry {
  readonly pcr: number;
  readonly type: number;
  /** SHA-256, in hex. */
  readonly digest: string;
  readonly data: Uint8Array;
}

const SHA1 = { algorithm: 0x0004, bytes: 20 }, SHA256 = { algorithm: 0x000b, bytes: 32 };

/** The kind of event with which firmware says that it is done with itself. */
export const SEPARATOR: LogEntry = {
  pcr: 4,
  type: 4,
  digest: hashOf(new Uint8Array(4)),
  data: new Uint8Array(4),
};

export function textEvent(pcr: number, type: number, text: string): LogEntry {
  return { pcr, type, digest: hashOf(text), data: new TextEncoder().encode(text) };
}

export function hashOf(content: string | Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

/** With SHA-1 and SHA-256 digests, as firmware writes it. */
export function bootLog(entries: readonly LogEntry[]): Uint8Array<ArrayBuffer> {
  const algorithms = [SHA1, SHA256];
  const spec = Buffer.concat([
    Buffer.from("Spec ID Event03\0", "latin1"),
    u32(0),
    Buffer.from([0, 2, 0, 2]),
    u32(algorithms.length),
    ...algorithms.flatMap(({ algorithm, bytes }) => [u16(algorithm), u16(bytes)]),
    Buffer.from([0]),
  ]);
  return new Uint8Array(Buffer.concat([
    ...[u32(0), u32(3), Buffer.alloc(20), u32(spec.length), spec],
    ...entries.flatMap(({ pcr, type, digest, data }) => [
      ...[u32(pcr), u32(type), u32(algorithms.length)],
      ...[u16(SHA1.algorithm), Buffer.alloc(SHA1.bytes)],
      ...[u16(SHA256.algorithm), Buffer.from(digest, "hex")],
      ...[u32(data.length), data],
    ]),
  ]));
}

function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes;
}
