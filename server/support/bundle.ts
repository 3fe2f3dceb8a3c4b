/**
 * The archive of `rackseed support-bundle`: a pax tar, compressed by gzip (RFC 1952), with one folder:
 *
 *     rackseed-support/nodes.json
 *     rackseed-support/log.txt
 *     rackseed-support/missing.json      { PART: why it could not be had }
 */
import { gzipSync } from "node:zlib";
import { bytePathOfText } from "#contract/format/byte_path.ts";
import { messageOf } from "#contract/errors.ts";
import { encodeHeader } from "#tar/write_member.ts";
import { type KnownSecrets, withoutSecrets } from "./without_secrets.ts";

const FOLDER = "rackseed-support";
/** Of one member; the end is kept, since a log's end is what matters. */
const MAX_MEMBER_BYTES = 8 << 20;
const BLOCK = 512;

/** Names of members, and how to get each: a text, or a value to write as JSON. It may throw. */
export type BundleParts = Readonly<Record<string, () => unknown>>;

interface Bundle {
  readonly bytes: Uint8Array;
  /** Names of the parts that are missing. */
  readonly missing: readonly string[];
}

export async function makeBundle(
  parts: BundleParts,
  { secrets, now }: { secrets: KnownSecrets; now: Date },
): Promise<Bundle> {
  const members: Uint8Array[] = [], missing: Record<string, string> = {};
  const add = (name: string, value: unknown) => members.push(member(name, { value, secrets, now }));
  for (const [name, get] of Object.entries(parts)) {
    try {
      add(name, await get());
    } catch (error) {
      missing[name] = messageOf(error);
    }
  }
  add("missing.json", missing);
  const end = new Uint8Array(2 * BLOCK);
  return { bytes: gzipSync(Buffer.concat([...members, end])), missing: Object.keys(missing) };
}

function member(
  name: string,
  { value, secrets, now }: { value: unknown; secrets: KnownSecrets; now: Date },
): Uint8Array {
  const clean = withoutSecrets(value, secrets);
  const text = typeof clean === "string" ? clean : `${JSON.stringify(clean, undefined, 2)}\n`;
  const bytes = Buffer.from(text).subarray(-MAX_MEMBER_BYTES);
  const header = encodeHeader({
    type: "0",
    path: bytePathOfText(`${FOLDER}/${name}`),
    mode: 0o600,
    uid: 0,
    gid: 0,
    mtimeSec: Math.floor(now.getTime() / 1000),
    mtimeNs: 0,
    xattrs: [],
    sizeBytes: bytes.length,
  });
  return Buffer.concat([header, bytes, Buffer.alloc(-bytes.length & (BLOCK - 1))]);
}
