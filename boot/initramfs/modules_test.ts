import assert from "node:assert/strict";
import type { ToolUse } from "#contract/tools.ts";
import { directorySource } from "./directory_source.ts";
import { ModuleAliases } from "./module_index.ts";
import { driversFor, selectModules } from "./modules.ts";
import { needs } from "../../test/support/needs.ts";

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
    "kernel/crypto/xts.ko:",
    "kernel/lib/xor-special.ko:",
    "kernel/drivers/platform/odd-bus.ko:",
    "extra/vendor/vendor_raid.ko.xz: kernel/drivers/scsi/libsas.ko",
    "extra/vendor/vendor_gpu.ko.zst:",
    "kernel/drivers/scsi/libsas.ko:",
    "kernel/drivers/misc/asked.ko:",
    "kernel/fs/ext4/ext4.ko.xz:",
    "../../etc/shadow:",
  ].join("\n"),
  "modules.alias": "alias needs-me asked\nalias pci:v00001AF4d00001234sv*sd*bc*sc*i* odd-bus\n" +
    "alias pci:v00008086d000010D3sv*sd*bc*sc*i* e1000e\n",
  "modules.builtin": "kernel/drivers/ata/ahci.ko\n",
  "modules.softdep": "softdep btrfs pre: needs_me post: unknown\n",
  "modules.order": "",
};

/** Runs with a tree that has the index files, and modules of the contents given. */
async function inTree(
  work: (root: string, folder: string) => Promise<void>,
): Promise<void> {
  const root = await Deno.makeTempDir();
  try {
    const folder = `${root}/lib/modules/${release}`;
    await Deno.mkdir(folder, { recursive: true });
    for (const [name, text] of Object.entries(moduleFiles)) {
      await Deno.writeTextFile(`${folder}/${name}`, text);
    }
    await work(root, folder);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

async function modulesOf(
  root: string,
  { uses = [], more = [] }: { uses?: ToolUse[]; more?: readonly string[] },
): Promise<string[]> {
  const selection = await selectModules(await directorySource(root), {
    release,
    uses: new Set(uses),
    more,
  });
  return selection?.files.filter((path) => path.includes(".ko")).map((path) =>
    path.slice(`/lib/modules/${release}/`.length)
  ) ?? [];
}

const ALWAYS = [
  "kernel/crypto/blake2b_generic.ko",
  "kernel/drivers/misc/asked.ko",
  "kernel/drivers/net/ethernet/intel/e1000e/e1000e.ko",
  "kernel/drivers/pps/pps_core.ko",
  "kernel/drivers/ptp/ptp.ko",
  "kernel/drivers/scsi/libsas.ko",
  "kernel/fs/btrfs/btrfs.ko",
  "kernel/fs/ext4/ext4.ko.xz",
  "kernel/lib/xor-special.ko",
];

Deno.test("modules for network, disks and file systems are chosen with their dependencies, and no others", () =>
  inTree(async (root) => {
    const source = await directorySource(root);
    const selection = await selectModules(source, { release, uses: new Set(), more: [] });
    assert.deepEqual(selection?.files.map((path) => path.slice(`/lib/modules/${release}/`.length)), [
      "modules.alias",
      "modules.builtin",
      "modules.dep",
      "modules.order",
      "modules.softdep",
      ...ALWAYS,
    ]);
    assert.equal(selection?.moduleCount, ALWAYS.length);
    assert.deepEqual(selection?.firmware, []);
    assert.equal(
      await selectModules(source, { release: "5.10.0-other", uses: new Set(), more: [] }),
      undefined,
    );
  }));

Deno.test("ciphers are included if the layout has encrypted volumes", () =>
  inTree(async (root) => {
    assert.deepEqual(
      await modulesOf(root, { uses: ["luks"] }),
      [...ALWAYS, "kernel/crypto/serpent_generic.ko", "kernel/crypto/xts.ko"].sort(),
    );
  }));

Deno.test("modules for the hardware of nodes are included, wherever they are", () =>
  inTree(async (root) => {
    const odd = { modalias: "pci:v00001AF4d00001234sv00000000sd00000000bc01sc07i00", driver: "odd" };
    const usual = { modalias: "pci:v00008086d000010D3sv00000000sd00000000bc02sc00i00", driver: "e1000e" };
    const builtIn = { modalias: "pci:v00008086d00002922sv00000000sd00000000bc01sc06i01", driver: "ahci" };
    const unknown = { modalias: "pci:v00009999d00000001sv00000000sd00000000bc01sc04i00", driver: "newraid" };
    const bridge = { modalias: "pci:v00008086d0000244Esv00000000sd00000000bc06sc04i00", driver: "pcieport" };
    const idle = { modalias: "pci:v00009999d00000002sv00000000sd00000000bc01sc04i00" };
    const drivers = await driversFor(await directorySource(root), {
      release,
      uses: new Set(),
      hardware: [odd, usual, builtIn, unknown, bridge, idle],
    });
    assert.deepEqual(drivers, { modules: ["odd_bus"], lacking: [unknown] });
    assert.deepEqual(
      await modulesOf(root, { more: drivers.modules }),
      [...ALWAYS, "kernel/drivers/platform/odd-bus.ko"].sort(),
    );
  }));

Deno.test({
  name:
    "drivers that a hardware vendor added are included if they serve NICs or storage, with their firmware",
  ...needs({ programs: ["cc", "xz", "zstd"] }),
  fn: () =>
    inTree(async (root, folder) => {
      await makeModule(`${folder}/extra/vendor/vendor_raid.ko`, {
        firmware: "vendor/raid.bin",
        calls: "scsi_add_host_with_dma",
        compressor: ["xz", "--check=crc32"],
      });
      await makeModule(`${folder}/extra/vendor/vendor_gpu.ko`, {
        firmware: "vendor/gpu.bin",
        calls: "drm_dev_register",
        compressor: ["zstd", "-q", "--rm"],
      });
      await Deno.mkdir(`${root}/lib/firmware/vendor`, { recursive: true });
      for (const name of ["raid.bin.zst", "raid.bin.xz", "gpu.bin"]) {
        await Deno.writeTextFile(`${root}/lib/firmware/vendor/${name}`, name);
      }
      const selection = await selectModules(await directorySource(root), {
        release,
        uses: new Set(),
        more: [],
      });
      assert.ok(selection?.files.includes(`/lib/modules/${release}/extra/vendor/vendor_raid.ko.xz`));
      assert.equal(selection?.files.some((path) => path.includes("vendor_gpu")), false);
      assert.deepEqual(selection?.firmware, ["/lib/firmware/vendor/raid.bin.zst"]);
      Deno.truncateSync(`${folder}/extra/vendor/vendor_raid.ko.xz`, 200);
      assert.equal(selection?.files.length, (await modulesOf(root, {})).length + 5 + 1, "damaged: left out");
    }),
});

/** Compiles an object file that looks like a module, and compresses it. */
async function makeModule(
  path: string,
  { firmware, calls, compressor }: { firmware: string; calls: string; compressor: readonly string[] },
): Promise<void> {
  await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
  await Deno.writeTextFile(
    `${path}.c`,
    `const char i[] __attribute__((section(".modinfo"))) = "firmware=${firmware}";\n` +
      `int ${calls}(void); int f(void) { return ${calls}(); }\n`,
  );
  const [program = "", ...args] = compressor;
  for (const argv of [["cc", "-c", "-o", path, `${path}.c`], [program, ...args, path]]) {
    const { success, stderr } = await new Deno.Command(argv[0] ?? "", { args: argv.slice(1) }).output();
    assert.ok(success, new TextDecoder().decode(stderr));
  }
  await Deno.remove(`${path}.c`);
}

const aliasCases: [modalias: string, modules: string[]][] = [
  ["pci:v00001AF4d00001041sv00001AF4sd00001100bc02sc00i00", ["virtio_pci"]],
  ["usb:v0BDAp8153d3100dc00dsc00dp00icFFiscFFip00in00", ["r8152"]],
  ["usb:v0BDAp8159d3100dc00dsc00dp00icFFiscFFip00in00", []],
  ["acpi:PNP0501:", ["serial_pnp"]],
  ["", []],
];
const aliases = new ModuleAliases([
  "alias pci:v00001AF4d*sv*sd*bc*sc*i* virtio_pci",
  "alias usb:v0BDAp815[2-5]d*dc*dsc*dp*icFFisc*ip*in* r8152",
  "alias acpi*:PNP0501:* serial-pnp",
].join("\n"));
for (const [modalias, modules] of aliasCases) {
  Deno.test(`the modules for ${modalias || "no device"} are ${modules.join(", ") || "none"}`, () => {
    assert.deepEqual(aliases.ofDevice(modalias), modules);
  });
}
