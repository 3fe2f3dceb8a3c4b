import assert from "node:assert/strict";
import { makeSwapFiles, unusableSwapFiles } from "../../agent/install/fit/swap_files.ts";
import { runCommand as run } from "../../agent/sys/command.ts";
import { Mount } from "../../agent/sys/mount.ts";
import { CloneTree } from "../../agent/tree/tree_files.ts";
import { LoopDisk, missingForDisks } from "./loop_disk.ts";

const missing = missingForDisks(["mkfs.btrfs", "mkswap", "swapon", "swapoff", "chattr"]);
if (missing) console.log(`skipped: swap files on btrfs: ${missing}`);

Deno.test({
  name:
    "the kernel swaps to a swap file that was made on a compressed btrfs; one that is copied on write is made again",
  ignore: missing !== undefined,
  async fn() {
    await using disk = await LoopDisk.make({ sizeBytes: 200 << 20 });
    await run(["mkfs.btrfs", "-q", disk.device]);
    const at = await Deno.makeTempDir();
    {
      await using _mount = await Mount.at(at, { source: disk.device, type: "btrfs", data: "compress=zstd" });
      const clone = new CloneTree(at), files = [{ path: "/swap.img", sizeBytes: 16 << 20 }];
      assert.deepEqual(await makeSwapFiles(clone, { files, run }), ["/swap.img"]);
      await run(["swapon", `${at}/swap.img`]);
      await run(["swapoff", `${at}/swap.img`]);
      assert.deepEqual(await unusableSwapFiles(clone, files), []);
      await run([
        "bash",
        "-euc",
        `cd ${at}; cp swap.img other; chattr -C other; cat other > copy; chmod 600 copy; mv copy swap.img`,
      ]);
      assert.deepEqual(await unusableSwapFiles(clone, files), files);
    }
    await Deno.remove(at);
  },
});
