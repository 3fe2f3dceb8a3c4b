import assert from "node:assert/strict";
import { needs } from "../../test/support/needs.ts";
import { type CpioEntry, writeCpio } from "./cpio.ts";
import { readCpio } from "./testing/read_cpio.ts";

const text = (value: string) => new TextEncoder().encode(value);

function file(path: string, content: string, mode = 0o644): CpioEntry {
  const bytes = text(content);
  return { type: "file", path, mode, sizeBytes: bytes.length, content: () => Promise.resolve(bytes) };
}

const entries: CpioEntry[] = [
  { type: "directory", path: "dev", mode: 0o755 },
  { type: "character-device", path: "dev/console", mode: 0o600, device: { major: 5, minor: 1 } },
  { type: "directory", path: "usr", mode: 0o755 },
  file("usr/empty", ""),
  file("usr/init", "#!/bin/sh\n", 0o755),
  file("usr/naïve", "four"),
  { type: "symlink", path: "bin", target: "usr" },
];

async function archive(list: Iterable<CpioEntry>): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await new Blob(await Array.fromAsync(writeCpio(list))).arrayBuffer());
}

Deno.test("an archive reads back as written", async () => {
  const read = readCpio(await archive(entries));
  assert.deepEqual(
    read.map(({ path, mode, device, content }) => [
      path,
      mode.toString(8),
      `${device.major}:${device.minor}`,
      new TextDecoder().decode(content),
    ]),
    [
      ["dev", "40755", "0:0", ""],
      ["dev/console", "20600", "5:1", ""],
      ["usr", "40755", "0:0", ""],
      ["usr/empty", "100644", "0:0", ""],
      ["usr/init", "100755", "0:0", "#!/bin/sh\n"],
      ["usr/naïve", "100644", "0:0", "four"],
      ["bin", "120777", "0:0", "usr"],
    ],
  );
});

Deno.test({
  name: "cpio(1) reads the archive",
  ...needs({ programs: ["cpio"] }),
  async fn() {
    const path = await Deno.makeTempFile();
    try {
      await Deno.writeFile(path, await archive(entries));
      const { stdout, stderr, success } = await new Deno.Command("cpio", {
        args: ["-itv", "--quiet", "-F", path],
        env: { LC_ALL: "C.UTF-8" },
      }).output();
      assert.ok(success, new TextDecoder().decode(stderr));
      const lines = new TextDecoder().decode(stdout).trim().split("\n");
      assert.equal(lines.length, entries.length);
      assert.match(lines[1] ?? "", /^crw------- .* 5, +1 .* dev\/console$/);
      assert.match(lines[4] ?? "", /^-rwxr-xr-x .* 10 .* usr\/init$/);
      assert.match(lines[6] ?? "", /^lrwxrwxrwx .* bin -> usr$/);
    } finally {
      await Deno.remove(path);
    }
  },
});

Deno.test("an entry that the kernel would misread is refused", async (t) => {
  const wrong: [name: string, list: CpioEntry[], message: RegExp][] = [
    ["a file before its directory", [file("usr/init", "")], /must come first/],
    ["a path twice", [file("a", ""), file("a", "")], /already/],
    ["a path that leads outside", [file("../etc/passwd", "")], /not a valid archive path/],
    ["an absolute path", [file("/init", "")], /not a valid archive path/],
    ["a name that ends the archive", [file("TRAILER!!!", "")], /not a valid archive path/],
    [
      "a file whose size differs from the announced one",
      [{ type: "file", path: "a", mode: 0o644, sizeBytes: 3, content: () => Promise.resolve(text("four")) }],
      /announced/,
    ],
  ];
  for (const [name, list, message] of wrong) {
    await t.step(name, async () => {
      await assert.rejects(archive(list), message);
    });
  }
});

Deno.test("an archive that is truncated anywhere is refused", async () => {
  const whole = await archive(entries);
  for (let end = 0; end < whole.length - 4; end += 7) {
    assert.throws(() => readCpio(whole.subarray(0, end)), /archive/);
  }
});
