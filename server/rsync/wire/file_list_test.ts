import assert from "node:assert/strict";
import fc from "fast-check";
import { encodeFileEntry, encodeListEnd, type FileEntry, readFileList } from "./file_list.ts";
import { WireError } from "./integers.ts";

function sourceOf(bytes: Uint8Array) {
  let at = 0;
  return {
    take(length: number) {
      if (at + length > bytes.length) return Promise.reject(new WireError("no more"));
      return Promise.resolve(bytes.slice(at, at += length));
    },
  };
}

const entries: fc.Arbitrary<FileEntry[]> = fc.array(
  fc.record({
    name: fc.stringMatching(/^[a-z0-9._@-]{1,80}$/),
    type: fc.constantFrom("file", "directory"),
    sizeBytes: fc.integer({ min: 0, max: 2 ** 40 }),
    modifiedSeconds: fc.integer({ min: 0, max: 0x7fffffff }),
  }),
  { maxLength: 20 },
);

Deno.test("a list survives encoding, in every protocol", async () => {
  await fc.assert(fc.asyncProperty(entries, fc.constantFrom(27, 28, 29, 30, 31), async (list, protocol) => {
    const bytes = Buffer.concat([
      ...list.map((entry) => encodeFileEntry(entry, { protocol })),
      encodeListEnd({ protocol }),
    ]);
    assert.deepEqual(
      await readFileList(sourceOf(bytes), { protocol, maxEntries: 20 }),
      list.map((entry) => ({ ...entry })),
    );
    await assert.rejects(
      readFileList(sourceOf(bytes.subarray(0, -1)), { protocol, maxEntries: 20 }),
      WireError,
    );
  }));
});

Deno.test("what other senders omit or add is understood: shared names, times and modes, nanoseconds", async () => {
  const file = { name: "web@1", type: "file", sizeBytes: 5, modifiedSeconds: 9 } as const;
  const bytes = Buffer.concat([
    encodeFileEntry(file, { protocol: 31 }),
    // extended | same mode | same name | same time, nanoseconds; 4 shared, "20"; 7 bytes; 200 ns
    Uint8Array.of(0xa6, 0x20, 4, 2, 0x32, 0x30, 0, 7, 0, 0x80, 200),
    // the list's end with an error
    Uint8Array.of(0x04, 0x10, 1),
  ]);
  assert.deepEqual(await readFileList(sourceOf(bytes), { protocol: 31, maxEntries: 9 }), [
    file,
    { name: "web@20", type: "file", sizeBytes: 7, modifiedSeconds: 9 },
  ]);
});

Deno.test("links, hard links, long names and long lists are refused", async () => {
  const entry = { name: "x", type: "file", sizeBytes: 0, modifiedSeconds: 0 } as const;
  const good = encodeFileEntry(entry, { protocol: 31 });
  const link = Uint8Array.from(good);
  link[link.length - 3] = 0xa1; // S_IFLNK
  const bad = [
    link,
    Uint8Array.of(0x04, 0x02, ...good.subarray(1)),
    Uint8Array.of(0x40, 0xc0, 0xff, 0xff),
    Uint8Array.of(0x21, 9, ...good.subarray(1)),
    Buffer.concat([good, good, good]),
  ];
  for (const bytes of bad) {
    const padded = Buffer.concat([bytes, new Uint8Array(5000)]);
    await assert.rejects(readFileList(sourceOf(padded), { protocol: 31, maxEntries: 2 }), WireError);
  }
});

Deno.test("owners, groups and sums add what the client asked for", () => {
  const entry = { name: "x", type: "file", sizeBytes: 0, modifiedSeconds: 0 } as const;
  const length = (protocol: number, type: "file" | "directory" = "file") =>
    encodeFileEntry({ ...entry, type }, { protocol, owners: true, groups: true, sums: true }).length;
  assert.deepEqual([27, 30].map((p) => length(p)), [3 + 12 + 8 + 16, 3 + 11 + 2 + 16]);
  assert.deepEqual([27, 28].map((p) => length(p, "directory")), [3 + 12 + 8 + 16, 3 + 12 + 8]);
  assert.equal(encodeListEnd({ protocol: 29, owners: true, groups: true }).length, 1 + 8 + 4);
  assert.equal(encodeListEnd({ protocol: 31, owners: true, numericIds: true }).length, 1);
});
