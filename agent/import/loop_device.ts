/** A file as a disk with partitions: losetup(8). */
import type { Run } from "../sys/command.ts";

interface LoopOptions {
  readonly title: string;
  readonly readOnly: boolean;
  readonly run: Run;
  readonly signal: AbortSignal;
}

export class LoopDevice implements AsyncDisposable {
  readonly device: string;
  readonly #run: Run;

  private constructor(device: string, run: Run) {
    this.device = device;
    this.#run = run;
  }

  /** Throws RackseedError. */
  static async attach(path: string, { title, readOnly, run, signal }: LoopOptions): Promise<LoopDevice> {
    const argv = ["losetup", "--find", "--show", ...readOnly ? ["--read-only"] : [], path] as const;
    const remedy = "check that the kernel has the module loop, and that a loop device is free (losetup -l).";
    const { stdout } = await run(argv, { title, remedy, signal });
    await using stack = new AsyncDisposableStack();
    const loop = stack.use(new LoopDevice(stdout.trim(), run));
    // partx reads the table itself, so the kernel need not know its format; the last user may have left partitions
    await run(["partx", "--delete", loop.device], { accept: [0, 1], signal });
    await run(["partx", "--add", loop.device], { accept: [0, 1], signal });
    stack.move();
    return loop;
  }

  /** The kernel's name: "loop3". */
  get name(): string {
    return this.device.slice("/dev/".length);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#run(["partx", "--delete", this.device], { accept: [0, 1] });
    await this.#run(["losetup", "--detach", this.device]);
  }
}
