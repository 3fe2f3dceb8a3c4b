/** What would make arrays, encryption or groups fail, found out before the disks are touched. */
import type { Unlock } from "#contract/api/encryption.ts";
import { RackseedError } from "#contract/errors.ts";
import { arrayModules } from "../../layout/md/array_device.ts";
import { absentModules } from "../../sys/modules.ts";
import { exists } from "../../sys/small_file.ts";
import { together } from "../../sys/together.ts";
import { actionsOf, type Plan, type PlannedEncrypted } from "#plan/actions.ts";
import type { CarryOut } from "./carry_out.ts";
import { addKey, type LuksKeys } from "./luks_keys.ts";
import { luksFormatArgv, luksOpenArgv, passphraseDerivation } from "./make_luks.ts";
import { moduleOfVolume } from "./lvcreate.ts";
import { mdadmCreateArgv } from "./make_md.ts";

interface VolumeRehearsal extends CarryOut {
  readonly plan: Plan;
  readonly keys?: LuksKeys | undefined;
  readonly unlock?: Unlock | undefined;
}

/** The kernel's managed TPM 2.0. */
const TPM = "/dev/tpmrm0";
const LUKS_MS = 5 * 60_000;

/** Throws RackseedError. */
export async function rehearseVolumes({ plan, keys, unlock, run, signal }: VolumeRehearsal): Promise<void> {
  const arrays = actionsOf(plan, "md").map(({ array }) => array);
  const groups = actionsOf(plan, "lvm").map(({ group }) => group);
  const encrypted = actionsOf(plan, "luks").map((action) => action.encrypted);
  const title = `cannot make the volumes of ${plan.image} on this machine; nothing was written`;
  const words = {
    run,
    signal,
    title,
    remedy: "install what is missing on the template, and capture it again.",
  };
  const forArrays = arrays.flatMap((array) =>
    mdadmCreateArgv(array, { device: "", members: [], spares: [] })
  );
  const forEncrypted = encrypted.flatMap((one) => [...luksFormatArgv(one, ""), ...luksOpenArgv(one, "")]);
  const modules = [
    ...arrays.flatMap(({ level }) => arrayModules(level)),
    ...encrypted.length + groups.length > 0 ? ["dm-mod"] : [],
    ...encrypted.length > 0 ? ["dm-crypt"] : [],
    ...groups.flatMap(({ logical }) => logical.flatMap(({ type }) => moduleOfVolume(type) ?? [])),
  ];
  await together([
    () => proveOptions(["mdadm", "--create", "--help"], { planned: forArrays, ...words }),
    () => proveOptions(["cryptsetup", "--help"], { planned: forEncrypted, ...words }),
    async () => {
      if (groups.length > 0) await run(["lvm", "version"], words);
    },
    async () => {
      const absent = await absentModules(modules);
      if (absent.length > 0) await run(["modprobe", "-a", ...absent], words);
    },
  ]);
  if (encrypted.length > 0 && unlock === "tpm2" && !await exists(TPM)) {
    throw new RackseedError(title, {
      reason: "its encrypted volumes are to be bound to a TPM 2.0, and this machine shows none.",
      remedy: "switch the TPM on in the firmware's settings, or let the node be opened in another way.",
      status: 409,
    });
  }
  if (keys) { for (const one of encrypted) await rehearseEncryption(one, { keys, title, run, signal }); }
}

/** Programs of some releases lack an option; which ones, only they know. */
async function proveOptions(
  help: readonly [string, ...string[]],
  { planned, title, remedy, run, signal }: CarryOut & {
    planned: readonly string[];
    title: string;
    remedy: string;
  },
): Promise<void> {
  if (planned.length === 0) return;
  const { stdout, stderr } = await run(help, { title, remedy, signal, accept: [0, 1, 2] });
  const known = new Set(`${stdout}${stderr}`.match(/--[a-z0-9_-]+/g));
  const options = planned.flatMap((word) => /^--[a-z0-9_-]+/.exec(word)?.[0] ?? []);
  const unknown = options.filter((option) => !known.has(option) && !UNLISTED.has(option));
  if (unknown.length === 0) return;
  throw new RackseedError(title, {
    reason: `the image's ${help[0]} does not know ${[...new Set(unknown)].join(", ")}.`,
    remedy: `update ${help[0]} on the template, and capture it again.`,
    status: 409,
  });
}

/** Options of mdadm that its help for --create leaves out. */
const UNLISTED: ReadonlySet<string> = new Set(["--create", "--config", "--uuid", "--homehost", "--metadata"]);

/** On a file: whether this cryptsetup and this kernel know the cipher, and there is memory for the derivation. */
async function rehearseEncryption(
  encrypted: PlannedEncrypted,
  { keys: { recoveryKey, passphrase }, title, run, signal }: CarryOut & { keys: LuksKeys; title: string },
): Promise<void> {
  const file = await Deno.makeTempFile({ dir: "/run", prefix: "rackseed-rehearsal-" });
  try {
    await Deno.truncate(file, encrypted.dataAtBytes + (16 << 20));
    await run(luksFormatArgv(encrypted, file), { input: recoveryKey, signal, title, timeoutMs: LUKS_MS });
    if (passphrase === undefined) return;
    const derivation = await passphraseDerivation();
    await addKey(file, { recoveryKey, key: passphrase, derivation, run, signal });
  } finally {
    await Deno.remove(file);
  }
}
