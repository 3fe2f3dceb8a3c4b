/** Key slots of a LUKS volume, added with the recovery key: cryptsetup-luksAddKey(8). */
import type { Run } from "../../sys/command.ts";

export interface LuksKeys {
  /** In the first key slot of each volume. */
  readonly recoveryKey: string;
  readonly passphrase?: string | undefined;
}

/** Deriving keys takes seconds by design, and many on a slow machine. */
const ADD_MS = 5 * 60_000;

/** Of a random key: nothing is won by making each guess slow, and systemd-cryptenroll(1) agrees. */
export const RANDOM_KEY_DERIVATION = ["--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000"];

/** cryptsetup(8), RETURN CODES */
const WRONG_KEY = 2;

/** Whether the key opens the volume. */
export async function opensWith(
  key: Uint8Array,
  { device, run, signal }: { device: string; run: Run; signal?: AbortSignal | undefined },
): Promise<boolean> {
  await using file = await KeyFile.make(key);
  const argv = ["cryptsetup", "open", "--test-passphrase", "--key-file", file.path, device] as const;
  return (await run(argv, { accept: [0, WRONG_KEY], signal, timeoutMs: ADD_MS })).code === 0;
}

/** `derivation`: options for how the key is derived. */
export async function addKey(
  device: string,
  { recoveryKey, key, derivation, run, signal }: {
    recoveryKey: string;
    key: string | Uint8Array;
    derivation: readonly string[];
    run: Run;
    signal?: AbortSignal | undefined;
  },
): Promise<void> {
  await using file = await KeyFile.make(key);
  await run([
    ...["cryptsetup", "luksAddKey", "--batch-mode", "--key-file", "-"] as const,
    ...derivation,
    ...[device, file.path],
  ], {
    input: recoveryKey,
    signal,
    timeoutMs: ADD_MS,
    title: `cannot add a key to the LUKS volume on ${device}`,
  });
}

/** A key in a file that only root can read, in memory, until it is disposed of. */
export class KeyFile implements AsyncDisposable {
  readonly path: string;
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
    this.path = `${folder}/key`;
  }

  static async make(key: string | Uint8Array): Promise<KeyFile> {
    const file = new KeyFile(await Deno.makeTempDir({ dir: "/run", prefix: "rackseed-key-" }));
    const bytes = typeof key === "string" ? new TextEncoder().encode(key) : key;
    await Deno.writeFile(file.path, bytes, { mode: 0o600 });
    return file;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#folder, { recursive: true });
  }
}
