/**
 * Runs in the small VM, at each of its starts: the first kernel starts the second one by kexec. The argument is the
 * folder with the VM's own kernel and initramfs.
 */
import assert from "node:assert/strict";
import { stopSystem } from "../../agent/restart/stop_system.ts";
import { runCommand } from "../../agent/sys/command.ts";
import { loadClone } from "../../agent/install/boot_loader/load_clone.ts";
import { loadKernel, MemoryFile, refusalToLoad, unloadKernel } from "../../agent/sys/kexec.ts";
import { kexecObstacle, loadObstacle, readKexecFacts } from "../../agent/sys/kexec_obstacle.ts";
import { TreeReader } from "../../agent/tree/tree_files.ts";

const [files = ""] = Deno.args;
const MARK = "started.by=kexec";
const commandLine = await Deno.readTextFile("/proc/cmdline");
if (commandLine.includes(MARK)) {
  console.log(`the second kernel: ${commandLine.trim()}`);
  Deno.exit(0);
}

const loaded = async () => (await Deno.readTextFile("/sys/kernel/kexec_loaded")).trim() === "1";
const inMemory = async (path: string, change = (bytes: Uint8Array) => bytes): Promise<MemoryFile> => {
  const file = new MemoryFile("kernel");
  using output = await file.open();
  const bytes = change(await Deno.readFile(path));
  for (let done = 0; done < bytes.length;) done += await output.write(bytes.subarray(done));
  return file;
};

assert.equal(refusalToLoad(), undefined);
assert.deepEqual(kexecObstacle(await readKexecFacts()), undefined);
assert.equal(await loaded(), false, "asking loads nothing");

// a file in memory can be loaded, and unloaded
{
  using kernel = await inMemory(`${files}/vmlinuz`);
  loadKernel({ kernel: kernel.fd, commandLine: MARK });
  assert.equal(await loaded(), true);
  unloadKernel();
  assert.equal(await loaded(), false);
}

// a clone whose GRUB starts the entry that was saved, with an early initramfs before the main one
const root = await Deno.makeTempDir();
await Deno.mkdir(`${root}/boot/grub`, { recursive: true });
await Deno.copyFile(`${files}/vmlinuz`, `${root}/boot/vmlinuz-6.1`);
await Deno.copyFile(`${files}/initramfs`, `${root}/boot/initrd.img-6.1`);
// an empty archive, and a length that is no multiple of 4
const zeros = (count: number) => "0".repeat(count);
const trailer = `070701${zeros(32)}00000001${zeros(48)}0000000B${zeros(8)}TRAILER!!!\0\0\0\0`;
await Deno.writeTextFile(`${root}/boot/early.img`, `${trailer}\0\0\0`);
await Deno.writeTextFile(
  `${root}/boot/grub/grub.cfg`,
  `set default="\${saved_entry}"
menuentry 'wrong' --id wrong {
	linux /vmlinuz-6.1 console=ttyS0 panic=-1
}
menuentry 'right' --class debian $menuentry_id_option 'right' {
	linux	/vmlinuz-6.1 console=ttyS0 loglevel=4 panic=-1 no_timer_check ${MARK} $extra
	initrd	/early.img /initrd.img-6.1
}
`,
);
await Deno.writeTextFile(
  `${root}/boot/grub/grubenv`,
  "# GRUB Environment Block\nsaved_entry=right\nextra=by.grub=yes\n".padEnd(1024, "#"),
);
const clone = await loadClone(new TreeReader(root), { facts: { loader: "grub" } });
console.log(`the clone: ${clone.note}`);
assert.ok(clone.isLoaded);

// a kernel that is locked down, as under Secure Boot, takes signed kernels only; what is loaded stays loaded
await Deno.writeTextFile("/sys/kernel/security/lockdown", "integrity");
const facts = await readKexecFacts();
assert.equal(facts.lockdown, "integrity");
{
  using changed = await inMemory(`${files}/vmlinuz`, (bytes) => {
    bytes[bytes.length >> 1]! ^= 1;
    return bytes;
  });
  let refused: unknown;
  try {
    loadKernel({ kernel: changed.fd, commandLine: MARK });
  } catch (error) {
    refused = error;
  }
  console.log(`a changed kernel: ${loadObstacle(refused, facts).reason}`);
  assert.equal(await loaded(), true);
}

await Deno.writeTextFile("/proc/sys/kernel/kexec_load_disabled", "1");
console.log(`afterwards: ${kexecObstacle(await readKexecFacts())?.reason}`);

// as on a machine without systemd: what runs is asked to end first
const { pid } = new Deno.Command("sh", {
  args: ["-c", "trap 'echo asked to end; exit 0' TERM; sleep 60 & wait"],
})
  .spawn();
console.log(`a program runs: ${pid > 0}`);
await new Promise((resolve) => setTimeout(resolve, 1000));
await stopSystem({ run: runCommand, signal: new AbortController().signal });
