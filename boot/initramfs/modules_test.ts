import assert from "node:assert/strict";
import { directorySource } from "./directory_source.ts";
import { selectModules } from "./modules.ts";

const release = "6.1.0-test";

const moduleFiles: Record<string, string> = {
  "modules.dep": [
    "kernel/drivers/net/ethernet/intel/e1000e/e1000e.ko: kernel/drivers/ptp/ptp.ko kernel/drivers/pps/pps_core.ko",
    "kernel/drivers/ptp/ptp.ko: kernel/drivers/pps/pps_core.ko",
    "kernel/drivers/pps/pps_core.ko:",
    "kernel/drivers/net/wireless/iwlwifi.ko: kernel/net/cfg80211.ko",
    "kernel/net/cfg80211.ko:",
    "kernel/drivers/gpu/drm/drm.ko:",
    "kernel/fs/btrfs/btrfs.ko:",
    "kernel/crypto/blake2b_generic.ko:",
    "kernel/crypto/serpent_generic.ko:",
    "kernel/lib/xor-special.ko:",
    "kernel/drivers/misc/asked.ko:",
    "kernel/fs/ext4/ext4.ko.xz:",
    "../../etc/shadow:",
  ].join("\n"),
  "modules.alias": "alias needs-me asked\nalias pci:v0000* e1000e\n",
  "modules.softdep": "softdep btrfs pre: needs_me post: unknown\n",
  "modules.order": "",
};

Deno.test("modules for network, disks and file systems are chosen with their dependencies, and no others", async () => {
  const root = await Deno.makeTempDir();
  try {
    const folder = `${root}/lib/modules/${release}`;
    await Deno.mkdir(folder, { recursive: true });
    for (const [name, text] of Object.entries(moduleFiles)) {
      await Deno.writeTextFile(`${folder}/${name}`, text);
    }
    const source = await directorySource(root);
    const selection = await selectModules(source, release);
    assert.deepEqual(selection?.files.map((path) => path.slice(`/lib/modules/${release}/`.length)), [
      "modules.alias",
      "modules.dep",
      "modules.order",
      "modules.softdep",
      "kernel/crypto/blake2b_generic.ko",
      "kernel/drivers/misc/asked.ko",
      "kernel/drivers/net/ethernet/intel/e1000e/e1000e.ko",
      "kernel/drivers/pps/pps_core.ko",
      "kernel/drivers/ptp/ptp.ko",
      "kernel/fs/btrfs/btrfs.ko",
      "kernel/fs/ext4/ext4.ko.xz",
      "kernel/lib/xor-special.ko",
    ]);
    assert.equal(selection?.moduleCount, 8);
    assert.deepEqual(selection?.firmware, []);
    assert.equal(await selectModules(source, "5.10.0-other"), undefined);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});
