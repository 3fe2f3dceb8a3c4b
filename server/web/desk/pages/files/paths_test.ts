import assert from "node:assert/strict";
import { folderOf, partsOf, pathOf, pathQuery, pathText } from "./paths.ts";

/** "etc/\xe4\xff/x": not UTF-8. */
const odd = { base64: btoa("etc/\xe4\xff/x") };

Deno.test("a path in an address is the same path again, whatever its bytes", () => {
  for (const path of ["", "etc/über & co?", odd]) {
    const query = Object.fromEntries(new URLSearchParams(pathQuery(path)));
    const again = pathOf(query);
    assert.equal(pathQuery(again), pathQuery(path));
  }
  assert.equal(pathOf({ path: "/etc/" }), "etc");
});

Deno.test("a path has its folders as parts, as text where they are text", () => {
  assert.deepEqual(partsOf(odd), [
    { name: "etc", path: "etc" },
    { name: "\\xe4\\xff", path: { base64: btoa("etc/\xe4\xff") } },
    { name: "x", path: odd },
  ]);
  assert.deepEqual(partsOf(""), []);
  assert.equal(folderOf("etc/ssh/x"), "etc/ssh");
  assert.equal(folderOf("etc"), "");
  assert.equal(pathText("a\nb/c"), "/a\\x0ab/c");
});
