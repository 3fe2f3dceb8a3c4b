/** A TPM 2.0 for virtual machines: swtpm, whose state is a folder and so outlives a machine's power-off. */
import { run } from "./command.ts";
import { withTimeout } from "./timeout.ts";

export const tpmPrograms = ["swtpm"];

export class Tpm implements AsyncDisposable {
  /** The socket for QEMU. */
  readonly socket: string;
  readonly #process: Deno.ChildProcess;

  private constructor(process: Deno.ChildProcess, socket: string) {
    this.#process = process;
    this.socket = socket;
  }

  /** @param folder its state, made if necessary. Keep it short: a socket's path has at most 107 bytes. */
  static async start(folder: string): Promise<Tpm> {
    await Deno.mkdir(folder, { recursive: true });
    const socket = `${folder}/socket`;
    await run(["rm", "-f", socket]);
    const process = new Deno.Command("swtpm", {
      args: [
        ...["socket", "--tpm2", "--tpmstate", `dir=${folder}`, "--ctrl", `type=unixio,path=${socket}`],
        // It ends with the machine.
        ...["--flags", "not-need-init,startup-clear", "--terminate"],
      ],
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    const tpm = new Tpm(process, socket);
    const ended = process.output().then(({ code, stderr }) => {
      throw new Error(`swtpm ended (${code}): ${new TextDecoder().decode(stderr)}`);
    });
    ended.catch(() => {});
    await withTimeout(Promise.race([ended, exists(socket)]), { timeoutMs: 10_000, what: "swtpm's socket" });
    return tpm;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#process.kill("SIGTERM");
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // it has ended already
    }
    await this.#process.status;
  }
}

export function tpmArguments(socket: string): string[] {
  return [
    ...["-chardev", `socket,id=tpm,path=${socket}`, "-tpmdev", "emulator,id=tpm0,chardev=tpm"],
    ...["-device", "tpm-tis,tpmdev=tpm0"],
  ];
}

async function exists(path: string): Promise<void> {
  while (!await Deno.lstat(path).then(() => true, () => false)) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
