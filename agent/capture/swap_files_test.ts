import assert from "node:assert/strict";
import { ForeignTree } from "../tree/tree_files.ts";
import { runCommand as run } from "../sys/command.ts";
import { filesInUse, findSwapFiles } from "./swap_files.ts";

Deno.test("files in use come from /proc/swaps, without those that a daemon creates on demand", () => {
  const swaps = `Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority
/dev/vda5                               partition\t65532\t\t0\t\t-2
/srv/more\\040swap                       file\t\t20468\t\t0\t\t-3
/old\\040(deleted)                       file\t\t20468\t\t0\t\t-3
/var/lib/swapspace/1                    file\t\t20468\t\t0\t\t-4
/dev/zram0                              partition\t65532\t\t0\t\t100
`;
  assert.deepEqual(filesInUse(swaps), ["/srv/more swap"]);
  assert.deepEqual(filesInUse(""), []);
});

const MIB = 1 << 20;
const CASES: { name: string; files: Record<string, string>; inUse?: string; found: string[] }[] = [
  {
    name: "fstab",
    files: { "/etc/fstab": "/swap.img none swap sw,pri=1 0 0\n#/b none swap\n" },
    found: ["/swap.img"],
  },
  {
    name: "a systemd unit",
    files: {
      "/etc/systemd/system/a.swap": "[Swap]\nWhat=/a\n",
      "/etc/systemd/system/dev-b.swap": "What=/dev/b\n",
    },
    found: ["/a"],
  },
  { name: "dphys-swapfile", files: { "/etc/dphys-swapfile": "#CONF_SWAPFILE=/x\n" }, found: ["/var/swap"] },
  { name: "dphys-swapfile elsewhere", files: { "/etc/dphys-swapfile": "CONF_SWAPFILE=/a\n" }, found: ["/a"] },
  { name: "being in use", files: {}, inUse: "Filename\n/a file 1 0 -2\n", found: ["/a"] },
  {
    name: "nothing that is not a file, is too small, or is a link",
    files: { "/etc/fstab": "/none none swap\n/small none swap\n/link none swap\n/dev/vda5 none swap\n" },
    found: [],
  },
];

for (const { name, files, inUse, found } of CASES) {
  Deno.test(`swap files by ${name}`, async () => {
    const root = await Deno.makeTempDir();
    try {
      await Deno.mkdir(`${root}/etc/systemd/system`, { recursive: true });
      await Deno.mkdir(`${root}/var`);
      for (const path of ["/swap.img", "/a", "/var/swap"]) {
        await Deno.writeFile(`${root}${path}`, new Uint8Array(MIB), { mode: 0o600 });
        await run(["mkswap", "--label", "more", `${root}${path}`]);
      }
      await Deno.writeTextFile(`${root}/small`, "x");
      await Deno.symlink("a", `${root}/link`);
      for (const [path, text] of Object.entries(files)) await Deno.writeTextFile(`${root}${path}`, text);
      const swapFiles = await findSwapFiles(new ForeignTree(root), { inUse, run });
      assert.deepEqual(swapFiles.map(({ path }) => path), found);
      for (const { sizeBytes, label, uuid } of swapFiles) {
        assert.deepEqual([sizeBytes, label], [MIB, "more"]);
        assert.match(uuid ?? "", /^[0-9a-f-]{36}$/);
      }
    } finally {
      await Deno.remove(root, { recursive: true });
    }
  });
}
