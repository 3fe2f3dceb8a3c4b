/** Decoders of data from an image, a template's agent and a node's disk. */
import { createHash } from "node:crypto";
import { zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { z } from "zod";
import {
  type BytePath,
  bytePathOf,
  confinedPath,
  displayPath,
  fromJsonPath,
  type JsonPath,
  textOf,
} from "#contract/format/byte_path.ts";
import { parseFrameEntry, parseHashedEntry } from "#contract/format/entry.ts";
import { EntryPatch } from "#contract/format/entry_changes.ts";
import { decodeCuts, encodeCut, openCut } from "#contract/format/extent_answer.ts";
import { encodeFrameUpload } from "#contract/format/frame_upload.ts";
import { linesOf } from "#contract/format/lines.ts";
import { decodeManifest, parseHeader } from "#contract/format/manifest.ts";
import { sealedLengths } from "#contract/format/sealed.ts";
import { decodeFrameUpload } from "#contract/format/testing/decode_frame_upload.ts";
import { open } from "#native/open_sealed.ts";
import { seal } from "#native/testing/seal.ts";
import { parseFstab, resolveSpec } from "../../../agent/disk_references/fstab.ts";
import { encodeCache, PastCapture } from "../../../agent/capture/cache/past_capture.ts";
import { ByteStream } from "#tar/byte_stream.ts";
import { readMembers } from "#tar/read_members.ts";
import { paxFields } from "#tar/pax_fields.ts";
import { parsePax } from "#tar/pax_records.ts";
import { formatAcl, parseAcl } from "#tar/posix_acl.ts";
import { decodeIndex, encodeIndex } from "../../../agent/install/records/content_index.ts";
import { padding } from "#tar/ustar.ts";
import { encodeHeader } from "#tar/write_member.ts";
import { decoder, type FuzzedDecoder } from "./decoder.ts";

const utf8 = (text: string) => new TextEncoder().encode(text);
const SHA = "A".repeat(43);

/** This product rejects with RangeError; JSON and zod have errors of their own. */
const isRefusal = (error: unknown) =>
  error instanceof RangeError || error instanceof SyntaxError || error instanceof z.ZodError;
/** zlib's errors have a code, AES-GCM's are plain: sealed data was changed. */
const isUnsealed = (error: unknown) =>
  isRefusal(error) || error instanceof Error && (error.constructor === Error || "code" in error);

/** Numbers that hostile JSON may contain. */
const oddNumber = fc.constantFrom<unknown>(
  ...[0, -0, -1, 1, 0.5, 2 ** 31, 2 ** 32, 2 ** 53, -(2 ** 53), 1e308, null, true, "1", "", [], {}],
);
const nested = fc.integer({ min: 1, max: 20_000 }).map((depth) => "[".repeat(depth) + "]".repeat(depth));
const longText = fc.integer({ min: 0, max: 300_000 }).map((length) => "A".repeat(length));

/** A JSON object, half the time with some members replaced by invalid ones. */
function attackedJson(model: Record<string, unknown>): fc.Arbitrary<string> {
  const keys = Object.keys(model);
  const attack = fc.oneof(
    oddNumber.map((value) => JSON.stringify(value)),
    nested,
    longText.map((text) => JSON.stringify(text)),
    fc.json({ maxDepth: 4 }),
    fc.constant('{"__proto__":{"polluted":1}}'),
  );
  const attacks = fc.array(fc.tuple(fc.constantFrom(...keys), attack), { maxLength: 3 });
  return fc.oneof(fc.constant([]), attacks).map((attacks) => {
    const members = new Map(keys.map((key) => [key, JSON.stringify(model[key])]));
    for (const [key, value] of attacks) members.set(key, value);
    return `{${[...members].map(([key, value]) => `${JSON.stringify(key)}:${value}`).join(",")}}`;
  });
}

const fileEntry = {
  type: "file",
  path: "a/b",
  mode: 420,
  uid: 0,
  gid: 0,
  mtime: [1, 2],
  xattrs: { "user.x": "QQ==" },
  flags: "ia",
  project: 7,
  size: 10,
  extents: [[0, 10, SHA]],
};
const entries = fc.oneof(
  attackedJson(fileEntry),
  attackedJson({ ...fileEntry, type: "char", device: [1, 3] }),
  attackedJson({ ...fileEntry, type: "symlink", target: "x" }),
  attackedJson({ type: "link", path: { base64: "/w==" }, target: "a" }),
  longText.map((text) => JSON.stringify({ ...fileEntry, xattrs: { "user.x": text } })),
  longText.map((text) => JSON.stringify({ ...fileEntry, path: { base64: text } })),
);

const header = {
  format: "rackseed-manifest",
  formatVersion: 1,
  image: "web",
  version: 1,
  created: "2026-01-01T00:00:00Z",
  excludes: [],
  notes: [],
  frames: 1,
  totals: { entries: 2, files: 1, fileBytes: 10, extentBytes: 10, sealedBytes: 10 },
  packs: [{ sha256: "0".repeat(64), sizeBytes: 100 }],
};
const manifestLines: Record<string, unknown>[] = [
  header,
  { pack: 0, at: 0, size: 50, raw: 10, extents: [[SHA, 0, 10]] },
  { ...fileEntry, type: "directory", path: "" },
  { ...fileEntry, path: "a", extents: [[0, 0, 0]] },
];
/** Attacks a single line, since a second fault would never be reached. */
const manifests = fc.nat(manifestLines.length - 1).chain((attacked) =>
  fc.tuple(
    ...manifestLines.map((model, i) =>
      i === attacked ? attackedJson(model) : fc.constant(JSON.stringify(model))
    ),
  )
).map((lines) => utf8(`${lines.join("\n")}\n`));

const key = new Uint8Array(32).fill(7);
/** A message with the u32 at one of these offsets replaced. */
function lengthsAttacked(bytes: Uint8Array, places: readonly number[]): fc.Arbitrary<Uint8Array> {
  const values = fc.constantFrom(
    0,
    1,
    0x7fffffff,
    0x80000000,
    0x80000001,
    0xffffffff,
    4 << 20,
    (4 << 20) + 1,
  );
  return fc.array(fc.tuple(fc.constantFrom(...places), values), { maxLength: 3 }).map((attacks) => {
    const out = new Uint8Array(bytes);
    for (const [at, value] of attacks) new DataView(out.buffer).setUint32(at, value);
    return out;
  });
}

const sealed = seal(utf8("content ".repeat(100)), { key, level: 3 });
const upload = encodeFrameUpload([
  { sha256: new Uint8Array(32), content: utf8("abc") },
  { sha256: new Uint8Array(32).fill(1), content: utf8("defg") },
]);
const cuts = Buffer.concat([
  encodeCut(zstdCompressSync(utf8("abcdefg"))),
  encodeCut(zstdCompressSync(utf8("hijklmn"))),
]);
const index = encodeIndex({
  manifest: "a".repeat(64),
  entries: [undefined, { inode: 5n, ctimeSec: -1, ctimeNs: 999, sum: 7 }],
});
const indexRehashed = lengthsAttacked(index, [0, 4, 40, 44, 72, 96]).map((bytes) => {
  const body = bytes.subarray(0, -32);
  return Buffer.concat([body, createHash("sha256").update(body).digest()]);
});
const memory = encodeCache({
  capture: "c",
  root: "/",
  amount: { files: 1, bytes: 1 },
  entries: [{ path: bytePathOf(utf8("a")), line: JSON.stringify(fileEntry) }],
});
const memories = fc.oneof(
  fc.constant(memory),
  fc.tuple(
    attackedJson({ format: "rackseed-capture-memory", formatVersion: 3, capture: "c", root: "/" }),
    fc.string(),
  )
    .map(([head, rest]) => {
      const content = zstdCompressSync(utf8(`${head}\n${rest}\n`));
      return Buffer.concat([createHash("sha256").update(content).digest(), content]);
    }),
);

const record = (name: string, value: string) => {
  const rest = ` ${name}=${value}\n`;
  let length = rest.length + 1;
  while (String(length).length + rest.length > length) length++;
  return `${length}${rest}`;
};
const PAX_KEYS = [
  ...["path", "linkpath", "size", "uid", "gid", "mtime", "GNU.sparse.major", "GNU.sparse.realsize"],
  ...["GNU.sparse.size", "GNU.sparse.map", "GNU.sparse.offset", "GNU.sparse.numbytes", "GNU.sparse.name"],
  ...["SCHILY.xattr.user.x", "LIBARCHIVE.xattr.%E0%A4%A", "SCHILY.acl.access", "SCHILY.fflags"],
  ...["RACKSEED.flags", "RACKSEED.xflags", "RACKSEED.project", "RACKSEED.later", "hdrcharset"],
];
const PAX_VALUES = [
  ...["", "0", "1", "-1", "1.5", "1e9", "0x10", "9007199254740993", "4294967296", "99999999999999999999"],
  ...[
    "0,1,2,3",
    "1,2,3",
    "0,512",
    "9007199254740991,9007199254740991",
    "../../etc",
    "/",
    "a\0b",
    "ia",
    "schg,,x",
  ],
  ...["user::rwx", "user:x:rwx:5", "user:1000:r--\n\n,,mask::---"],
];
const paxBodies = fc.oneof(
  fc.array(fc.tuple(fc.constantFrom(...PAX_KEYS), fc.constantFrom(...PAX_VALUES)), { maxLength: 8 })
    .map((pairs) => pairs.map(([name, value]) => record(name, value)).join("")),
  fc.tuple(fc.constantFrom("0", "-5", "1e3", "", "99999999999", "7", "0x7"), fc.string())
    .map(([length, rest]) => `${length} path=${rest}\n`),
  longText,
);

const BASE = { mode: 0o644, uid: 0, gid: 0, mtimeSec: 1, mtimeNs: 0, xattrs: [] };
function tarMember(type: string, body: Uint8Array): Uint8Array {
  const path = bytePathOf(utf8("member"));
  const head = new Uint8Array(encodeHeader({ ...BASE, path, type: "0", sizeBytes: body.length }));
  head[156] = type.charCodeAt(0);
  return Buffer.concat([withChecksum(head), body, padding(body.length)]);
}

function withChecksum(head: Uint8Array): Uint8Array {
  head.fill(0x20, 148, 156);
  const sum = head.reduce((a, b) => a + b, 0);
  head.set(utf8(`${sum.toString(8).padStart(6, "0")}\0 `), 148);
  return head;
}

const TYPES = [..."01234567SDVLKxg?"];
/** Fields at these offsets, with their lengths. */
const FIELDS = [
  [100, 8],
  [108, 8],
  [116, 8],
  [124, 12],
  [136, 12],
  [329, 8],
  [337, 8],
  [386, 12],
  [398, 12],
  [482, 1],
  [483, 12],
] as const;
const FIELD_VALUES = [[0x80], [0x80, 0, 0, 0, 0xff, 0xff, 0xff, 0xff], [0xff], [0x2d, 0x31], [0x37], [0x39], [
  0,
], [1]];
const tarHeads = fc.tuple(
  fc.constantFrom(...TYPES),
  fc.array(fc.tuple(fc.constantFrom(...FIELDS), fc.constantFrom(...FIELD_VALUES)), { maxLength: 4 }),
).map(([type, changes]) => {
  const head = new Uint8Array(tarMember(type, new Uint8Array(0)));
  for (const [[at, width], value] of changes) {
    head.set([...value, ...Array(12).fill(0x37)].slice(0, width), at);
  }
  return withChecksum(head);
});
const sparseMaps = fc.constantFrom(
  "1\n0\n1\n",
  "99999999\n",
  "-1\n",
  `${"7".repeat(100_000)}`,
  "2\n0\n512\n0\n512\n",
  "\n",
);
const tars = fc.array(
  fc.oneof(
    tarHeads,
    paxBodies.map((body) => tarMember("x", utf8(body))),
    paxBodies.map((body) => tarMember("g", utf8(body))),
    longText.map((text) => tarMember("L", utf8(text))),
    sparseMaps.map((map) =>
      Buffer.concat([
        tarMember("x", utf8(record("GNU.sparse.major", "1") + record("GNU.sparse.realsize", "1024"))),
        tarMember("0", utf8(map)),
      ])
    ),
    fc.uint8Array({ maxLength: 600 }),
  ),
  { maxLength: 8 },
).map((parts) => new Uint8Array(Buffer.concat([...parts, new Uint8Array(1024)])));

async function* inChunks(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 700) yield bytes.subarray(at, at + 700);
}

async function readTar(bytes: Uint8Array): Promise<void> {
  const stream = new ByteStream(ReadableStream.from(inChunks(bytes)));
  try {
    await readMembers(stream, { take: () => Promise.resolve(), note: () => {} });
  } finally {
    await stream.cancel();
  }
}

const parent = [
  JSON.stringify({ ...fileEntry, type: "directory", path: "" }),
  JSON.stringify({ ...fileEntry, path: "a" }),
];
const changes = fc.array(
  fc.oneof(
    fc.constantFrom(
      '{"keep":1}',
      '{"drop":1}',
      '{"keep":9999999999}',
      '{"drop":9999999999}',
      '{"keep":0}',
      '{"keep":-1}',
    ),
    entries,
  ),
  { maxLength: 5 },
);

const paths = fc.oneof(
  fc.string({ unit: "binary", maxLength: 300 }),
  fc.array(fc.constantFrom("..", ".", "", "a", "\0", "\xff", "x".repeat(256)), { maxLength: 40 }).map((p) =>
    p.join("/")
  ),
  fc.integer({ min: 0, max: 100_000 }).map((n) => "/".repeat(n)),
  longText,
);

const fstabs = fc.array(
  fc.oneof(
    fc.constantFrom(
      "UUID=a / ext4 defaults 0 1",
      "/dev/sda1 /boot ext4",
      "# x",
      "LABEL=x /a\\040b auto bind",
      "none swap swap",
    ),
    fc.tuple(fc.constantFrom("/dev/sda1 ", "UUID= ", "LABEL="), fc.integer({ min: 0, max: 300_000 }))
      .map(([spec, n]) => `${spec}${"/".repeat(n)}x ext4`),
    fc.integer({ min: 0, max: 300_000 }).map((n) => `${" ".repeat(n)}#`),
    fc.integer({ min: 0, max: 300_000 }).map((n) => `/dev/sda1 /x ext4 ${",".repeat(n)}`),
    fc.string({ maxLength: 60 }),
  ),
  { maxLength: 6 },
).map((lines) => lines.join("\n"));

export const decoders: readonly FuzzedDecoder[] = [
  decoder({ name: "entry line of a capture", inputs: entries, decode: parseHashedEntry, refuses: isRefusal }),
  decoder({ name: "entry line of a manifest", inputs: entries, decode: parseFrameEntry, refuses: isRefusal }),
  decoder({ name: "manifest", inputs: manifests, decode: decodeManifest, refuses: isRefusal }),
  decoder({ name: "manifest header", inputs: attackedJson(header), decode: parseHeader, refuses: isRefusal }),
  decoder({
    name: "entry changes",
    inputs: changes.map((lines) => lines.join("\n")),
    decode(text) {
      const patch = new EntryPatch(() => parent.map(parseHashedEntry));
      return text.split("\n").flatMap((line) => [...patch.apply(line)]);
    },
    refuses: isRefusal,
  }),
  decoder({
    name: "lines",
    inputs: fc.oneof(fc.uint8Array({ maxLength: 3000 }), longText.map((text) => utf8(`${text}\n${text}\n`))),
    decode: (bytes) => [...linesOf(bytes)],
    refuses: isRefusal,
  }),
  decoder({
    name: "sealed frame",
    inputs: lengthsAttacked(sealed, [0, 4, 8, 20, 40]),
    decode: (bytes) => [sealedLengths(bytes, { maxRawBytes: 4 << 20 }), open(bytes, { key })],
    refuses: isUnsealed,
  }),
  decoder({
    name: "frame upload",
    inputs: fc.oneof(
      lengthsAttacked(upload, [0, 36, 72]),
      fc.uint8Array({ maxLength: 200 }).map((raw) => Buffer.concat([Uint8Array.of(0x80, 0, 0, 1), raw])),
    ),
    decode: decodeFrameUpload,
    refuses: isUnsealed,
  }),
  decoder({
    name: "extent answer",
    inputs: lengthsAttacked(cuts, [0, 4, 8, cuts.length - 13]),
    async decode(bytes) {
      for await (const cut of decodeCuts(inChunks(bytes))) openCut(cut, [3, 4]);
    },
    refuses: isUnsealed,
  }),
  decoder({
    name: "path inside an image",
    inputs: paths,
    decode: (text) => confinedPath(text as BytePath),
    refuses: isRefusal,
  }),
  decoder({
    name: "path to be shown",
    inputs: paths,
    decode: (text) => [displayPath(text as BytePath), textOf(text as BytePath)],
  }),
  decoder({
    name: "path in JSON",
    inputs: paths,
    decode: (text) => [fromJsonPath(text), fromJsonPath({ base64: text } satisfies JsonPath)],
  }),
  decoder({ name: "tar", inputs: tars, decode: readTar, refuses: isRefusal }),
  decoder({
    name: "extended tar header",
    inputs: paxBodies.map(utf8),
    decode: (bytes) => paxFields(parsePax(bytes), () => {}),
    refuses: isRefusal,
  }),
  decoder({ name: "ACL as text", inputs: fc.oneof(paxBodies, longText), decode: parseAcl }),
  decoder({
    name: "ACL as an attribute",
    inputs: fc.uint8Array({ maxLength: 200 }).map((b) => Uint8Array.of(2, 0, 0, 0, ...b)),
    decode: formatAcl,
  }),
  decoder({
    name: "capture memory",
    inputs: memories,
    decode: (bytes) => new PastCapture(bytes),
    refuses: isUnsealed,
  }),
  decoder({
    name: "content index with its hash right",
    inputs: fc.oneof(indexRehashed, fc.uint8Array({ maxLength: 200 })),
    decode(bytes) {
      const found = decodeIndex(bytes, { manifest: "a".repeat(64) });
      return [0, 1, 2, 2 ** 31, 2 ** 53].map((number) => found?.(number));
    },
  }),
  decoder({
    name: "fstab",
    inputs: fstabs,
    decode(text) {
      const volumes = [{ device: "/dev/sda1", number: 1, facts: new Map([["UUID", "a"], ["LABEL", "x"]]) }];
      return parseFstab(text).map(({ spec }) => resolveSpec(spec, volumes));
    },
  }),
];
