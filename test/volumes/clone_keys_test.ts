/** The keys of an encrypted clone, on a real LUKS volume: its own, the recovery key, a key file, and a TPM 2.0. */
import assert from "node:assert/strict";
import { TargetDisks } from "../../agent/install/disk/guard.ts";
import { makeVolumes } from "../../agent/install/disk/make_volumes.ts";
import { formatDisk, mountTree } from "../../agent/install/disk/partition.ts";
import { rehearse } from "../../agent/install/disk/rehearse.ts";
import { giveKeys } from "../../agent/install/steps/clone_keys.ts";
import { runCommand as run } from "../../agent/sys/command.ts";
import { bindKernelTrees } from "../../agent/sys/mount.ts";
import { CloneTree } from "../../agent/tree/tree_files.ts";
import type { Unlock } from "#contract/api/encryption.ts";
import type { Header } from "#contract/format/manifest.ts";
import type { Plan } from "#plan/actions.ts";
import { planInstall } from "#plan/plan.ts";
import { Template } from "#plan/testing/template.ts";
import { layTree } from "./boot_loaders/machine.ts";
import { assertReleased, inSmallVm, PROGRAMS } from "./in_small_vm.ts";
import { readMounted } from "./read_mounted.ts";
import { facts, KEY, prepare, shell, wipe } from "./stacks.ts";

const TREE = "/run/clone", VOLUME = "/dev/vdb3", TEMPLATE = "/dev/vdc3";
const recoveryKey = "abcd-efgh-ijkl-mnop";
const { signal } = new AbortController();

/** A running encrypted system, and what a capture reads of it. */
async function capturedTemplate(): Promise<Header> {
  await wipe();
  await prepare();
  await shell(`
    printf 'label: gpt\\nsize=1M,type=21686148-6449-6E6F-744E-656564454649\\nsize=64M\\nsize=300M\\n' | sfdisk -q /dev/vdc
    printf '${KEY}' | cryptsetup luksFormat -q --pbkdf pbkdf2 --pbkdf-force-iterations 1000 --type luks2 ${TEMPLATE} -
    printf '${KEY}' | cryptsetup open ${TEMPLATE} cryptroot -
    mkfs.ext4 -q /dev/vdc2; mkfs.ext4 -q /dev/mapper/cryptroot
    mkdir -p /mnt/m; mount /dev/mapper/cryptroot /mnt/m; mkdir /mnt/m/boot; mount /dev/vdc2 /mnt/m/boot`);
  const { layout } = await readMounted({ swapDevices: [] });
  await shell("umount -R /mnt/m; cryptsetup close cryptroot");
  return { ...new Template("bios").header, layout };
}

/** The clone of it on /dev/vdb, beside the template's disk; `then`: while its volumes are active. */
async function cloned(
  header: Header,
  unlock: Unlock,
  then: (target: TargetDisks, plan: Plan) => Promise<void>,
): Promise<void> {
  const [disk] = await facts(["vdb"]);
  assert(disk);
  const disks = [{ ...disk, content: "", labels: [], signatures: [] }];
  const choices = { disks: [disk.names[0] ?? ""] };
  const plan = planInstall({ node: "n1", header, firmware: "bios", disks, choices, unlock });
  await rehearse(plan, { keys: { recoveryKey }, unlock, run });
  const target = await TargetDisks.prove(plan);
  await layTree(TREE, Deno.env.get(PROGRAMS) ?? "/");
  {
    await using _made = await makeVolumes(target, { plan, keys: { recoveryKey }, onMake: () => {}, run });
    await formatDisk(target, { plan, onFormat: () => {}, run });
    {
      await using _mounts = await mountTree(target, { plan, at: "/mnt/m" });
      await Deno.writeTextFile("/mnt/m/file", "kept");
    }
    await then(target, plan);
  }
  assertReleased();
}

/** `times`: a machine whose power was cut is given its keys again. */
async function give(
  target: TargetDisks,
  { plan, unlock, times }: { plan: Plan; unlock: Unlock; times: number },
) {
  const machine = { run, signal, enrolled: { order: { encryption: { unlock, recoveryKey } } } };
  const clone = new CloneTree(TREE);
  for (let i = 0; i < times; i++) await giveKeys(machine, { plan, target, clone });
}

async function opens(device: string, input: string): Promise<boolean> {
  const argv = ["cryptsetup", "open", "--test-passphrase", "--key-file", "-", device] as const;
  return (await run(argv, { input, accept: [0, 2] })).code === 0;
}

async function volumeKey(device: string, key: string): Promise<string> {
  const argv = [
    "cryptsetup",
    "luksDump",
    "--batch-mode",
    "--dump-volume-key",
    "--key-file",
    "-",
    device,
  ] as const;
  const { stdout } = await run(argv, { input: key });
  const dump = /MK dump:\s*((?:[0-9a-f]{2}\s+)+)/.exec(stdout)?.[1];
  assert(dump !== undefined, stdout);
  return dump.replace(/\s+/g, "");
}

async function header(device: string): Promise<{ slots: number; tokens: unknown[] }> {
  const { stdout } = await run(["cryptsetup", "luksDump", "--dump-json-metadata", device]);
  const { keyslots, tokens } = JSON.parse(stdout);
  return { slots: Object.keys(keyslots).length, tokens: Object.values(tokens) };
}

inSmallVm(
  "a clone has a volume key of its own; its key file and the recovery key open it, nothing else",
  async () => {
    const captured = await capturedTemplate();
    await cloned(captured, "key-file", async (target, plan) => {
      await give(target, { plan, unlock: "key-file", times: 2 });
    });
    const key = `${TREE}/etc/cryptsetup-keys.d/cryptroot.key`;
    assert.equal((await Deno.stat(key)).mode ?? 0, 0o100600);
    await run(["cryptsetup", "open", "--readonly", "--key-file", key, VOLUME, "opened"]);
    assert.equal(
      await shell("mount -o ro,noload /dev/mapper/opened /mnt/m; cat /mnt/m/file; umount /mnt/m"),
      "kept",
    );
    await run(["cryptsetup", "close", "opened"]);
    assert.deepEqual([await opens(VOLUME, recoveryKey), await opens(VOLUME, KEY)], [true, false]);
    assert.deepEqual(await header(VOLUME), { slots: 2, tokens: [] });
    const uuid = (device: string) => shell(`cryptsetup luksUUID ${device}`);
    assert.equal(await uuid(VOLUME), await uuid(TEMPLATE));
    assert.notEqual(await volumeKey(VOLUME, recoveryKey), await volumeKey(TEMPLATE, KEY));
  },
);

/** As the clone's own initramfs does: systemd-cryptsetup(8). */
async function openedByTpm(): Promise<boolean> {
  await using _trees = await bindKernelTrees(TREE);
  const { code } = await run([
    ...[
      "env",
      "DM_DISABLE_UDEV=1",
      "/lib/systemd/systemd-cryptsetup",
      "attach",
      "opened",
      VOLUME,
      "-",
    ] as const,
    "tpm2-device=auto,headless=true",
  ], { root: TREE, accept: [0, 1] });
  if (code === 0) await run(["cryptsetup", "close", "opened"]);
  return code === 0;
}

inSmallVm("a clone bound to its TPM is opened by it, until the firmware's state changes", async () => {
  const captured = await capturedTemplate();
  await run(["modprobe", "tpm_tis"]);
  const bound = async (target: TargetDisks, plan: Plan) =>
    await give(target, { plan, unlock: "tpm2", times: 2 });
  await cloned(captured, "tpm2", bound);
  const { slots, tokens: [token, ...others] } = await header(VOLUME);
  assert.deepEqual([slots, others], [2, []]);
  const { type, "tpm2-pcrs": pcrs } = token as Record<string, unknown>;
  assert.deepEqual([type, pcrs], ["systemd-tpm2", [7]]);
  assert.equal(await openedByTpm(), true);
  // as with Secure Boot switched off
  await run(["tpm2_pcrextend", `7:sha256=${"ab".repeat(32)}`]);
  assert.equal(await openedByTpm(), false);
  assert.equal(await opens(VOLUME, recoveryKey), true);
});

inSmallVm("without a TPM the plan to use one is refused before anything is written", async () => {
  const captured = await capturedTemplate();
  await Deno.rename("/dev/tpmrm0", "/dev/hidden");
  const before = await shell("sync; cat /sys/block/vdb/stat");
  await assert.rejects(cloned(captured, "tpm2", () => Promise.resolve()), /this machine shows none/);
  assert.equal(await shell("sync; cat /sys/block/vdb/stat"), before);
});
