/** Decoders of both ends of an rsync session. */
import fc from "fast-check";
import { readFileList } from "#rsync/file_list.ts";
import { encodeFileEntry, encodeListEnd } from "#rsync/file_list.ts";
import { FileIndexes } from "#rsync/file_indexes.ts";
import { type ByteSource, int32, long, readLong, readVarint, varint, WireError } from "#rsync/integers.ts";
import { type Duplex, RsyncStream } from "#rsync/stream.ts";
import { NO_SUMS, readLiterals, readSumHead } from "#rsync/transfer.ts";
import { receiveOver } from "../../../agent/install/fetch/rsync_client.ts";
import { transferChecksum } from "../../../server/rsync/content.ts";
import { parseFilterRule, passes } from "../../../server/rsync/filter_rules.ts";
import { parseArguments } from "../../../server/rsync/options.ts";
import { Refusal } from "../../../server/rsync/refusal.ts";
import { select } from "../../../server/rsync/selection.ts";
import { serveSession } from "../../../server/rsync/session.ts";
import { decoder } from "./decoder.ts";
import { refusesBy } from "./refusals.ts";

const text = (line: string) => new TextEncoder().encode(line);
const framed = (bytes: ArrayLike<number>) =>
  Uint8Array.from([bytes.length & 255, bytes.length >> 8, 0, 7, ...Array.from(bytes)]);
const refuses = refusesBy(WireError, Refusal);

/** A connection whose incoming bytes are known in advance; whatever is written is discarded. */
function saying(bytes: Uint8Array): Duplex {
  let at = 0;
  return {
    read(into) {
      if (at >= bytes.length) return Promise.resolve(null);
      const part = bytes.subarray(at, at + Math.min(into.length, 1000));
      into.set(part);
      at += part.length;
      return Promise.resolve(part.length);
    },
    write: (part) => Promise.resolve(part.length),
    closeWrite: () => Promise.resolve(),
    close: () => {},
  };
}

const LIMITS = { idleMs: 10_000, totalMs: 10_000, maxReadBytes: 1 << 20 };

async function over<T>(bytes: Uint8Array, talk: (stream: RsyncStream) => Promise<T>): Promise<T> {
  using stream = new RsyncStream(saying(bytes), LIMITS);
  return await talk(stream);
}

function sourceOf(bytes: Uint8Array): ByteSource {
  let at = 0;
  return {
    take(length) {
      if (at + length > bytes.length) throw new WireError("it closed the connection");
      at += length;
      return Promise.resolve(bytes.subarray(at - length, at));
    },
  };
}

const FILE = { name: "web@1.torrent", type: "file", sizeBytes: 20, modifiedSeconds: 1_700_000_000 } as const;
const files = [{ ...FILE, read: () => Promise.resolve(new Uint8Array(20)) }];

const clients = fc.constantFrom(27, 28, 29, 30, 31).map((protocol) => {
  const end = protocol >= 30 ? "\0" : "\n";
  const args = ["--server", "--sender", "-logDtprce.LsfxCIv", ".", "torrents/web*", "", ""].join(end).slice(
    0,
    -1,
  );
  const done = protocol >= 30 ? [0] : [255, 255, 255, 255];
  const ask = [...protocol >= 30 ? [2] : [1, 0, 0, 0], ...protocol >= 29 ? [0, 0x80] : []];
  const sums = [1, 0, 0, 0, 188, 2, 0, 0, 2, 0, 0, 0, 10, 0, 0, 0, 1, 2, 3, 4, 5, 6];
  const rules = [2, 0, 0, 0, 45, 120, 0, 0, 0, 0];
  const talk = [rules, [...ask, ...sums], done, done, done, done, done];
  const hello = text(`@RSYNCD: ${protocol}.0\ntorrents\n${args}`);
  return Uint8Array.from(
    [hello, ...talk.map((bytes) => protocol >= 30 ? framed(bytes) : bytes)].flatMap((part) =>
      Array.from(part)
    ),
  );
});

const list = (protocol: number) =>
  Buffer.concat([
    encodeFileEntry({ ...FILE, name: ".", type: "directory" }, { protocol }),
    encodeFileEntry(FILE, { protocol }),
    encodeListEnd({ protocol }),
  ]);
const server = fc.constantFrom("@RSYNCD: OK\n", "@ERROR: no such module\n", "hello\n@RSYNCD: OK\n").map(
  (answer) => {
    const one = Buffer.concat([encodeFileEntry(FILE, { protocol: 31 }), encodeListEnd({ protocol: 31 })]);
    const content = new Uint8Array(FILE.sizeBytes);
    const sum = transferChecksum(content, { protocol: 31, seed: 7 });
    const literal = [...int32(content.length), ...content, ...int32(0), ...sum];
    const item = [1, 0, 0x80, ...new Uint8Array(16), ...literal];
    return Uint8Array.from([
      ...text(`@RSYNCD: 31.0\n${answer}`),
      ...varint(0),
      ...int32(7),
      ...framed(one),
      ...framed(item),
      ...framed([0]),
      ...framed([0]),
    ]);
  },
);

/** All kinds of numbers of a protocol version, one after the other. */
function numbers(protocol: number): Uint8Array {
  return Uint8Array.from([
    protocol,
    ...new FileIndexes(protocol).encode(3),
    ...long(5_000_000_000, { protocol }),
    ...varint(77),
    ...NO_SUMS,
    ...int32(5),
    ...[1, 2, 3, 4, 5],
    ...int32(0),
  ]);
}

export const decoders = [
  decoder({
    name: "rsync daemon's client",
    inputs: clients,
    decode: (bytes) =>
      over(
        bytes,
        (stream) =>
          serveSession(stream, {
            files: () => files,
            limits: { handshakeMs: 10_000, transferMs: 10_000 },
            admit: () => true,
          }),
      ),
    refuses,
  }),
  decoder({
    name: "rsync client's server",
    inputs: server,
    decode: (bytes) =>
      over(
        bytes,
        (stream) => receiveOver(stream, { module: "torrents", file: FILE.name, maxBytes: 100_000 }),
      ),
    refuses,
  }),
  decoder({
    name: "rsync file list",
    inputs: fc.constantFrom(27, 29, 30, 31).map((protocol) => Uint8Array.from([protocol, ...list(protocol)])),
    decode: (bytes) =>
      readFileList(sourceOf(bytes.subarray(1)), { protocol: 27 + (bytes[0] ?? 0) % 5, maxEntries: 100 }),
    refuses,
  }),
  decoder({
    name: "rsync integers, indexes and sums",
    inputs: fc.constantFrom(27, 31).map(numbers),
    decode: async (bytes) => {
      const protocol = bytes[0] === 27 ? 27 : 31;
      const source = sourceOf(bytes.subarray(1));
      await new FileIndexes(protocol).read(source);
      await readLong(source, { protocol });
      await readVarint(source);
      await readSumHead(source);
      await readLiterals(source, { sizeBytes: 5 });
    },
    refuses,
  }),
  decoder({
    name: "rsync arguments, rules and patterns",
    inputs: fc.constantFrom(
      "--server\0--sender\0-logDtprze.iLsfxCIvu\0--timeout=5\0.\0torrents/web*",
      "--server\0--sender\0-H\0--checksum-seed=1\0--compress-choice=zlibx\0.\0torrents/\\*\0- *.tmp",
      "- **/x?\0+ /*.torrent\0-! a*b*c*d*e*f*g*h",
    ),
    decode: (line) => {
      const args = line.split("\0");
      const names = ["a".repeat(200), FILE.name];
      select(args, names);
      for (const rule of args) {
        try {
          passes(names[0] as string, [parseFilterRule(rule, { protocol: 31 })]);
        } catch (error) {
          if (!refuses(error)) throw error;
        }
      }
      return parseArguments(args, { protocol: 31 });
    },
    refuses,
  }),
];
