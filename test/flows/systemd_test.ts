/**
 * The service under a real systemd: a container with this machine's system and a writable layer over it, where the
 * product installs itself, serves DHCP, TFTP, rsync and HTTPS as its own user, and is reloaded and removed.
 */
import assert from "node:assert/strict";
import { ensureProduct } from "../../scripts/build.ts";
import { needs } from "../support/needs.ts";

/** Runs in the container; `set -e` ends it at the first command that fails. */
const INSIDE = `#!/bin/sh
exec > /root/said 2>&1
trap 'journalctl -u rackseed --no-pager | tail -n 30; systemctl poweroff' EXIT
set -e
ip link add eth9 type veth peer name eth8
ip addr add 10.9.0.1/24 dev eth9
ip link set eth8 up
ip link set eth9 up
rackseed install-service
printf 'interface: eth9\\ndhcp: server\\n' > /etc/rackseed/server.yaml
systemctl start rackseed
echo started by $(stat -c %U /proc/$(systemctl show -P MainPID rackseed))
grep -E '^(CapEff|NoNewPrivs|Seccomp):' /proc/$(systemctl show -P MainPID rackseed)/status
mkdir /srv/tree
echo content > /srv/tree/file
rackseed image import small /srv/tree
rackseed image verify small
echo 'upload-limit: 100mbit' >> /etc/rackseed/server.yaml
systemctl reload rackseed
until rackseed swarm show --json | grep 12500000; do sleep 0.2; done
systemctl show -P ActiveState rackseed
systemctl stop rackseed
systemctl show -P Result rackseed
rackseed uninstall-service
ls /var/lib/rackseed/rackseed.db
echo complete
`;
const UNIT = "[Service]\nType=oneshot\nExecStart=/root/inside.sh\nTimeoutStartSec=120\n";
const TARGET =
  "[Unit]\nRequires=basic.target\nWants=try-rackseed.service\nAfter=basic.target\nAllowIsolate=yes\n";

Deno.test({
  name: "under systemd the product starts in its sandbox, captures, reloads, stops, and leaves its data",
  ...needs({ root: true, programs: ["systemd-nspawn", "mount", "umount", "ip"] }),
  async fn(t) {
    const product = await ensureProduct();
    const folder = await Deno.makeTempDir({ prefix: "rackseed-systemd-" });
    await using stack = new AsyncDisposableStack();
    stack.defer(() => Deno.remove(folder, { recursive: true }));
    const refusal = await mountRoot(folder, stack);
    if (refusal !== undefined) {
      return void await t.step({ name: `skipped: ${refusal}`, ignore: true, fn() {} });
    }
    const root = `${folder}/root`;
    await Deno.copyFile(product, `${root}/usr/local/bin/rackseed`);
    await Deno.writeTextFile(`${root}/root/inside.sh`, INSIDE, { mode: 0o755 });
    await Deno.writeTextFile(`${root}/etc/systemd/system/try-rackseed.service`, UNIT);
    await Deno.writeTextFile(`${root}/etc/systemd/system/try-rackseed.target`, TARGET);
    for (
      const wait of ["systemd-networkd-wait-online", "NetworkManager-wait-online", "ifupdown-wait-online"]
    ) {
      await replaceByLink(`${root}/etc/systemd/system/${wait}.service`);
    }
    await container(root, ["--boot", "systemd.unit=try-rackseed.target"]);
    const said = await Deno.readTextFile(`${root}/root/said`);
    assert.match(said, /^complete$/m, said);
    const expected = [
      /^started by rackseed$/m,
      // CAP_NET_BIND_SERVICE is bit 10, CAP_NET_RAW bit 13 (capability.h)
      /^CapEff:\s+0000000000002400$/m,
      /^NoNewPrivs:\s+1$/m,
      /^Seccomp:\s+2$/m,
      /^small is sound/m,
      /^active$/m,
      /^success$/m,
      /^kept: \/etc\/rackseed\/server\.yaml/m,
    ];
    for (const line of expected) assert.match(said, line);
  },
});

/** This machine's system under a layer in memory, at FOLDER/root. Returns why that is not possible here. */
async function mountRoot(folder: string, stack: AsyncDisposableStack): Promise<string | undefined> {
  for (const name of ["memory", "root"]) await Deno.mkdir(`${folder}/${name}`);
  await run("mount", ["-t", "tmpfs", "tmpfs", `${folder}/memory`]);
  stack.defer(async () => void await run("umount", [`${folder}/memory`]));
  for (const name of ["upper", "work"]) await Deno.mkdir(`${folder}/memory/${name}`);
  const layers = `lowerdir=/,upperdir=${folder}/memory/upper,workdir=${folder}/memory/work`;
  const mounted = await run("mount", ["-t", "overlay", "overlay", "-o", layers, `${folder}/root`]);
  if (mounted !== "") return mounted;
  stack.defer(async () => void await run("umount", [`${folder}/root`]));
  // the container must not have this machine's identity
  await Deno.remove(`${folder}/root/etc/machine-id`).catch(() => {});
  const tried = await container(`${folder}/root`, ["/bin/true"]);
  return tried.success ? undefined : "systemd-nspawn starts no container here";
}

async function container(root: string, args: string[]): Promise<{ success: boolean }> {
  const options = ["--private-network", "--register=no", "--keep-unit", "--link-journal=no"];
  return await new Deno.Command("systemd-nspawn", {
    args: ["--quiet", "--directory", root, ...options, ...args],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).output();
}

/** As `systemctl mask` does. The container's network is never online in the sense of these units. */
async function replaceByLink(unit: string): Promise<void> {
  await Deno.remove(unit).catch(() => {});
  await Deno.symlink("/dev/null", unit);
}

/** What it complains of; "" if it has succeeded. */
async function run(program: string, args: string[]): Promise<string> {
  const { success, stderr } = await new Deno.Command(program, { args, stdout: "null" }).output();
  return success ? "" : new TextDecoder().decode(stderr).trim() || `${program} failed`;
}
