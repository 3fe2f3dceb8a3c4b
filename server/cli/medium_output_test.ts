import assert from "node:assert/strict";
import { run } from "../../scripts/lab/command.ts";
import { claimBlockDevice } from "../../agent/sys/kernel.ts";
import { needs } from "../../test/support/needs.ts";
import { openOutput } from "./medium_output.ts";

const claimDevice = (path: string) => Promise.try(() => claimBlockDevice(path));
const write = async (
  path: string,
  bytes: number,
  options: Partial<Parameters<typeof openOutput>[1]> = {},
) => {
  await using output = await openOutput(path, { claimDevice, ...options });
  output.refuseTooSmall(bytes);
  await output.write(new Uint8Array(bytes).fill(7));
  await output.finish();
};

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await work(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("a file appears under its name when it is whole, for its owner alone", () =>
  inFolder(async (folder) => {
    const path = `${folder}/stick.img`;
    await write(path, 1000);
    assert.equal((await Deno.stat(path)).size, 1000);
    assert.equal((await Deno.stat(path)).mode! & 0o777, 0o600);
    {
      await using output = await openOutput(`${folder}/other.img`, { claimDevice });
      await output.write(new Uint8Array(10));
      await assert.rejects(
        openOutput(`${folder}/other.img`, { claimDevice }),
        /other.img.part exists already/,
      );
    }
    assert.deepEqual([...Deno.readDirSync(folder)].map(({ name }) => name), ["stick.img"]);
    await assert.rejects(write(`${folder}/none/stick.img`, 1), /cannot write a medium to/);
    await assert.rejects(write(folder, 1), /neither a file nor a disk/);
  }));

Deno.test({
  name: "a full disk is an error that leaves nothing behind",
  ...needs({ root: true, programs: ["mount"] }),
  fn: () =>
    inFolder(async (folder) => {
      await run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", folder]);
      try {
        await assert.rejects(write(`${folder}/stick.img`, 2 << 20), /No space left[^]*make room/);
        assert.deepEqual([...Deno.readDirSync(folder)], []);
      } finally {
        await run(["umount", folder]);
      }
    }),
});

Deno.test({
  name: "only a stick that nothing uses is written: not a fixed disk, a mounted or small one, or a partition",
  ...needs({ root: true, programs: ["losetup", "mkfs.ext4", "mount"] }),
  fn: () =>
    inFolder(async (folder) => {
      const image = `${folder}/disk.img`;
      await Deno.writeFile(image, new Uint8Array());
      await Deno.truncate(image, 4 << 20);
      await run(["mkfs.ext4", "-q", image]);
      const loop = (await run(["losetup", "--find", "--show", image])).stdout.trim();
      try {
        await assert.rejects(
          write(loop, 1 << 20),
          /neither removable nor attached by USB. Nothing was written/,
        );
        // a sysfs in which it is on a USB port
        const sys = await fakeSys(folder, loop);
        await Deno.mkdir(`${folder}/mnt`);
        await run(["mount", loop, `${folder}/mnt`]);
        try {
          await assert.rejects(write(loop, 1 << 20, { sys }), /it is in use[^]*Nothing was written/);
        } finally {
          await run(["umount", `${folder}/mnt`]);
        }
        await assert.rejects(write(loop, 8 << 20, { sys }), /needs .*and it has .*Nothing was written/);
        await write(loop, 1 << 20, { sys });
        assert.equal((await Deno.readFile(image))[5000], 7);
        await Deno.writeTextFile(`${folder}/usb1/sdz/partition`, "1\n");
        await assert.rejects(write(loop, 1 << 20, { sys }), /it is a partition; the whole disk is/);
      } finally {
        await run(["losetup", "--detach", loop]);
      }
    }),
});

async function fakeSys(folder: string, device: string): Promise<string> {
  const sys = `${folder}/sys`;
  const number = (await Deno.readTextFile(`/sys/block/${device.slice("/dev/".length)}/dev`)).trim();
  await Deno.mkdir(`${sys}/dev/block`, { recursive: true });
  await Deno.mkdir(`${folder}/usb1/sdz`, { recursive: true });
  await Deno.writeTextFile(`${folder}/usb1/sdz/removable`, "0\n");
  await Deno.symlink(`${folder}/usb1/sdz`, `${sys}/dev/block/${number}`);
  return sys;
}
