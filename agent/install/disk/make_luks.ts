/** Makes a LUKS2 volume with keys of the clone's own: cryptsetup(8). Keys go through files in memory, never argv. */
import type { PlannedEncrypted } from "#plan/actions.ts";
import { loadModules } from "../../sys/modules.ts";
import { textOf } from "../../sys/small_file.ts";
import type { TargetDisks } from "./guard.ts";
import { addKey, type LuksKeys, RANDOM_KEY_DERIVATION } from "./luks_keys.ts";
import type { CarryOut } from "./carry_out.ts";
import { wipeVolume } from "./wipe.ts";

/** Formatting gathers random numbers, and deriving a key takes seconds by design. */
const LUKS_MS = 5 * 60_000;

/** Options of cryptsetup for the persistent flags of LUKS2. */
const FLAG_OPTIONS: ReadonlyMap<string, string> = new Map([
  ["allow-discards", "--allow-discards"],
  ["same-cpu-crypt", "--perf-same_cpu_crypt"],
  ["submit-from-crypt-cpus", "--perf-submit_from_crypt_cpus"],
  ["no-read-workqueue", "--perf-no_read_workqueue"],
  ["no-write-workqueue", "--perf-no_write_workqueue"],
]);

/** The key comes from the standard input. Pure. */
export function luksFormatArgv(
  { uuid, label, cipher, keyBits, sectorBytes, dataAtBytes }: PlannedEncrypted,
  device: string,
): readonly [string, ...string[]] {
  return [
    ...["cryptsetup", "luksFormat", "--type", "luks2", "--batch-mode", "--key-file", "-"] as const,
    ...["--uuid", uuid, "--cipher", cipher, "--key-size", String(keyBits)],
    ...["--sector-size", String(sectorBytes), "--offset", String(dataAtBytes / 512)],
    ...label === undefined || label === "" ? [] : ["--label", label],
    ...RANDOM_KEY_DERIVATION,
    device,
  ];
}

/** The same. `flags`: persistent from now on. Pure. */
export function luksOpenArgv(
  { name, flags }: Pick<PlannedEncrypted, "name" | "flags">,
  device: string,
): readonly [string, ...string[]] {
  const options = flags.flatMap((flag) => FLAG_OPTIONS.get(flag) ?? []);
  return [
    ...["cryptsetup", "open", "--type", "luks2", "--batch-mode", "--key-file", "-"] as const,
    ...options.length > 0 ? [...options, "--persistent"] : [],
    ...[device, name],
  ];
}

/** Disposing closes it. */
export async function makeEncrypted(
  target: TargetDisks,
  { encrypted, keys, run, signal }: CarryOut & {
    readonly encrypted: PlannedEncrypted;
    readonly keys: LuksKeys;
  },
): Promise<AsyncDisposable> {
  await using stack = new AsyncDisposableStack();
  const { name, on } = encrypted, { recoveryKey, passphrase } = keys;
  const device = target.device(on);
  const options = { signal, timeoutMs: LUKS_MS, title: `cannot make the LUKS volume ${name} on ${device}` };
  await loadModules(["dm-mod", "dm-crypt"], { run, signal });
  await run(luksFormatArgv(encrypted, device), { ...options, input: recoveryKey });
  if (passphrase !== undefined) {
    const derivation = await passphraseDerivation();
    await addKey(device, { recoveryKey, key: passphrase, derivation, run, signal });
  }
  await run(luksOpenArgv(encrypted, device), { ...options, input: recoveryKey });
  const volume = { kind: "luks", name } as const;
  stack.defer(async () => {
    await run(["cryptsetup", "close", name]);
    target.setActive(volume, undefined);
  });
  target.setActive(volume, `/dev/mapper/${name}`);
  await wipeVolume(target.device(volume), { run, signal });
  return stack.move();
}

/**
 * cryptsetup's own limits of memory are 32 KiB and 1 GiB; the clone's initramfs needs as much at each start, so it is
 * a part of what this machine has.
 */
export async function passphraseDerivation(): Promise<string[]> {
  const kib = /^MemTotal:\s+(\d+) kB$/m.exec(await textOf("/proc/meminfo") ?? "")?.[1];
  const memory = Math.min(1 << 20, Math.max(1 << 15, Math.floor(Number(kib ?? 0) / 8)));
  return ["--pbkdf", "argon2id", "--pbkdf-memory", String(memory)];
}
