/** A TPM 2.0 in software for tests: swtpm, spoken to by raw commands over a socket, without a kernel in between. */
import { concat } from "#contract/tpm/bytes.ts";
import type { Transmit } from "../../agent/tpm/command.ts";

const PROGRAM = "/usr/bin/swtpm";

/** Why there is none here; undefined if there is. */
export async function noSoftwareTpm(): Promise<string | undefined> {
  return await Deno.stat(PROGRAM).then(() => undefined, () => "swtpm is not installed");
}

export class SoftwareTpm implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #connection: Deno.UnixConn;
  readonly #folder: string;

  private constructor(
    { process, connection, folder }: {
      process: Deno.ChildProcess;
      connection: Deno.UnixConn;
      folder: string;
    },
  ) {
    this.#process = process;
    this.#connection = connection;
    this.#folder = folder;
  }

  /** A new TPM, with keys of its own, just switched on. */
  static async start(): Promise<SoftwareTpm> {
    const folder = await Deno.makeTempDir({ prefix: "tpm" });
    const socket = `${folder}/socket`;
    const process = new Deno.Command(PROGRAM, {
      args: [
        ...["socket", "--tpm2", "--tpmstate", `dir=${folder}`, "--server", `type=unixio,path=${socket}`],
        ...["--flags", "not-need-init,startup-clear"],
      ],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    return new SoftwareTpm({ process, connection: await connected(socket), folder });
  }

  /** Sends a command, and reads its response as long as that says it is. */
  readonly transmit: Transmit = async (command) => {
    let left = command;
    while (left.length > 0) left = left.subarray(await this.#connection.write(left));
    const head = await this.#read(10);
    const size = new DataView(head.buffer).getUint32(2);
    return concat(head, await this.#read(size - head.length));
  };

  async #read(length: number): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length;) {
      const count = await this.#connection.read(bytes.subarray(at));
      if (count === null) throw new Error("swtpm closed the connection");
      at += count;
    }
    return bytes;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#connection.close();
    try {
      this.#process.kill("SIGTERM");
    } catch (error) {
      // it ends by itself when its client goes
      if (!(error instanceof TypeError)) throw error;
    }
    await this.#process.status;
    await Deno.remove(this.#folder, { recursive: true });
  }
}

async function connected(path: string): Promise<Deno.UnixConn> {
  for (let tries = 0;; tries++) {
    try {
      return await Deno.connect({ transport: "unix", path });
    } catch (error) {
      if (tries === 200) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
