import assert from "node:assert/strict";
import { bytePathOfText } from "#contract/format/byte_path.ts";
import { needs } from "../../test/support/needs.ts";
import { encodeHeader, type NewMember } from "./write_member.ts";

const plain: NewMember = {
  type: "0",
  path: bytePathOfText("a"),
  mode: 0o644,
  uid: 0,
  gid: 0,
  mtimeSec: 1,
  mtimeNs: 0,
  xattrs: [],
  sizeBytes: 0,
};

Deno.test("a member that ustar can hold has no extended header", () => {
  assert.equal(encodeHeader(plain).length, 512);
});

Deno.test("every record's length counts itself, whatever its number of digits", () => {
  for (let length = 101; length < 1100; length++) {
    const path = bytePathOfText("p".repeat(length));
    assert.deepEqual(recordsOf(encodeHeader({ ...plain, path })), [["path", path]]);
  }
});

const records: [what: string, member: Partial<NewMember>, expected: [string, string][]][] = [
  ["a size of more than 8 GiB", { sizeBytes: 2 ** 33 }, [["size", "8589934592"]]],
  ["a large owner", { uid: 2 ** 21, gid: 2 ** 32 - 2 }, [["uid", "2097152"], ["gid", "4294967294"]]],
  ["a time before 1970", { mtimeSec: -1, mtimeNs: 500_000_000 }, [["mtime", "-0.500000000"]]],
  ["a time with nanoseconds", { mtimeNs: 1 }, [["mtime", "1.000000001"]]],
  ["flags, a project and an extent size", {
    inode: { flags: 0x10 | 0x40 | 0x2000000, xflags: 0x800, project: 7, extentSize: 65536 },
  }, [
    ["SCHILY.fflags", "schg,nodump"],
    ["RACKSEED.flags", "x"],
    ["RACKSEED.xflags", "e"],
    ["RACKSEED.project", "7"],
    ["RACKSEED.extsize", "65536"],
  ]],
  ["an attribute", { xattrs: [["user.a=b%", new Uint8Array([104, 10])]] }, [
    ["SCHILY.xattr.user.a%3Db%25", "h\n"],
  ]],
];
for (const [what, member, expected] of records) {
  Deno.test(`${what} is in the extended header`, () => {
    assert.deepEqual(recordsOf(encodeHeader({ ...plain, ...member })), expected);
  });
}

Deno.test({
  name: "bsdtar sets the flags that an export records",
  ...needs({ root: true, programs: ["bsdtar", "lsattr", "chattr"] }),
  async fn() {
    const folder = await Deno.makeTempDir();
    const run = async (program: string, ...args: string[]) => {
      const { success, stdout, stderr } = await new Deno.Command(program, { args, cwd: folder }).output();
      assert.ok(success, new TextDecoder().decode(stderr));
      return new TextDecoder().decode(stdout);
    };
    try {
      const member = encodeHeader({ ...plain, inode: { flags: 0x10 | 0x40 | 0x80 } });
      await Deno.writeFile(`${folder}/tar`, Buffer.concat([member, new Uint8Array(1024)]));
      await run("bsdtar", "-xpf", "tar");
      assert.match(await run("lsattr", "a"), /^-*i-*d-*A[-e]* a\n$/);
    } finally {
      await run("chattr", "-f", "-i", "a").catch(() => {});
      await Deno.remove(folder, { recursive: true });
    }
  },
});

/** The records of the extended header that comes first. */
function recordsOf(bytes: Uint8Array): [key: string, value: string][] {
  const text = Buffer.from(bytes).toString("latin1");
  assert.equal(text[156], "x");
  const size = parseInt(text.slice(124, 135), 8);
  assert.equal(bytes.length, 1024 + Math.ceil(size / 512) * 512);
  const found: [string, string][] = [];
  for (let at = 512; at < 512 + size;) {
    const length = parseInt(text.slice(at), 10);
    const record = text.slice(at, at + length);
    const [, key = "", value = ""] = /^\d+ ([^=]+)=([^]*)\n$/.exec(record) ?? [];
    found.push([key, value]);
    at += length;
  }
  return found;
}
