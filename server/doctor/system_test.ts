import assert from "node:assert/strict";
import { needs } from "../../test/support/needs.ts";
import { lockDataDirectory } from "../store/data_lock.ts";
import { realSystem } from "./system.ts";

Deno.test("the process that uses a data directory is found by its lock, until it ends", async () => {
  const data = await Deno.makeTempDir({ prefix: "rackseed-doctor-" });
  try {
    assert.equal(realSystem.serverPid(data), undefined, "no lock");
    {
      using _lock = lockDataDirectory(data);
      assert.equal(realSystem.serverPid(data), Deno.pid);
    }
    assert.equal(realSystem.serverPid(data), undefined, "unlocked");
  } finally {
    await Deno.remove(data, { recursive: true });
  }
});

Deno.test({
  name: "a locked file of another file system with the same inode number is no server's",
  ...needs({ root: true, programs: ["mount"] }),
  async fn() {
    await using stack = new AsyncDisposableStack();
    const [used, unused] = [await mountedTmpfs(stack), await mountedTmpfs(stack)];
    using _lock = lockDataDirectory(used);
    await Deno.writeTextFile(`${unused}/lock`, "");
    const inodes = [used, unused].map((data) => Deno.statSync(`${data}/lock`).ino);
    assert.equal(inodes[0], inodes[1], "a tmpfs numbers its files from the start");
    assert.equal(realSystem.serverPid(used), Deno.pid);
    assert.equal(realSystem.serverPid(unused), undefined);
  },
});

async function mountedTmpfs(stack: AsyncDisposableStack): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix: "rackseed-doctor-" });
  stack.defer(() => Deno.remove(folder));
  await run("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", folder]);
  stack.defer(() => run("umount", [folder]));
  return folder;
}

async function run(program: string, args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(program, { args }).output();
  assert.ok(success, `${program} ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
}
