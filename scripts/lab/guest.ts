/** A running machine, accessed over the lab's network: commands by ssh, its application by HTTP. */
import { host } from "./addresses.ts";
import { run } from "./command.ts";
import type { LabNetwork } from "./network.ts";

export const guestPrograms = ["ssh", "ssh-keygen", "curl", "ip"];

export class Guest {
  readonly #network: LabNetwork;
  readonly #address: string;
  readonly #key: string;

  /** @param key path of the private key that may log in */
  constructor(network: LabNetwork, { address, key }: { readonly address: string; readonly key: string }) {
    this.#network = network;
    this.#address = address;
    this.#key = key;
  }

  /** Runs a shell command as root in the guest, once its sshd answers, and returns the output. */
  async shell(
    command: string,
    { stdin, signal, timeoutMs = 300_000 }: {
      readonly stdin?: string | Uint8Array;
      readonly signal?: AbortSignal | undefined;
      readonly timeoutMs?: number;
    } = {},
  ): Promise<string> {
    const deadline = AbortSignal.timeout(timeoutMs);
    const { stdout } = await run(this.#network.inside([...this.#ssh(), command]), {
      ...(stdin !== undefined && { stdin }),
      signal: signal ? AbortSignal.any([signal, deadline]) : deadline,
    });
    return stdout;
  }

  /** Returns before the shutdown, which would cut off the ssh session and hide its result. */
  async powerOff({ signal }: { readonly signal?: AbortSignal | undefined } = {}): Promise<void> {
    await this.shell("(sleep 1; systemctl poweroff) > /dev/null 2>&1 < /dev/null &", { signal });
  }

  /** The answer of the application on port 80. */
  async greeting({ signal }: { readonly signal?: AbortSignal | undefined } = {}): Promise<string> {
    // its address may come up after its login prompt
    const retry = ["--retry", "60", "--retry-delay", "1", "--retry-all-errors"];
    const url = `http://${host(this.#address)}/`;
    const argv = ["curl", "--silent", "--fail", "--max-time", "20", ...retry, url];
    const { stdout } = await run(this.#network.inside(argv), { signal });
    return stdout.trim();
  }

  #ssh(): string[] {
    return [
      ...["ssh", "-i", this.#key, "-o", "BatchMode=yes", "-o", "LogLevel=ERROR"],
      ...["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"],
      ...["-o", "ConnectTimeout=60", "-o", "ConnectionAttempts=30", `root@${this.#address}`],
    ];
  }
}

/** Creates a key pair at `path` and `path`.pub. */
export async function makeSshKey(path: string): Promise<void> {
  await run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "rackseed-lab", "-f", path]);
}
