/**
 * A BMC of the lab: a program in Python, in which sushy-tools or pyghmi speaks the protocol, and which lets the lab
 * switch its machine. Their own drivers switch machines of libvirt, which the lab does not have.
 */
import { messageOf } from "#contract/errors.ts";
import { sushyArguments } from "../../test/support/sushy_emulator.ts";
import type { SwitchedMachine } from "./switched_machine.ts";
import { Transcript } from "./transcript.ts";

export type PowerProtocol = "redfish" | "ipmi";

/** The user is "admin". At most 20 bytes (IPMI 2.0 §22.30). */
export const BMC_PASSWORD = "hunter22-of-the-lab";

interface LabBmcOptions {
  readonly name: string;
  readonly protocol: PowerProtocol;
  readonly address: string;
  readonly port: number;
  readonly machine: SwitchedMachine;
  /** The folder with the emulators' programs; see test/support/python_bmcs.ts. */
  readonly bin: string;
  /** A folder for certificate and state, which exists. */
  readonly folder: string;
  /** The file to append the program's messages to. */
  readonly log: string;
  /** From a command line to the one that runs it in the lab's network. */
  readonly inside?: (argv: readonly string[]) => string[];
  readonly signal?: AbortSignal | undefined;
}

export class LabBmc implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #output: Transcript;
  readonly #orders: Promise<void>;

  private constructor(argv: readonly string[], { name, machine, log, signal }: LabBmcOptions) {
    const [program = "", ...args] = argv;
    this.#process = new Deno.Command(program, {
      args,
      env: { BMC_PASSWORD, PYTHONDONTWRITEBYTECODE: "1" },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#output = new Transcript(this.#process.stderr, { name: `the BMC of ${name}`, log, signal });
    this.#orders = obey(this.#process, machine);
  }

  /** Returns when it listens. */
  static async start(options: LabBmcOptions): Promise<LabBmc> {
    const { protocol, address, port, bin, folder, inside = (argv) => [...argv] } = options;
    const program = `${import.meta.dirname}/${protocol}_bmc.py`;
    const args = protocol === "ipmi"
      ? [address, `${port}`]
      : await sushyArguments(folder, { address, port, bin, password: BMC_PASSWORD });
    const bmc = new LabBmc(inside([`${bin}/python`, program, ...args]), options);
    try {
      await bmc.#output.expect(/Running on|^listening/m, { timeoutMs: 60_000 });
      return bmc;
    } catch (error) {
      await bmc[Symbol.asyncDispose]();
      throw new Error(`${messageOf(error)}\n${bmc.#output.tail(10)}`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#process.kill("SIGKILL");
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // it has ended already
    }
    await this.#process.status;
    await Promise.all([this.#orders, this.#output.closed]);
  }
}

/** Answers each line until the program ends; never throws. */
async function obey({ stdin, stdout }: Deno.ChildProcess, machine: SwitchedMachine): Promise<void> {
  const answers = stdin.getWriter(), encoder = new TextEncoder();
  let rest = "";
  try {
    for await (const text of stdout.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        const answer = await machine.carryOut(line).catch((error) => `failed: ${oneLine(messageOf(error))}`);
        await answers.write(encoder.encode(`${answer}\n`));
      }
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  } finally {
    await answers.abort().catch(() => {});
  }
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, " ");
}
