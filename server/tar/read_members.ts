/** The members of a tar, each with what the headers before it say: long names, extended headers, sparse maps. */
import type { BytePath } from "#contract/format/byte_path.ts";
import type { Attributes } from "#contract/format/entry.ts";
import { settingsOf } from "#contract/format/inode_flags.ts";
import type { ByteStream } from "./byte_stream.ts";
import { paxFields } from "./pax_fields.ts";
import { parsePax, type PaxRecords } from "./pax_records.ts";
import { joined, proveRuns, readGnuMap, readPaxMap } from "./sparse_map.ts";
import { BLOCK_BYTES, padded, parseHeader, type Run, type TarHeader, textIn } from "./ustar.ts";

/** A member as it was read. */
export interface Member extends Attributes {
  /** ustar's typeflag: "0" file, "1" hard link, "2" symlink … */
  readonly type: string;
  readonly linkPath: BytePath;
  readonly major: number;
  readonly minor: number;
  /** Holes included. */
  readonly sizeBytes: number;
  /** What is stored, in order: the data that follows in the stream. */
  readonly runs: readonly Run[];
}

/** Limit of one extended header or long name, and of all global headers together. */
const MAX_EXTRA_BYTES = 16 << 20;

/**
 * Calls `take` for every member. `take` may read the member's data (all runs, back to back) from the stream; what it
 * leaves is skipped. `note` receives what cannot be kept. Throws RangeError if the archive is malformed.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { bytePathOfText } from "#contract/format/byte_path.ts";
 * import { ByteStream } from "#tar/byte_stream.ts";
 * import { readMembers } from "#tar/read_members.ts";
 * import { END_BYTES } from "#tar/ustar.ts";
 * import { encodeHeader } from "#tar/write_member.ts";
 *
 * const owner = { mode: 0o755, uid: 0, gid: 0, mtimeSec: 0, mtimeNs: 0, xattrs: [] };
 * const header = encodeHeader({ type: "5", path: bytePathOfText("etc/"), sizeBytes: 0, ...owner });
 * const archive = ReadableStream.from([header, new Uint8Array(END_BYTES)]);
 * const paths: string[] = [];
 * await readMembers(new ByteStream(archive), {
 *   take: ({ path }) => Promise.resolve(void paths.push(path)),
 *   note: () => {},
 * });
 * assert.deepEqual(paths, ["etc/"]);
 * ```
 */
export async function readMembers(
  stream: ByteStream,
  { take, note }: { take: (member: Member) => Promise<void>; note: (text: string) => void },
): Promise<void> {
  const block = new Uint8Array(BLOCK_BYTES);
  let global: PaxRecords = [], local: PaxRecords = [];
  let globalBytes = 0;
  let longName: BytePath | undefined, longLink: BytePath | undefined;
  while (true) {
    await stream.readFully(block);
    const header = parseHeader(block);
    if (header === undefined) return;
    switch (header.type) {
      case "x":
        local = parsePax(await extra(stream, header));
        continue;
      case "g":
        globalBytes += header.sizeBytes;
        if (globalBytes > MAX_EXTRA_BYTES) throw new RangeError("global headers are too large");
        global = [...global, ...parsePax(await extra(stream, header))];
        continue;
      case "L":
        longName = textIn(await extra(stream, header));
        continue;
      case "K":
        longLink = textIn(await extra(stream, header));
        continue;
    }
    const records = [...global, ...local];
    const named = { ...header, name: longName ?? header.name, linkName: longLink ?? header.linkName };
    const { member, dataEnd } = await memberOf(stream, { header: named, records, note });
    await take(member);
    // what `take` has not read, and the padding
    await stream.skip(dataEnd - stream.consumed);
    local = [];
    longName = longLink = undefined;
  }
}

type Header = NonNullable<ReturnType<typeof parseHeader>>;

async function memberOf(
  stream: ByteStream,
  { header, records, note }: { header: Header; records: PaxRecords; note: (text: string) => void },
): Promise<{ member: Member; dataEnd: number }> {
  const gnu = header.sparse && await readGnuMap(stream, header.sparse);
  const fields = paxFields(records, note);
  const storedBytes = fields.sizeBytes ?? header.sizeBytes;
  const start = stream.consumed, end = start + storedBytes;
  const sparse = gnu ?? await readPaxMap(stream, { records, end });
  const inode = settingsOf(fields.inode);
  const member: Member = {
    type: header.type,
    path: sparse?.name ?? fields.path ?? header.name as BytePath,
    linkPath: fields.linkPath ?? header.linkName as BytePath,
    mode: header.mode,
    uid: fields.uid ?? header.uid,
    gid: fields.gid ?? header.gid,
    ...(fields.mtime ?? { mtimeSec: header.mtimeSec, mtimeNs: 0 }),
    xattrs: [...fields.xattrs].sort(([a], [b]) => a < b ? -1 : 1),
    ...(inode && { inode }),
    major: header.major,
    minor: header.minor,
    sizeBytes: sparse?.realBytes ?? storedBytes,
    runs: joined(sparse?.runs ?? [{ offset: 0, sizeBytes: storedBytes }]),
  };
  proveRuns(member.runs, { sizeBytes: member.sizeBytes, dataBytes: end - stream.consumed });
  return { member, dataEnd: start + padded(storedBytes) };
}

/** The data of an extended header or of a long name. */
async function extra(stream: ByteStream, { sizeBytes }: TarHeader): Promise<Uint8Array> {
  if (sizeBytes > MAX_EXTRA_BYTES) throw new RangeError("an extended header is too large");
  const data = new Uint8Array(padded(sizeBytes));
  await stream.readFully(data);
  return data.subarray(0, sizeBytes);
}
