/** Hooks of an installation, run in a clone's tree with the kernel's file systems bound into it. */
import assert from "node:assert/strict";
import type { Order } from "#contract/api.ts";
import type { Hook } from "#contract/api/hooks.ts";
import { runMachineHooks } from "../../agent/install/steps/machine_hooks.ts";
import { mount } from "../../agent/sys/kernel.ts";
import { Mount, MS } from "../../agent/sys/mount.ts";
import { needs } from "../support/needs.ts";

const hook = (name: string, script: string, more: Partial<Hook> = {}): Hook => ({
  when: "post-install",
  name,
  script,
  optional: false,
  timeoutSeconds: 60,
  ...more,
});
const identity = { hostname: "n1", interfaces: [] };

/** A tree with this machine's programs and nothing else. */
async function inTree(test: (root: string) => Promise<void>): Promise<void> {
  const root = await Deno.makeTempDir();
  for (const folder of ["usr", "etc", "dev", "proc", "sys", "run"]) await Deno.mkdir(`${root}/${folder}`);
  for (const folder of ["bin", "sbin", "lib", "lib64"]) {
    await Deno.symlink(`usr/${folder}`, `${root}/${folder}`);
  }
  const at = `${root}/usr`;
  const programs = await Mount.at(at, { source: "/usr", type: "none", flags: MS.BIND });
  try {
    mount({ source: "none", target: at, type: "none", flags: MS.BIND | MS.REMOUNT | MS.RDONLY });
    await test(root);
  } finally {
    await programs.unmount();
    // Anything still mounted there belongs to this machine.
    if ((await mountsBelow(root)).length === 0) await Deno.remove(root, { recursive: true });
  }
}

async function mountsBelow(root: string): Promise<string[]> {
  return (await Deno.readTextFile("/proc/self/mounts")).split("\n").filter((line) => line.includes(root));
}

function run(root: string, hooks: readonly Hook[]) {
  const order = { node: "n1", image: "web", version: 3, hooks } as unknown as Order;
  const lines: string[] = [];
  const done = runMachineHooks("post-install", {
    order,
    identity,
    disks: ["/dev/null", "/dev/zero"],
    root,
    log: { add: (line) => lines.push(line) },
    progress: { update() {} },
    signal: new AbortController().signal,
  });
  return { done, lines };
}

Deno.test({
  name: "a post-install hook runs in the clone's tree, which is unmounted afterwards, even if the hook fails",
  ...needs({ root: true }),
  fn: () =>
    inTree(async (root) => {
      const script = `#!/bin/sh -e
[ -c "$RACKSEED_DISK" ] && [ "$RACKSEED_DISKS" = "/dev/null /dev/zero" ] && [ -r /proc/self/status ] && [ -d /sys/kernel ]
echo "$RACKSEED_WHEN $RACKSEED_HOSTNAME $RACKSEED_IMAGE@$RACKSEED_VERSION" | tee /etc/hooked
`;
      const { done, lines } = run(root, [
        hook("mark", script),
        hook("other", "exit 9", { when: "first-boot" }),
      ]);
      const { message, log } = await done;
      assert.match(message, /^mark done/);
      assert.equal(await Deno.readTextFile(`${root}/etc/hooked`), "post-install n1 web@3\n");
      assert.equal(log.at(-1), "post-install n1 web@3");
      assert.deepEqual(lines, ["mark: post-install n1 web@3"]);
      await assert.rejects(run(root, [hook("bad", "ls /etc; exit 3")]).done, /exited 3: hooked/);
      const mounts = await Deno.readTextFile("/proc/self/mounts");
      assert.deepEqual(
        mounts.split("\n").filter((line) => line.includes(root)).length,
        1,
        "only the programs",
      );
    }),
});
