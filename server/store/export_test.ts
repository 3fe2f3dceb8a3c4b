import assert from "node:assert/strict";
import { sendTree } from "../capture/testing/sender.ts";
import { openTestServer } from "../capture/testing/service.ts";
import { readTree } from "../capture/testing/tree.ts";

/** Everything that a file system has and an image keeps. Bash runs this in the tree's folder. */
const MAKE_ODDITIES = String.raw`
set -e
umask 022
mkdir -p plain/deep sticky empty
chmod 1777 sticky
printf 'content\n' > plain/file; chown 1000:100 plain/file; chmod 4755 plain/file
printf x > plain/huge-owner; chown 3000000:4000000000 plain/huge-owner
: > plain/empty-file
printf 'bad name' > "$(printf 'plain/latin\351\377')"
printf 'text' > 'plain/übergröße 日本'
printf 'odd' > "$(printf 'plain/new\nline and = %%')"
ln -s "$(printf 'target\376')" plain/odd-link
ln -s nowhere plain/dangling
ln -s "$(printf 'l%.0s' $(seq 1 300))" plain/long-target
ln plain/file plain/deep/second-name
ln plain/file "$(printf 'plain/deep/third\375')"
long=$(printf 'd%.0s' $(seq 1 200)); mkdir -p "$long/$long"; printf long > "$long/$long/$long"
mkfifo pipe; chmod 620 pipe
mknod char c 10 200; mknod block b 259 1000000
truncate -s 10M sparse-end; printf begin | dd of=sparse-end conv=notrunc status=none
truncate -s 10M sparse-middle; printf end | dd of=sparse-middle bs=1 seek=10485757 conv=notrunc status=none
truncate -s 5M all-hole
for i in $(seq 0 2 400); do dd if=/dev/urandom of=many-holes bs=4096 count=1 seek=$i conv=notrunc status=none; done
dd if=/dev/urandom of=large bs=1M count=9 status=none
setfattr -n user.text -v value plain/file
setfattr -n user.binary -v 0x00ff0a3d plain/file
setfattr -n 'user.odd=%name' -v 1 plain/file
setfattr -n trusted.hidden -v secret empty
setfattr -h -n trusted.link -v on-link plain/dangling
setfacl -m u:1000:rwx,g:100:r plain/empty-file
setfacl -d -m u:1000:rx sticky
cp /bin/true plain/caps; setcap cap_net_raw+ep plain/caps
touch -h -d '2001-02-03 04:05:06.123456789 UTC' plain/dangling
touch -d '1969-12-31 23:59:58.250000000 UTC' plain/empty-file
touch -d '2500-01-01 00:00:00.000000001 UTC' plain/huge-owner
touch -d '2020-02-02 02:02:02.020202020 UTC' plain empty .
`;

Deno.test({
  name: "GNU tar extracts an export to the captured tree",
  // owners, devices, attributes need root; getfattr and setfacl the packages attr and acl
  ignore: Deno.uid() !== 0 || !(await has("setfacl")) || !(await has("getfattr")) || !(await has("setcap")),
  async fn() {
    const folder = await Deno.makeTempDir({ prefix: "rackseed-export-" });
    try {
      const tree = `${folder}/tree`, copy = `${folder}/copy`, tar = `${folder}/image.tar`;
      Deno.mkdirSync(tree);
      Deno.mkdirSync(copy);
      await run("bash", ["-c", MAKE_ODDITIES], { cwd: tree });
      await using server = await openTestServer(`${folder}/data`);
      const { id } = server.service.begin({ image: "odd", level: 3, excludes: [] });
      await sendTree(server.service, id, await readTree(tree));
      const view = await server.ended(id);
      assert.equal(view.state, "published", view.problem?.detail);
      {
        using file = await Deno.open(tar, { write: true, create: true });
        for await (const chunk of await server.store.exportTar("odd")) await file.write(chunk);
      }
      assert.equal(Deno.statSync(tar).size % 10240, 0);
      const flags = ["--xattrs", "--xattrs-include=*", "--acls", "--numeric-owner", "--sparse", "-p"];
      // GNU tar does not know hdrcharset (POSIX.1-2001), takes names as bytes anyway, and says so
      flags.push("--warning=no-unknown-keyword", "--warning=no-timestamp");
      const warnings = await run("tar", ["-x", ...flags, "-f", tar, "-C", copy]);
      assert.equal(warnings, "");
      for (const dump of DUMPS) {
        const [before, after] = [
          await run("bash", ["-c", dump], { cwd: tree }),
          await run("bash", ["-c", dump], {
            cwd: copy,
          }),
        ];
        assert.ok(before.length > 0);
        assert.equal(after, before);
      }
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

const DUMPS = [
  // type, path, mode, owner, time, links, target
  String.raw`find . -printf '%y %P %m %U %G %T@ %n %l\0' | sort -z | tr '\0' '\n'`,
  // ext4 counts the map of a file with many extents among its blocks
  String.raw`find . -type f ! -name many-holes -printf '%P %s %b\0' | sort -z | tr '\0' '\n'`,
  "find . -type f -print0 | sort -z | xargs -0 sha256sum",
  "find . -print0 | sort -z | xargs -0 getfattr -h -d -m - -e hex",
  "find . ! -type l -print0 | sort -z | xargs -0 getfacl -n",
  "find . '(' -type c -o -type b ')' -print0 | sort -z | xargs -0 stat -c '%n %t %T'",
];

async function has(program: string): Promise<boolean> {
  const { success } = await new Deno.Command("sh", { args: ["-c", `command -v ${program}`] }).output();
  return success;
}

/** Its combined output, one character a byte. */
async function run(program: string, args: string[], { cwd }: { cwd?: string } = {}): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, { args, ...(cwd && { cwd }) }).output();
  const said = Buffer.concat([stdout, stderr]).toString("latin1");
  if (!success) throw new Error(`${program}: ${said}`);
  return said;
}
