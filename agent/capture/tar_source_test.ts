import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { zstdCompressSync } from "node:zlib";
import { type Entry, type HashedExtent, parseHashedEntry } from "#contract/format/entry.ts";
import { RackseedError } from "#contract/errors.ts";
import { TarSource } from "./tar_source.ts";

const BLOCK = 512;

interface Made {
  readonly name: string;
  readonly type?: string;
  readonly link?: string;
  readonly data?: string | Uint8Array;
  readonly mtime?: number;
}

/** A minimal ustar header with its data. */
function member({ name, type = "0", link = "", data = "", mtime = 0 }: Made): Uint8Array {
  const content = typeof data === "string" ? Buffer.from(data) : data;
  const header = Buffer.alloc(BLOCK);
  const octal = (value: number, length: number) => value.toString(8).padStart(length - 1, "0") + "\0";
  header.write(name, 0, "latin1");
  header.write(
    octal(0o644, 8) + octal(1, 8) + octal(2, 8) + octal(content.length, 12) + octal(mtime, 12),
    100,
  );
  header.write("        " + type + link, 148, "latin1");
  header.write("ustar\x0000", 257, "latin1");
  header.write(octal(header.reduce((sum, byte) => sum + byte, 0), 7), 148);
  return Buffer.concat([header, content, Buffer.alloc((BLOCK - content.length % BLOCK) % BLOCK)]);
}

const record = (key: string, value: string) => {
  const rest = ` ${key}=${value}\n`;
  let length = Buffer.byteLength(rest) + 1;
  while (Buffer.byteLength(`${length}${rest}`) !== length) length++;
  return `${length}${rest}`;
};
const pax = (...records: [string, string][]): Made => ({
  name: "pax",
  type: "x",
  data: records.map(([key, value]) => record(key, value)).join(""),
});
const END = new Uint8Array(2 * BLOCK);

interface Result {
  readonly entries: Entry<HashedExtent>[];
  readonly contents: Map<string, string>;
  readonly notes: readonly string[];
}

async function readBytes(bytes: Uint8Array): Promise<Result> {
  const path = Deno.makeTempFileSync();
  try {
    Deno.writeFileSync(path, bytes);
    const tar = new TarSource(path);
    const contents = new Map<string, string>();
    const sink = {
      take(content: Uint8Array): string {
        const sha256 = createHash("sha256").update(content).digest("base64url");
        contents.set(sha256, Buffer.from(content).toString("latin1"));
        return sha256;
      },
      room: (sizeBytes: number) => new Uint8Array(sizeBytes),
      full: false,
      drained: () => Promise.resolve(),
    };
    const { signal } = new AbortController();
    const lines = await Array.fromAsync(tar.entries(sink, { signal, onProgress: () => {} }));
    const entries = lines.map(({ line }) => parseHashedEntry(line));
    return { entries, contents, notes: tar.notes };
  } finally {
    Deno.removeSync(path);
  }
}

const read = (members: readonly Made[]) => readBytes(Buffer.concat([...members.map(member), END]));

function contentOf({ entries, contents }: Result, path: string): string | undefined {
  const file = entries.find((e) => e.path === path);
  if (file?.type !== "file") return undefined;
  const bytes = Buffer.alloc(file.sizeBytes);
  for (const { offset, sha256 } of file.extents) bytes.write(contents.get(sha256) ?? "", offset, "latin1");
  return bytes.toString("latin1");
}

Deno.test("members are sorted, and implied directories are added", async () => {
  const { entries } = await read([{ name: "./b/c/d", data: "x" }, { name: "b-a" }, { name: "/a/" }]);
  assert.deepEqual(entries.map((e) => [e.path, e.type]), [
    ["", "directory"],
    ["a", "directory"],
    ["b", "directory"],
    ["b/c", "directory"],
    ["b/c/d", "file"],
    ["b-a", "file"],
  ]);
});

Deno.test("a later member of the same name wins, and hard links keep their original target", async () => {
  const result = await read([
    { name: "b", data: "old" },
    { name: "c", type: "1", link: "b" },
    { name: "a", type: "1", link: "./c" },
    { name: "b", data: "new" },
  ]);
  assert.equal(contentOf(result, "b"), "new");
  assert.equal(contentOf(result, "a"), "old");
  assert.deepEqual(result.entries.at(-1), { type: "link", path: "c", target: "a" });
});

Deno.test("extended headers set names, times, sizes and attributes", async () => {
  const result = await read([
    pax(
      ["path", "ü/long"],
      ["mtime", "-1.25"],
      ["uid", "4294967294"],
      ["SCHILY.xattr.user.a", "1\n2=\u0000"],
      ["LIBARCHIVE.xattr.user.b%20c", "AAH/"],
      ["SCHILY.acl.access", "user::rw-,user:joe:r-x:1234,group::r--,mask::r-x,other::---"],
    ),
    { name: "short", data: "x" },
    { name: "plain", data: "y" },
  ]);
  const file = result.entries.find((e) => e.path === Buffer.from("ü/long").toString("latin1"));
  assert.ok(file?.type === "file");
  assert.deepEqual([file.mtimeSec, file.mtimeNs, file.uid, file.gid], [-2, 750_000_000, 4294967294, 2]);
  assert.deepEqual(file.xattrs.map(([name, value]) => [name, Buffer.from(value).toString("hex")]), [
    [
      "system.posix_acl_access",
      "02000000" + "01000600ffffffff" + "02000500d2040000" + "04000400ffffffff" + "10000500ffffffff" +
      "20000000ffffffff",
    ],
    ["user.a", Buffer.from("1\n2=\0").toString("hex")],
    ["user.b c", "0001ff"],
  ]);
  assert.equal(contentOf(result, "plain"), "y");
});

Deno.test("all forms of sparse maps give the same holes", async () => {
  const data = "A".repeat(600) + "B".repeat(100);
  const [runs, expected] = [[[1024, 600], [4096, 100]], [[1024, 600], [4096, 100]]];
  const sizes = runs.flat().join(",");
  const map1 = `2\n${runs.flat().join("\n")}\n`.padEnd(BLOCK, "\0");
  const forms: Made[][] = [
    [
      pax(
        ["GNU.sparse.size", "5000"],
        ["GNU.sparse.numblocks", "2"],
        ...runs.flatMap(([offset, size]): [string, string][] => [
          ["GNU.sparse.offset", `${offset}`],
          ["GNU.sparse.numbytes", `${size}`],
        ]),
      ),
      { name: "s", data },
    ],
    [pax(["GNU.sparse.size", "5000"], ["GNU.sparse.map", sizes], ["GNU.sparse.name", "s"]), {
      name: "x",
      data,
    }],
    [
      pax(["GNU.sparse.major", "1"], ["GNU.sparse.minor", "0"], ["GNU.sparse.name", "s"], [
        "GNU.sparse.realsize",
        "5000",
      ]),
      { name: "x", data: map1 + data },
    ],
  ];
  for (const form of forms) {
    const result = await read([...form, { name: "next", data: "n" }]);
    const file = result.entries.find((e) => e.path === "s");
    assert.ok(file?.type === "file");
    assert.deepEqual(file.extents.map((e) => [e.offset, e.sizeBytes]), expected);
    assert.equal(file.sizeBytes, 5000);
    assert.equal(contentOf(result, "next"), "n");
  }
});

Deno.test("gzip and zstd are recognized", async () => {
  const tar = Buffer.concat([member({ name: "a", data: "x".repeat(100_000) }), END]);
  const gzip = new Response(tar).body?.pipeThrough(new CompressionStream("gzip")) as ReadableStream;
  const gzipped = new Uint8Array(await new Response(gzip).arrayBuffer());
  for (const bytes of [gzipped, zstdCompressSync(tar)]) {
    assert.equal(contentOf(await readBytes(bytes), "a")?.length, 100_000);
  }
});

Deno.test("members that lead out of the image, or form no tree, are refused", async () => {
  const cases: [RegExp, Made[]][] = [
    [/bad path/, [{ name: "a/../../b" }]],
    [/below something that is not a directory/, [{ name: "a", type: "2", link: "/etc" }, { name: "a/b" }]],
    [/which is not in the tar before it/, [{ name: "a", type: "1", link: "b" }, { name: "b" }]],
    [/sparse map/, [pax(["GNU.sparse.size", "10"], ["GNU.sparse.map", "0,20"]), { name: "a", data: "x" }]],
    [/sparse map/, [pax(["GNU.sparse.size", "99"], ["GNU.sparse.map", "0,20"]), { name: "a", data: "x" }]],
    [/extended header/, [{ name: "p", type: "x", data: "99 path=a\n" }]],
    [/extended header/, [pax(["size", "-1"]), { name: "a" }]],
  ];
  for (const [why, members] of cases) {
    await assert.rejects(read(members), (error) => {
      assert.ok(error instanceof RackseedError);
      assert.match(error.reason, why);
      return true;
    });
  }
});

Deno.test("a member of unknown type is noted and skipped with its data", async () => {
  const result = await read([{ name: "odd", type: "Z", data: "x".repeat(600) }, { name: "b", data: "y" }]);
  assert.deepEqual(result.notes, ['left out, unknown type "Z": odd']);
  assert.equal(contentOf(result, "b"), "y");
});

Deno.test("a tar that is truncated or damaged anywhere is refused as a whole", async () => {
  const whole = Buffer.concat([
    member(pax(["path", "abc"])),
    member({ name: "a", data: "x".repeat(600) }),
    END,
  ]);
  for (let length = 0; length < whole.length - BLOCK; length += 100) {
    await assert.rejects(readBytes(whole.subarray(0, length)), RackseedError, `${length} bytes`);
  }
  for (let at = 0; at < BLOCK; at += 7) {
    const damaged = Buffer.from(whole);
    damaged[at] = (damaged[at] as number) ^ 0x15;
    await assert.rejects(readBytes(damaged), RackseedError, `byte ${at}`);
  }
});

Deno.test("flags are read from libarchive's keywords and our own; those that Linux lacks are noted", async () => {
  const { entries, notes } = await read([
    pax(["SCHILY.fflags", "schg, nodump,uarch"], ["RACKSEED.flags", "x"], ["RACKSEED.project", "7"]),
    { name: "a", data: "x" },
    pax(["SCHILY.fflags", "sappnd"]),
    { name: "d/", type: "5" },
    pax(["RACKSEED.later", "1"]),
    { name: "z" },
  ]);
  const inode = (path: string) => {
    const entry = entries.find((e) => e.path === path);
    return entry && "inode" in entry ? entry.inode : undefined;
  };
  assert.deepEqual([inode("a"), inode("d"), inode("z")], [
    { flags: 0x2000050, project: 7 },
    { flags: 0x20 },
    undefined,
  ]);
  assert.deepEqual(notes, ["Linux has no such file flag: uarch"]);
  for (
    const wrong of [["RACKSEED.flags", "xi"], ["RACKSEED.project", "-1"], [
      "RACKSEED.extsize",
      "4294967296",
    ]] as const
  ) {
    await assert.rejects(read([pax([...wrong]), { name: "a" }]), RackseedError);
  }
});

Deno.test("a symlink or FIFO can have hard links, a directory cannot", async () => {
  const { entries } = await read([
    { name: "b", type: "2", link: "x" },
    { name: "c", type: "1", link: "b" },
    { name: "e", type: "6" },
    { name: "d", type: "1", link: "e" },
  ]);
  assert.deepEqual(entries.map((e) => `${e.type} ${e.path}`), [
    ...["directory ", "symlink b", "link c", "fifo d", "link e"],
  ]);
  await assert.rejects(read([{ name: "d/", type: "5" }, { name: "e", type: "1", link: "d" }]), RackseedError);
});

const sparse = pax(["GNU.sparse.major", "1"], ["GNU.sparse.realsize", "1"]);
const attacks: [what: string, members: Made[]][] = [
  ["a sparse map without an end of line", [sparse, { name: "a", data: new Uint8Array(48 << 20).fill(0x37) }]],
  ["a sparse map of four million parts", [sparse, {
    name: "a",
    data: `4000000\n${"0\n".repeat(8_000_000)}`,
  }]],
  [
    "two million sparse parts in a header",
    [pax(["GNU.sparse.size", "1"], ["GNU.sparse.map", "0,".repeat(4_000_000)]), { name: "a" }],
  ],
  ["endless global headers", Array(40).fill({ ...pax(["comment", "x".repeat(500_000)]), type: "g" })],
  ["an owner beyond 32 bits", [pax(["uid", "4294967296"]), { name: "a" }]],
  ["an attribute name with invalid encoding", [pax(["LIBARCHIVE.xattr.user.%E0%A4%A", "eA=="]), {
    name: "a",
  }]],
];
for (const [what, members] of attacks) {
  Deno.test(`${what} is refused at once`, async () => {
    const started = performance.now();
    await assert.rejects(read(members), RackseedError);
    assert(performance.now() - started < 20_000);
  });
}

Deno.test("a negative owner in a header is refused, one of 32 bits is accepted", async () => {
  const owned = (uid: number[]) => {
    const bytes = Buffer.from(member({ name: "a" }));
    bytes.set(uid, 108);
    bytes.write("        ", 148, "latin1");
    bytes.write(bytes.subarray(0, 512).reduce((a, b) => a + b, 0).toString(8).padStart(6, "0") + "\0", 148);
    return readBytes(Buffer.concat([bytes, END]));
  };
  const { entries } = await owned([0x80, 0, 0, 0, 0xff, 0xff, 0xff, 0xfe]);
  assert.deepEqual(entries.map((e) => e.type === "file" && e.uid), [false, 0xfffffffe]);
  for (const uid of [[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe], [0x80, 0, 0, 1, 0, 0, 0, 0]]) {
    await assert.rejects(owned(uid), /owner or device in a header is out of range/);
  }
});
