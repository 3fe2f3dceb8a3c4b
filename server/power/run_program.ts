/** Runs a program of the server's machine: an argv array, a clean environment, bounded time and output. */
import { RackseedError } from "#contract/errors.ts";

interface ProgramOptions {
  /** The action and its subject, for messages. */
  readonly title: string;
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  /** Added to PATH, HOME and LC_ALL. Secrets go here, never into argv, which every user of the machine can see. */
  readonly env?: Readonly<Record<string, string>>;
  /** What to do if the program is missing. */
  readonly missing: string;
}

export interface ProgramResult {
  readonly code: number;
  /** At most 64 KiB each. */
  readonly stdout: string;
  readonly stderr: string;
}

export type RunProgram = (
  argv: readonly [string, ...string[]],
  options: ProgramOptions,
) => Promise<ProgramResult>;

const MAX_BYTES = 64 << 10;
const GRACE_MS = 1000;

/** Throws RackseedError if the program is missing or does not end in time. */
export const runProgram: RunProgram = async ([program, ...args], options) => {
  const { title, signal, timeoutMs, env = {}, missing } = options;
  signal.throwIfAborted();
  const stopped = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  let child: Deno.ChildProcess;
  try {
    child = new Deno.Command(program, {
      args,
      clearEnv: true,
      env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", HOME: "/", LC_ALL: "C", ...env },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.PermissionDenied) {
      const reason = `${program} is not there, or cannot be run.`;
      throw new RackseedError(title, { reason, remedy: missing, status: 501 });
    }
    throw error;
  }
  const kill = (name: Deno.Signal) => {
    try {
      child.kill(name);
    } catch {
      // it has ended
    }
  };
  let hard: ReturnType<typeof setTimeout> | undefined;
  const stop = () => {
    kill("SIGTERM");
    hard = setTimeout(() => kill("SIGKILL"), GRACE_MS);
  };
  stopped.addEventListener("abort", stop, { once: true });
  const output = Promise.all([textOf(child.stdout, stopped), textOf(child.stderr, stopped)]);
  const { code } = await child.status;
  const [stdout, stderr] = await output;
  stopped.removeEventListener("abort", stop);
  clearTimeout(hard);
  if (signal.aborted) throw signal.reason;
  if (!stopped.aborted) return { code, stdout, stderr };
  throw new RackseedError(title, {
    reason: `${program} did not end within ${timeoutMs / 1000} s.`,
    remedy: "check that what it talks to answers.",
    status: 504,
  });
};

/** The rest is read and dropped, so that the program does not block. A grandchild may keep the pipe open. */
async function textOf(stream: ReadableStream<Uint8Array>, stopped: AbortSignal): Promise<string> {
  const reader = stream.getReader();
  const leave = () => void reader.cancel().catch(() => {});
  stopped.addEventListener("abort", leave, { once: true });
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    if (size < MAX_BYTES) chunks.push(value.subarray(0, MAX_BYTES - size));
    size += value.length;
  }
  stopped.removeEventListener("abort", leave);
  return new TextDecoder().decode(Buffer.concat(chunks));
}
