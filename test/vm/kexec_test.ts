/** kexec with a real kernel, locked down: what it refuses, and that it starts what a boot entry says. */
import assert from "node:assert/strict";
import { dirname } from "node:path";
import { runInSmallVm, smallVmNeeds } from "../../scripts/lab/small_vm.ts";
import { smallVmRoot } from "../../scripts/lab/small_vm_root.ts";
import { needs } from "../support/needs.ts";

Deno.test({
  name:
    "a kernel starts another one as the clone's GRUB would; locked down, it loads no kernel that was changed",
  ...needs(smallVmNeeds),
  async fn() {
    const { kernel } = await smallVmRoot({ cache: `${Deno.cwd()}/.cache/lab` });
    const files = dirname(kernel);
    const { code, output } = await runInSmallVm({
      // the second kernel runs the script again
      script: `
mountpoint -q /sys/kernel/security || mount -t securityfs none /sys/kernel/security
deno run -A --no-check --cached-only test/vm/kexec_guest.ts ${files}`,
      shares: [{ path: files }],
      memoryMiB: 1536,
    });
    assert.equal(code, 0, output);
    assert.match(output, /a changed kernel: the running kernel is locked down \(integrity\), .* \(E\w+\)/);
    assert.match(output, /the clone: it starts "right" without the firmware/);
    assert.match(output, /asked to end/);
    assert.match(output, /afterwards: the sysctl kernel\.kexec_load_disabled forbids it/);
    assert.match(
      output,
      /the second kernel: BOOT_IMAGE=\/vmlinuz-6\.1 console=ttyS0 .* started\.by=kexec by\.grub=yes$/m,
    );
  },
});
