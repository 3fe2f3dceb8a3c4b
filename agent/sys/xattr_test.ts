import assert from "node:assert/strict";
import { bytePathOfText } from "#contract/format/byte_path.ts";
import type { Xattr } from "#contract/format/entry.ts";
import { AT_FDCWD, close, O, openAt } from "./libc.ts";
import { removeXattrOf, setXattrOf, xattrsAt, xattrsOf } from "./xattr.ts";

const bytes = (length: number) => new Uint8Array(length).map((_, i) => i);
const cases: { name: string; xattrs: Xattr[] }[] = [
  { name: "none", xattrs: [] },
  { name: "a small one", xattrs: [["user.one", bytes(3)]] },
  { name: "an empty one", xattrs: [["user.empty", bytes(0)]] },
  { name: "a large one and a small one", xattrs: [["user.a", bytes(2000)], ["user.b", bytes(1)]] },
  {
    name: "more names than a first look has room for",
    xattrs: Array.from({ length: 8 }, (_, i): Xattr => [`user.${String(i).repeat(200)}`, bytes(i)]),
  },
];
for (const { name, xattrs } of cases) {
  Deno.test(`a file's attributes are read as they were set: ${name}`, async () => {
    const directory = await Deno.makeTempDir();
    const folder = openAt(AT_FDCWD, bytePathOfText(directory), { flags: O.RDONLY | O.DIRECTORY });
    const path = bytePathOfText("file");
    const fd = openAt(folder, path, { flags: O.RDWR | O.CREAT, mode: 0o600 });
    try {
      for (const xattr of xattrs) setXattrOf(fd, xattr);
      assert.deepEqual(xattrsOf(fd), xattrs);
      assert.deepEqual(xattrsAt(folder, path), xattrs);
      for (const [attribute] of xattrs) removeXattrOf(fd, attribute);
      assert.deepEqual(xattrsOf(fd), []);
    } finally {
      close(fd);
      close(folder);
      await Deno.remove(directory, { recursive: true });
    }
  });
}
