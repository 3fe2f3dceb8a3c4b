/** The one way to run another program: an argv array, a clean environment, a time limit, bounded output. */
import { RackseedError } from "#contract/errors.ts";
import { CAPTURE_TOOLS, CLONE_TOOLS, packageOf, REQUIRED_TOOLS } from "#contract/tools.ts";

export interface CommandOptions {
  readonly input?: string;
  readonly signal?: AbortSignal | undefined;
  /** Default: one minute. */
  readonly timeoutMs?: number;
  /** The title of the error: "cannot format /dev/sda2 as ext4". */
  readonly title?: string;
  readonly remedy?: string;
  /** Exit codes that are not failures. Default: [0]. */
  readonly accept?: readonly number[];
  /** Runs inside this directory as its root. */
  readonly root?: string;
}

interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  /** At most its last 16 KiB. */
  readonly stderr: string;
}

/** The port: code that runs programs takes a `Run`, so that tests can answer in a program's place. */
export type Run = (argv: readonly [string, ...string[]], options?: CommandOptions) => Promise<CommandResult>;

const MAX_STDOUT_BYTES = 32 << 20;
const MAX_STDERR_BYTES = 16 << 10;
/** From SIGTERM to SIGKILL, and from SIGKILL to giving up on the program. */
const GRACE_MS = 2000;

/**
 * Programs inherit nothing: the agent itself may run with LD_LIBRARY_PATH set to its own libraries, which the image's
 * programs must not see.
 */
export const ENVIRONMENT = {
  // /usr/local last: at many sites it is mounted from a file server, and starting a program could wait for that
  PATH: "/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin",
  HOME: "/root",
  LC_ALL: "C",
  DEBIAN_FRONTEND: "noninteractive",
};

/**
 * Throws RackseedError if the program is missing, is killed, takes too long, or exits with another code.
 *
 * @example
 * ```ts
 * import { type Run, runCommand } from "./command.ts";
 *
 * export async function formatAsExt4(device: string, run: Run = runCommand): Promise<void> {
 *   const title = `cannot format ${device} as ext4`;
 *   await run(["mkfs.ext4", "-q", device], { title, timeoutMs: 10 * 60_000 });
 * }
 * ```
 */
export const runCommand: Run = async (argv, options = {}) => {
  const { input, signal, timeoutMs = 60_000, accept = [0], root } = options;
  signal?.throwIfAborted();
  const stopped = AbortSignal.any([AbortSignal.timeout(timeoutMs), ...(signal ? [signal] : [])]);
  const child = spawn(root === undefined ? argv : ["chroot", root, ...argv], { options, stopped });
  const work = Promise.all([
    collect(child.stdout, { maxBytes: MAX_STDOUT_BYTES, stopped }),
    collect(child.stderr, { maxBytes: MAX_STDERR_BYTES, stopped }),
    child.status,
    input === undefined ? undefined : feed(child.stdin, input),
  ]);
  const ended = await Promise.race([work, abandoned(child, stopped)]);
  if (signal?.aborted) throw signal.reason;
  const [stdout, stderr, status] = ended ?? [UNKILLABLE, UNKILLABLE, { code: -1, signal: null }];
  const outcome = stopped.aborted
    ? `did not end within ${timeoutMs / 1000} s`
    : stdout.cut
    ? `printed more than ${MAX_STDOUT_BYTES >> 20} MiB`
    : status.signal
    ? `was killed by ${status.signal}`
    : accept.includes(status.code)
    ? undefined
    : `exited ${status.code}`;
  if (outcome !== undefined) {
    throw new RackseedError(options.title ?? `cannot run ${argv.join(" ")}`, {
      reason: `${argv[0]} ${outcome}: ${
        (stderr.text.trim() || stdout.text.slice(-2000).trim()) || "no output"
      }`,
      remedy: options.remedy ?? `run \`${argv.join(" ")}\` by hand to see more.`,
    });
  }
  return { code: status.code, stdout: stdout.text, stderr: stderr.text };
};

function spawn(
  [program, ...args]: readonly [string, ...string[]],
  { options, stopped }: { options: CommandOptions; stopped: AbortSignal },
): Deno.ChildProcess {
  try {
    return new Deno.Command(program, {
      args,
      clearEnv: true,
      env: ENVIRONMENT,
      stdin: options.input === undefined ? "null" : "piped",
      stdout: "piped",
      stderr: "piped",
      signal: stopped,
    }).spawn();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) throw missing(program, options);
    throw error;
  }
}

const UNKILLABLE = {
  text: "it did not end even when killed; most likely it waits for a dead disk",
  cut: false,
};

/**
 * Resolves if the program outlives its time limit: it may ignore SIGTERM, and SIGKILL does not reach a program that
 * waits for a disk. The caller must learn of that instead of waiting too.
 */
function abandoned(child: Deno.ChildProcess, stopped: AbortSignal): Promise<undefined> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const giveUp = () => resolve(undefined);
  const kill = () => {
    timer = setTimeout(giveUp, GRACE_MS);
    try {
      child.kill("SIGKILL");
    } catch {
      // it has ended
    }
  };
  const begin = () => timer = setTimeout(kill, GRACE_MS);
  stopped.addEventListener("abort", begin, { once: true });
  const forget = () => {
    stopped.removeEventListener("abort", begin);
    clearTimeout(timer);
  };
  child.status.then(forget, forget);
  return promise;
}

/** Keeps the last `maxBytes`, but reads everything, so that the program never blocks on a full pipe. */
async function collect(
  stream: ReadableStream<Uint8Array>,
  { maxBytes, stopped }: { maxBytes: number; stopped: AbortSignal },
): Promise<{ text: string; cut: boolean }> {
  const reader = stream.getReader();
  // a grandchild may hold the pipe open after the program itself was killed
  const cancel = () => void reader.cancel().catch(() => {});
  stopped.addEventListener("abort", cancel, { once: true });
  const chunks: Uint8Array[] = [];
  let bytes = 0, cut = false;
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      chunks.push(part.value);
      bytes += part.value.length;
      while (bytes - (chunks[0]?.length ?? 0) >= maxBytes) {
        bytes -= chunks.shift()?.length ?? 0;
        cut = true;
      }
    }
  } finally {
    stopped.removeEventListener("abort", cancel);
  }
  const all = Buffer.concat(chunks);
  return { text: all.subarray(Math.max(0, all.length - maxBytes)).toString("utf8"), cut };
}

async function feed(stdin: WritableStream<Uint8Array>, input: string): Promise<void> {
  const writer = stdin.getWriter();
  try {
    await writer.write(new TextEncoder().encode(input));
    await writer.close();
  } catch {
    // if a program ends without reading all its input, its exit code says why
  }
}

function missing(program: string, { title }: CommandOptions): RackseedError {
  const name = program.replace(/^.*\//, "");
  const tool = [...REQUIRED_TOOLS, ...CAPTURE_TOOLS, ...CLONE_TOOLS].find((t) => t.name === name);
  return new RackseedError(title ?? `cannot run ${program}`, {
    reason: `the program ${name} is not installed.`,
    remedy: tool
      ? `install ${
        packageOf(tool)
      } on the template and capture it again; on a running machine, install it here.`
      : `install the package that contains ${name}.`,
  });
}
