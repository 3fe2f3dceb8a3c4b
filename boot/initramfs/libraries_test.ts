import assert from "node:assert/strict";
import { directorySource } from "./directory_source.ts";
import { findLibraries } from "./libraries.ts";

Deno.test("the same libraries are found as by ldd", async () => {
  const program = await Deno.realPath(Deno.execPath());
  const { stdout } = await new Deno.Command("ldd", { args: [program] }).output();
  const expected = [...new TextDecoder().decode(stdout).matchAll(/^\s*(\S+) => (\/\S+)/gm)];
  const { libraries, interpreters, missing } = await findLibraries(await directorySource("/"), [program]);
  assert.deepEqual([...interpreters], ["/lib64/ld-linux-x86-64.so.2"]);
  assert.deepEqual([...missing], []);
  for (const [, name = "", path = ""] of expected) {
    assert.equal(await Deno.realPath(libraries.get(name) ?? "/none"), await Deno.realPath(path));
  }
  assert.ok(expected.length > 2);
});

Deno.test("a script needs its interpreter", async () => {
  const root = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${root}/tool`, "#! /bin/sh -e\n");
    const { interpreters } = await findLibraries(await directorySource(root), ["/tool", "/none"]);
    assert.deepEqual([...interpreters], ["/bin/sh"]);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});
