/** What the writer writes, the reader reads back equal. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { type BytePath, bytePathOf } from "#contract/format/byte_path.ts";
import { FLAGS, settingsOf, XFLAGS } from "#contract/format/inode_flags.ts";
import { ByteStream } from "./byte_stream.ts";
import { type Member, readMembers } from "./read_members.ts";
import { encodeSparseMap } from "./sparse_map.ts";
import { END_BYTES, padding, type Run } from "./ustar.ts";
import { encodeHeader, type NewMember } from "./write_member.ts";

const MAX_U32 = 0xffffffff;

/** Any bytes but NUL, up to three ustar fields long, most of them not UTF-8. */
const names = fc.uint8Array({ minLength: 1, maxLength: 300, min: 1 }).map(bytePathOf);
const asciiNames = fc.string({ unit: fc.constantFrom(..."abz-. /"), minLength: 1, maxLength: 300 })
  .map((name) => name as BytePath);
const paths = fc.oneof(names, asciiNames);
const owners = fc.oneof(fc.nat({ max: 0o7777777 }), fc.integer({ min: 0, max: MAX_U32 }));
const times = fc.record({
  mtimeSec: fc.oneof(fc.integer({ min: -3, max: 3 }), fc.maxSafeInteger()),
  mtimeNs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 999_999_999 })),
});

/** As the kernel keeps them: tags in order, no user or group twice, and no id if the tag names nobody. */
const acls = fc.record({
  rights: fc.array(fc.nat({ max: 7 }), { minLength: 4, maxLength: 4 }),
  users: fc.uniqueArray(fc.integer({ min: 0, max: MAX_U32 - 1 }), { maxLength: 4 }),
  groups: fc.uniqueArray(fc.integer({ min: 0, max: MAX_U32 - 1 }), { maxLength: 4 }),
}).map(({ rights: [user = 0, group = 0, mask = 0, other = 0], users, groups }) => {
  const named = (tag: number, ids: number[]) => ids.sort((a, b) => a - b).map((id) => [tag, id % 8, id]);
  const entries = [
    ...[[0x01, user, MAX_U32], ...named(0x02, users)],
    ...[[0x04, group, MAX_U32], ...named(0x08, groups)],
    ...[[0x10, mask, MAX_U32], [0x20, other, MAX_U32]],
  ];
  const value = new DataView(new ArrayBuffer(4 + 8 * entries.length));
  value.setUint32(0, 2, true);
  entries.forEach(([tag = 0, permissions = 0, id = 0], i) => {
    value.setUint16(4 + 8 * i, tag, true);
    value.setUint16(6 + 8 * i, permissions, true);
    value.setUint32(8 + 8 * i, id, true);
  });
  return new Uint8Array(value.buffer);
});
const xattrs = fc.uniqueArray(
  fc.oneof(
    fc.tuple(
      fc.string({ unit: fc.constantFrom(..."a=%3D .\nü日"), minLength: 1, maxLength: 20 }).map((n) =>
        `user.${n}`
      ),
      fc.uint8Array({ maxLength: 60 }),
    ),
    fc.tuple(fc.constantFrom("system.posix_acl_access", "system.posix_acl_default"), acls),
    fc.tuple(fc.constant("security.capability"), fc.uint8Array({ minLength: 20, maxLength: 20 })),
  ),
  { selector: ([name]) => name, maxLength: 6 },
).map((list) => list.sort(([a], [b]) => a < b ? -1 : 1));

const bitsOf = (table: readonly { readonly bit: number }[]) =>
  fc.subarray(table.map(({ bit }) => bit)).map((bits) => bits.reduce((sum, bit) => sum | bit, 0));
const hints = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: MAX_U32 }));
const inodes = fc.record({
  flags: bitsOf(FLAGS),
  xflags: bitsOf(XFLAGS),
  project: hints,
  extentSize: hints,
  cowExtentSize: hints,
}).map(settingsOf);

const attributes = fc.record({
  path: paths,
  mode: fc.nat({ max: 0o7777 }),
  uid: owners,
  gid: owners,
  time: times,
  xattrs,
  inode: fc.option(inodes, { nil: undefined }),
}).map(({ time, inode, ...rest }) => ({ ...rest, ...time, ...(inode && { inode }) }));

Deno.test("attributes of every kind survive, whatever their names, owners, times and flags", async () => {
  await fc.assert(fc.asyncProperty(attributes, async (own) => {
    const member: NewMember = { ...own, type: "5", sizeBytes: 0 };
    assert.deepEqual(await readBack([encodeHeader(member)]), [readOf(member)]);
  }));
});

Deno.test("link targets and device numbers survive, and none leaks into the next member", async () => {
  const devices = fc.tuple(fc.integer({ min: 0, max: MAX_U32 }), fc.integer({ min: 0, max: MAX_U32 }));
  await fc.assert(fc.asyncProperty(attributes, paths, devices, async (own, target, device) => {
    const { inode: _, ...common } = own;
    const members: NewMember[] = [
      { ...own, type: "0", sizeBytes: 0 },
      { ...common, type: "1", target, sizeBytes: 0 },
      { ...common, type: "2", target, sizeBytes: 0 },
      { ...common, type: "3", device, sizeBytes: 0 },
      { ...common, type: "4", device, sizeBytes: 0 },
      { ...common, type: "6", sizeBytes: 0 },
      { ...PLAIN, type: "5", sizeBytes: 0 },
    ];
    assert.deepEqual(await readBack(members.map(encodeHeader)), members.map(readOf));
  }));
});

Deno.test("sparse maps survive with the data that follows them", async () => {
  const gaps = fc.array(
    fc.record({ hole: fc.integer({ min: 1, max: 2 ** 40 }), stored: fc.integer({ min: 1, max: 2000 }) }),
    { maxLength: 60 },
  );
  await fc.assert(fc.asyncProperty(paths, gaps, fc.nat({ max: 2 ** 40 }), async (path, parts, tail) => {
    const runs: Run[] = [];
    let offset = 0;
    for (const { hole, stored } of parts) {
      runs.push({ offset: offset += hole, sizeBytes: stored });
      offset += stored;
    }
    const data = Buffer.from(runs.map(({ sizeBytes }, i) => String(i % 10).repeat(sizeBytes)).join(""));
    const sizeBytes = offset + tail, map = encodeSparseMap([...runs, { offset: sizeBytes, sizeBytes: 0 }]);
    const member = { ...PLAIN, path, type: "0", sizeBytes: map.length + data.length } as const;
    const header = encodeHeader({ ...member, sparseSizeBytes: sizeBytes });
    const contents: Buffer[] = [];
    const found = await readBack([header, map, data, padding(data.length)], { contents });
    assert.deepEqual(found, [{ ...readOf(member), sizeBytes, runs }]);
    assert.deepEqual(contents, [data]);
  }));
});

Deno.test("a size beyond ustar's octal digits survives", async () => {
  const found: Member[] = [];
  const sizeBytes = 2 ** 43 + 1;
  const stream = new ByteStream(ReadableStream.from([encodeHeader({ ...PLAIN, type: "0", sizeBytes })]));
  const stop = new Error("read");
  const take = (member: Member) => {
    found.push(member);
    return Promise.reject(stop);
  };
  await assert.rejects(readMembers(stream, { take, note: assert.fail }), stop);
  assert.deepEqual(found, [readOf({ ...PLAIN, type: "0", sizeBytes })]);
});

const PLAIN = {
  path: "plain" as BytePath,
  mode: 0o644,
  uid: 0,
  gid: 0,
  mtimeSec: 0,
  mtimeNs: 0,
  xattrs: [],
};

/** The member that the reader must find. */
function readOf({ target, device: [major, minor] = [0, 0], ...rest }: NewMember): Member {
  const runs = rest.sizeBytes === 0 ? [] : [{ offset: 0, sizeBytes: rest.sizeBytes }];
  return { ...rest, linkPath: target ?? "" as BytePath, major, minor, runs };
}

/** The members of an archive of these parts; `contents` receives the data of each. */
async function readBack(
  parts: readonly Uint8Array[],
  { contents = [] }: { contents?: Buffer[] } = {},
): Promise<Member[]> {
  const stream = new ByteStream(ReadableStream.from([...parts, new Uint8Array(END_BYTES)]));
  const found: Member[] = [];
  const take = async (member: Member) => {
    found.push(member);
    const data = Buffer.alloc(member.runs.reduce((sum, run) => sum + run.sizeBytes, 0));
    await stream.readFully(data);
    contents.push(data);
  };
  await readMembers(stream, { take, note: assert.fail });
  return found;
}
