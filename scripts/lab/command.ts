/** Runs programs as argv arrays; an error contains the program's own message. */

interface RunOptions {
  /** Text or bytes for the program's standard input; nothing by default. */
  readonly stdin?: string | Uint8Array;
  /** Added to the environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Replaces the environment. */
  readonly onlyEnv?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
  /** Exit codes other than 0 that are not failures. */
  readonly accept?: readonly number[];
}

interface RunResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `argv` to its end and returns its output; throws on an exit code that is not accepted. */
export async function run(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const { code, stdout, stderr } = await runBytes(argv, options);
  return { code, stdout: decode(stdout), stderr };
}

/** As `run`, for output that is not text (file names that are not UTF-8). */
export async function runBytes(
  argv: readonly string[],
  { stdin, env, onlyEnv, signal, accept = [] }: RunOptions = {},
): Promise<{ readonly code: number; readonly stdout: Uint8Array<ArrayBuffer>; readonly stderr: string }> {
  const [program, ...args] = argv;
  if (program === undefined) throw new TypeError("no program to run");
  const child = new Deno.Command(program, {
    args,
    stdin: stdin === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
    ...(env && { env }),
    ...(onlyEnv && { env: onlyEnv, clearEnv: true }),
    ...(signal && { signal }),
  }).spawn();
  const [output] = await Promise.all([child.output(), stdin === undefined ? undefined : feed(child, stdin)]);
  signal?.throwIfAborted();
  const stderr = decode(output.stderr);
  if (output.code !== 0 && !accept.includes(output.code)) {
    throw new Error(
      `${argv.join(" ").slice(0, 300)}: exit ${output.code}: ${
        lastLines(stderr || decode(output.stdout), 8)
      }`,
    );
  }
  return { code: output.code, stdout: output.stdout, stderr };
}

/** A program may end without reading all of its input; its exit code shows whether that is a failure. */
async function feed(child: Deno.ChildProcess, stdin: string | Uint8Array): Promise<void> {
  const bytes = typeof stdin === "string" ? new TextEncoder().encode(stdin) : stdin;
  try {
    await new Blob([bytes.slice()]).stream().pipeTo(child.stdin);
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}

export function lastLines(text: string, count: number): string {
  return text.trimEnd().split("\n").slice(-count).join("\n");
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
