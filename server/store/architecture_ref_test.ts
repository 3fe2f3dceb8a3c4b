import assert from "node:assert/strict";
import { SOURCE } from "#contract/format/testing/samples.ts";
import { TagName } from "#contract/api/image_tags.ts";
import { sendEntries } from "../capture/testing/sender.ts";
import { openTestServer } from "../capture/testing/service.ts";
import { readTree } from "../capture/testing/tree.ts";

Deno.test("an image may have versions of two architectures, and NAME@arm64 is the newest of one", async () => {
  const folder = await Deno.makeTempDir({ prefix: "rackseed-architecture-" });
  try {
    Deno.mkdirSync(`${folder}/tree/etc`, { recursive: true });
    const tree = await readTree(`${folder}/tree`);
    await using server = await openTestServer(`${folder}/data`);
    for (const architecture of ["aarch64", "x86_64", "aarch64", "x86_64"]) {
      const { id } = server.service.begin({ image: "web", level: 1, excludes: [] });
      await sendEntries(server.service, id, { tree, header: { source: { ...SOURCE, architecture } } });
      assert.equal((await server.ended(id)).state, "published");
    }
    const versionOf = (ref: string) => server.store.get(ref).version;
    assert.deepEqual(["web", "web@arm64", "web@aarch64", "web@x86-64", "web@1"].map(versionOf), [
      4,
      3,
      3,
      4,
      1,
    ]);
    assert.deepEqual(server.store.list().map(({ architecture }) => architecture), [
      ...["aarch64", "x86_64", "aarch64", "x86_64"],
    ]);
    for (const version of [1, 3]) await server.store.delete(`web@${version}`);
    assert.throws(() => versionOf("web@arm64"), /there is no image web@arm64/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("an architecture's name cannot be a tag", () => {
  assert.match(TagName.safeParse("arm64").error?.message ?? "", /NAME@arm64 and the like already stand/);
  assert.equal(TagName.safeParse("arm64-stable").success, true);
});
