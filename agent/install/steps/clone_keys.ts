/** Gives the clone its own way to open its encrypted volumes: a key file, or its TPM. */
import type { CloneTree } from "../../tree/tree_files.ts";
import { bindKernelTrees } from "../../sys/mount.ts";
import { actionsOf, type PlannedEncrypted } from "#plan/actions.ts";
import { keyFileOf } from "../fit/clone_disks.ts";
import { addKey, KeyFile, opensWith, RANDOM_KEY_DERIVATION } from "../disk/luks_keys.ts";
import type { Machine, PlannedDisk } from "./machine.ts";

const KEY_BYTES = 64;
/** The state of Secure Boot and its keys: systemd-cryptenroll(1). It outlives updates of kernel and initramfs. */
const PCRS = "7";
const ENROL_MS = 5 * 60_000;

/** What it needs of the machine. */
type Keyed = Pick<Machine, "run" | "signal"> & {
  readonly enrolled: { readonly order: Pick<Machine["enrolled"]["order"], "encryption"> };
};

/** Before the clone's initramfs is made, which holds some of it. Throws RackseedError. */
export async function giveKeys(
  machine: Keyed,
  { plan, target, clone }: PlannedDisk & { clone: CloneTree },
): Promise<void> {
  const { enrolled: { order: { encryption } } } = machine;
  const volumes = actionsOf(plan, "luks").map(({ encrypted }) => encrypted);
  if (encryption === undefined) return;
  const { unlock, recoveryKey } = encryption;
  for (const encrypted of volumes) {
    const options = { encrypted, device: target.device(encrypted.on), recoveryKey, clone };
    if (unlock === "key-file") await giveKeyFile(machine, options);
    if (unlock === "tpm2") await bindToTpm(machine, options);
  }
}

interface KeyOptions {
  readonly encrypted: PlannedEncrypted;
  readonly device: string;
  readonly recoveryKey: string;
  readonly clone: CloneTree;
}

async function giveKeyFile(
  { run, signal }: Keyed,
  { encrypted: { name }, device, recoveryKey, clone }: KeyOptions,
): Promise<void> {
  const path = keyFileOf(name);
  const before = await clone.bytes(path, { maxBytes: KEY_BYTES });
  if (before && await opensWith(before, { device, run, signal })) {
    clone.changed.add(path);
    return;
  }
  const key = crypto.getRandomValues(new Uint8Array(KEY_BYTES));
  await addKey(device, { recoveryKey, key, derivation: RANDOM_KEY_DERIVATION, run, signal });
  await clone.write(path, { text: key, mode: 0o600 });
}

/** With the image's own systemd-cryptenroll, which is what its initramfs understands. */
async function bindToTpm(
  { run, signal }: Keyed,
  { encrypted: { name }, device, recoveryKey, clone }: KeyOptions,
): Promise<void> {
  await using _trees = await bindKernelTrees(clone.root);
  // below /run, which the clone's tree shows, too
  await using file = await KeyFile.make(recoveryKey);
  await run([
    ...["systemd-cryptenroll", `--unlock-key-file=${file.path}`, "--wipe-slot=tpm2"] as const,
    ...["--tpm2-device=auto", `--tpm2-pcrs=${PCRS}`, device],
  ], {
    root: clone.root,
    signal,
    timeoutMs: ENROL_MS,
    title: `cannot bind the LUKS volume ${name} to this machine's TPM`,
    remedy:
      "clear the TPM in the firmware's settings, and check that the template's systemd is 252 or newer " +
      "and has libtss2-esys, -rc and -mu; or choose another way to open the node.",
  });
}
