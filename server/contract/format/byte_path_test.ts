import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type BytePath,
  bytePathOf,
  bytePathOfText,
  bytesOf,
  comparePaths,
  confinedPath,
  displayPath,
  fromJsonPath,
  joinPath,
  parentOf,
  textOf,
  toJsonPath,
} from "./byte_path.ts";

const bytes = fc.uint8Array({ maxLength: 40 });

Deno.test("any bytes survive as a path and as JSON", () => {
  fc.assert(fc.property(bytes, (name) => {
    const path = bytePathOf(name);
    assert.deepEqual(new Uint8Array(bytesOf(path)), name);
    assert.equal(fromJsonPath(JSON.parse(JSON.stringify(toJsonPath(path)))), path);
  }));
});

Deno.test("JSON has text if the bytes are UTF-8, and base64 if they are not", () => {
  assert.equal(toJsonPath(bytePathOfText("ü/漢")), "ü/漢");
  assert.deepEqual(toJsonPath(bytePathOf(Uint8Array.of(0x61, 0xff))), { base64: "Yf8=" });
  assert.equal(textOf(bytePathOf(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61))), "\ufeffa");
  assert.equal(textOf(bytePathOf(Uint8Array.of(0xc0, 0xaf))), undefined);
});

Deno.test("what people see has no control characters", () => {
  assert.equal(displayPath(bytePathOfText("a\n\u001b[31mü")), "a\\x0a\\x1b[31mü");
  assert.equal(displayPath(bytePathOf(Uint8Array.of(0x61, 0xff, 0x0a))), "a\\xff\\x0a");
});

Deno.test("a path that could lead out of the root is refused", () => {
  const long = "a".repeat(256), deep = "a/".repeat(2047) + "aa";
  for (const path of ["/", "/a", "a/", "a//b", ".", "a/..", "../a", "a/./b", "a\0b", long, deep]) {
    assert.throws(() => confinedPath(path as BytePath), RangeError, path);
  }
  for (const path of ["", "a", "a/b", "...", "..a/b..", "a b\n", "a".repeat(255)]) {
    assert.equal(confinedPath(path as BytePath), path);
  }
});

Deno.test("a path is its parent joined with its name", () => {
  assert.equal(parentOf("a/b/c" as BytePath), "a/b");
  assert.equal(parentOf("a" as BytePath), "");
  assert.equal(joinPath("" as BytePath, "a" as BytePath), "a");
  assert.equal(joinPath("a" as BytePath, "b" as BytePath), "a/b");
});

Deno.test("paths are ordered component by component, by bytes", () => {
  const component = fc.uint8Array({ minLength: 1, maxLength: 4 })
    .map((b) => bytePathOf(b.map((x) => x === 0x2f ? 0x30 : x)));
  const path = fc.array(component, { maxLength: 4 });
  fc.assert(fc.property(path, path, (a, b) => {
    const shorter = Math.min(a.length, b.length);
    let expected = a.length - b.length;
    for (let i = 0; i < shorter; i++) {
      const order = Buffer.compare(bytesOf(a[i] as BytePath), bytesOf(b[i] as BytePath));
      if (order !== 0) {
        expected = order;
        break;
      }
    }
    assert.equal(
      Math.sign(comparePaths(a.join("/") as BytePath, b.join("/") as BytePath)),
      Math.sign(expected),
    );
  }));
});
