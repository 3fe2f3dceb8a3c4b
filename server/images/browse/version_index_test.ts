import assert from "node:assert/strict";
import type { BytePath } from "#contract/format/byte_path.ts";
import { bytePathOfText } from "#contract/format/byte_path.ts";
import { makeVersion } from "./testing/versions.ts";

const { index } = await makeVersion({
  "bin": { link: "usr/bin" },
  "etc/os-release": { link: "../usr/lib/os-release" },
  "etc/loop": { link: "loop" },
  "etc/up": { link: "../../../../etc" },
  "etc/host": { link: "/usr/lib" },
  "usr/bin/sh": "#!",
  "usr/lib/os-release": "ID=debian",
  "usr/lib64/x": "1",
  'usr/über/Länge "x"': "12345",
});
const nameAt = (number: number | undefined) => number === undefined ? undefined : index.path(number);

Deno.test("every entry is found by its path, also where the path is written with escapes", () => {
  for (let n = 0; n < index.size; n++) {
    assert.equal(index.find(index.path(n)), n);
    assert.equal(index.entry(n).path, index.path(n));
  }
  assert.equal(index.find("usr/li" as BytePath), undefined);
  assert.throws(() => index.entry(index.size), RangeError);
});

Deno.test("a folder's children are its own, in order, and go on behind one of them", () => {
  const usr = index.find("usr" as BytePath) as number;
  const names = (after?: number) => [...index.children(usr, after)].map((n) => nameAt(n));
  assert.deepEqual(names(), ["usr/bin", "usr/lib", "usr/lib64", bytePathOfText("usr/über")]);
  assert.deepEqual(names(index.find("usr/lib" as BytePath)), ["usr/lib64", bytePathOfText("usr/über")]);
  assert.equal(index.fileBytes(usr, index.end(usr)), 2 + 9 + 1 + 5);
});

const cases: [path: string, end: string | undefined][] = [
  ["etc/os-release", "usr/lib/os-release"],
  ["bin/sh", "usr/bin/sh"],
  ["etc/up/os-release", "usr/lib/os-release"],
  ["etc/host/os-release", "usr/lib/os-release"],
  ["etc/host/../bin/sh", "usr/bin/sh"],
  ["", ""],
  ["etc/loop", undefined],
  ["etc/nothing/x", undefined],
  ["usr/bin/sh/x", undefined],
];
for (const [path, end] of cases) {
  Deno.test(`/${path} leads to ${end === undefined ? "nothing" : `/${end}`} within the image`, () => {
    assert.equal(nameAt(index.resolve(path as BytePath)), end);
  });
}

Deno.test("a symlink at the end of a path stays, if that is asked for", () => {
  assert.equal(nameAt(index.resolve("bin" as BytePath, { isLast: false })), "bin");
  assert.equal(nameAt(index.resolve("etc/up/os-release" as BytePath, { isLast: false })), "etc/os-release");
});
