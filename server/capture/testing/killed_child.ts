/**
 * Runs `script` with Deno and kills it (SIGKILL) `killAfterMs` after it has printed `word`, by default "begun".
 * `busyMs`: time from "begun" to its end.
 */
export async function runUntilKilled(
  script: string,
  { args, killAfterMs, word = "begun" }: { args: readonly string[]; killAfterMs?: number; word?: string },
): Promise<{ lastWord: string; busyMs: number }> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", script, ...args],
    stdout: "piped",
  }).spawn();
  let lastWord = "", began = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    if (text.includes("begun")) began = performance.now();
    if (text.includes(word) && killAfterMs !== undefined) {
      timer ??= setTimeout(() => kill(child), killAfterMs);
    }
    lastWord = text.trim().split("\n").at(-1) ?? "";
  }
  const busyMs = performance.now() - began;
  await child.status;
  clearTimeout(timer);
  return { lastWord, busyMs };
}

function kill(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGKILL");
  } catch {
    // it has ended on its own
  }
}
