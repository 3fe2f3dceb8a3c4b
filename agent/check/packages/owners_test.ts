import assert from "node:assert/strict";
import { runCommand } from "../../sys/command.ts";
import { TreeReader } from "../../tree/tree_files.ts";
import { ownersOf } from "./owners.ts";
import { askRpm, parseRpmOwners } from "./rpm.ts";

/** Finds the owners in a tree with these files. */
async function owners(files: Readonly<Record<string, string>>, paths: readonly string[]) {
  const root = await Deno.makeTempDir();
  try {
    for (const [path, text] of Object.entries(files)) {
      await Deno.mkdir(`${root}/${path.slice(0, path.lastIndexOf("/"))}`, { recursive: true });
      await Deno.writeTextFile(`${root}/${path}`, text);
    }
    const found = await ownersOf(paths, {
      tree: new TreeReader(root),
      run: () => assert.fail("no program is needed"),
      rest: () => Promise.resolve(),
      charge: () => {},
    });
    return Object.fromEntries(found);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

Deno.test("dpkg: packages of any architecture, directories, and paths from before /usr was merged", async () => {
  const files = {
    "var/lib/dpkg/info/coreutils.list": "/.\n/bin\n/bin/ls\n/usr/share/doc/coreutils\n",
    "var/lib/dpkg/info/libc6:amd64.list": "/lib/x86_64-linux-gnu/libc.so.6\n/usr/share/doc/libc6\n",
    "var/lib/dpkg/info/libc6:amd64.md5sums": "/etc/none\n",
    "var/lib/dpkg/info/zlib1g:amd64.list": "/usr/share/doc/libc6\n",
  };
  const paths = ["/usr/bin/ls", "/usr/lib/x86_64-linux-gnu/libc.so.6", "/usr/share/doc/libc6", "/etc/none"];
  assert.deepEqual(await owners(files, paths), {
    "/usr/bin/ls": "coreutils",
    "/usr/lib/x86_64-linux-gnu/libc.so.6": "libc6",
    "/usr/share/doc/libc6": "libc6",
  });
});

Deno.test("apk: files are listed by their directories", async () => {
  const installed =
    "C:Q1=\nP:busybox\nV:1.36\nF:bin\nR:busybox\na:0:0:755\nF:etc\nR:securetty\n\nP:musl\nF:lib\nR:ld.so\n";
  const paths = ["/bin/busybox", "/usr/lib/ld.so", "/etc/securetty", "/etc", "/bin/none"];
  const expected = {
    "/bin/busybox": "busybox",
    "/usr/lib/ld.so": "musl",
    "/etc/securetty": "busybox",
    "/etc": "busybox",
  };
  assert.deepEqual(await owners({ "lib/apk/db/installed": installed }, paths), expected);
  assert.deepEqual(await owners({ "usr/lib/apk/db/installed": installed }, paths), expected);
});

Deno.test("pacman: names may contain hyphens, directories end in a slash", async () => {
  const files = {
    "var/lib/pacman/local/gcc-libs-13.2.1-3/files":
      "%FILES%\nusr/\nusr/lib/\nusr/lib/libgcc_s.so\n\n%BACKUP%\n",
    "var/lib/pacman/local/ALPM_DB_VERSION": "9\n",
  };
  assert.deepEqual(await owners(files, ["/usr/lib/libgcc_s.so", "/usr/lib", "/etc/x"]), {
    "/usr/lib/libgcc_s.so": "gcc-libs",
    "/usr/lib": "gcc-libs",
  });
});

Deno.test("rpm: answers belong to the paths between the marks, whatever stands between them", () => {
  const mark = "file /proc/self is not owned by any package";
  const stdout = ["bash", mark, "file /etc/x is not owned by any package", mark, mark, "a", "b", mark, ""]
    .join("\n");
  const paths = ["/bin/sh", "/etc/x", "/gone", "/usr/share/doc"];
  assert.deepEqual([...parseRpmOwners(stdout, paths)], [["/bin/sh", "bash"], ["/usr/share/doc", "a"]]);
  assert.deepEqual([...parseRpmOwners("error: cannot open Packages\n", paths)], []);
});

Deno.test({
  name: "rpm itself says what belongs to a package of its database",
  ignore: !await isThere("rpmbuild") || !await isThere("rpm"),
  async fn() {
    const folder = await Deno.makeTempDir();
    try {
      const spec = `Name: tool-set\nVersion: 1\nRelease: 1\nSummary: x\nLicense: MIT\nBuildArch: noarch\n` +
        "%description\nx\n%install\nmkdir -p %{buildroot}/opt/tool\necho x > %{buildroot}/opt/tool/file\n" +
        "%files\n/opt/tool\n";
      await Deno.writeTextFile(`${folder}/tool.spec`, spec);
      await runCommand([
        "rpmbuild",
        "--quiet",
        "--define",
        `_topdir ${folder}`,
        "-bb",
        `${folder}/tool.spec`,
      ]);
      const database = ["--dbpath", `${folder}/db`];
      await runCommand(["rpm", ...database, "--initdb"]);
      const built = `${folder}/RPMS/noarch/tool-set-1-1.noarch.rpm`;
      await runCommand(["rpm", ...database, "--install", "--justdb", "--nodeps", built]);
      const paths = ["/opt/tool/file", "/etc/hostname", "/opt/none", "/opt/tool"];
      const found = await askRpm(paths, { run: runCommand, as: [], options: database });
      assert.deepEqual([...found], [["/opt/tool/file", "tool-set"], ["/opt/tool", "tool-set"]]);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

async function isThere(program: string): Promise<boolean> {
  const { success } = await new Deno.Command("sh", { args: ["-c", `command -v ${program}`], stdout: "null" })
    .output();
  return success;
}
