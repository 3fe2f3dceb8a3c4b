/** Runs one hook: captures its output as lines, limits its time, and when stopping it kills all that it started. */
import { type Hook, MAX_OUTPUT_BYTES, MAX_OUTPUT_LINES } from "#contract/api/hooks.ts";
import { ENVIRONMENT } from "../sys/command.ts";
import { interpreterOf } from "./interpreter.ts";

export interface HookContext {
  /** In addition to the environment of every command. */
  readonly environment: Readonly<Record<string, string>>;
  /** Directory to chroot into. */
  readonly root?: string | undefined;
  /** Directory for the script while it runs; must be visible inside `root` under the same path. */
  readonly folder?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onLine?: (line: string) => void;
}

export interface HookResult {
  /** Undefined if the hook was stopped. */
  readonly code: number | undefined;
  readonly lines: readonly string[];
}

/** How long to keep reading after the hook ended, if a background program holds its output open. */
const DRAIN_MS = 500;

/** Throws the signal's reason if it is aborted, and the runtime's error if nothing can be started. */
export async function runHook(
  { script, timeoutSeconds }: Pick<Hook, "script" | "timeoutSeconds">,
  { environment, root, folder, signal, onLine }: HookContext,
): Promise<HookResult> {
  signal?.throwIfAborted();
  const directory = await Deno.makeTempDir({ ...(folder !== undefined && { dir: folder }), prefix: "hook-" });
  try {
    const file = `${directory}/script`;
    await Deno.writeTextFile(file, script, { mode: 0o700 });
    // one pipe for both outputs keeps their order
    const argv = ["/bin/sh", "-c", 'exec "$@" 2>&1', "sh", ...interpreterOf(script), file];
    const [program, ...args] = root === undefined ? argv : ["chroot", root, ...argv];
    // no listener would hear of an abort that came meanwhile
    signal?.throwIfAborted();
    const child = new Deno.Command(program as string, {
      args,
      clearEnv: true,
      env: { ...ENVIRONMENT, ...environment },
      ...(root === undefined && { cwd: "/" }),
      stdin: "null",
      stdout: "piped",
      stderr: "null",
      // its own session, so that everything it started can be killed with it
      detached: true,
    }).spawn();
    const stopped = AbortSignal.any([
      AbortSignal.timeout(timeoutSeconds * 1000),
      ...signal ? [signal] : [],
    ]);
    const end = () => killGroup(child.pid);
    stopped.addEventListener("abort", end, { once: true });
    const output = new LineTail(onLine);
    const reader = child.stdout.getReader();
    const reading = drain(reader, output);
    const { code } = await child.status;
    stopped.removeEventListener("abort", end);
    const timer = setTimeout(() => void reader.cancel(), DRAIN_MS);
    await reading;
    clearTimeout(timer);
    signal?.throwIfAborted();
    return { code: stopped.aborted ? undefined : code, lines: output.lines() };
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

async function drain(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  output: LineTail,
): Promise<void> {
  const decoder = new TextDecoder();
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    output.add(decoder.decode(part.value, { stream: true }));
  }
}

function killGroup(pid: number): void {
  try {
    Deno.kill(-pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error; // already gone
  }
}

/** Keeps the last lines of a text that arrives in pieces. */
class LineTail {
  readonly #onLine: ((line: string) => void) | undefined;
  #lines: string[] = [];
  #rest = "";

  constructor(onLine?: (line: string) => void) {
    this.#onLine = onLine;
  }

  add(text: string): void {
    const lines = (this.#rest + text).split("\n");
    this.#rest = (lines.pop() ?? "").slice(-MAX_OUTPUT_BYTES);
    for (const line of lines) this.#keep(line);
  }

  lines(): string[] {
    if (this.#rest) this.#keep(this.#rest);
    this.#rest = "";
    let bytes = 0;
    // whole lines from the end, up to the limit
    return this.#lines.toReversed().filter((line) => (bytes += line.length + 1) <= MAX_OUTPUT_BYTES)
      .toReversed();
  }

  #keep(line: string): void {
    const kept = line.trimEnd().slice(0, 1000);
    if (kept === "") return;
    this.#lines = [...this.#lines, kept].slice(-MAX_OUTPUT_LINES);
    this.#onLine?.(kept);
  }
}
