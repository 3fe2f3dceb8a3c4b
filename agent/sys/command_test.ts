import assert from "node:assert/strict";
import { RackseedError } from "#contract/errors.ts";
import { runCommand } from "./command.ts";

const failure = (pattern: RegExp) => (error: unknown) => {
  assert(error instanceof RackseedError);
  assert.match(`${error.title}|${error.reason}|${error.remedy}`, pattern);
  return true;
};

Deno.test("a command gets its input and returns its output", async () => {
  const { stdout, code } = await runCommand(["cat"], { input: "one\ntwo\n" });
  assert.deepEqual({ stdout, code }, { stdout: "one\ntwo\n", code: 0 });
});

Deno.test("a command inherits nothing from the agent's environment", async () => {
  Deno.env.set("LD_LIBRARY_PATH", "/nonexistent");
  Deno.env.set("RACKSEED_TOKEN", "secret");
  const { stdout } = await runCommand(["env"]);
  Deno.env.delete("LD_LIBRARY_PATH");
  Deno.env.delete("RACKSEED_TOKEN");
  assert.doesNotMatch(stdout, /LD_LIBRARY_PATH|RACKSEED/);
  assert.match(stdout, /^LC_ALL=C$/m);
});

Deno.test("the system's programs are found without searching /usr/local, which may be on a dead file server", async () => {
  const { stdout } = await runCommand(["sh", "-c", "echo $PATH"]);
  assert.match(stdout, /^\/usr\/sbin:\/usr\/bin:\/sbin:\/bin:\/usr\/local/);
});

Deno.test("arguments are never read by a shell", async () => {
  const { stdout } = await runCommand(["printf", "%s", "$(id) `id` ; id"]);
  assert.equal(stdout, "$(id) `id` ; id");
});

Deno.test("a failure says what was done, what the program said, and the remedy", async () => {
  await assert.rejects(
    runCommand(["sh", "-c", "echo no such luck >&2; exit 3"], { title: "cannot do it", remedy: "try luck" }),
    failure(/^cannot do it\|sh exited 3: no such luck\|try luck$/),
  );
  assert.equal((await runCommand(["sh", "-c", "exit 3"], { accept: [0, 3] })).code, 3);
});

Deno.test("a missing program is named with its package", async () => {
  await assert.rejects(
    runCommand(["no-such-program"]),
    failure(/the program no-such-program is not installed/),
  );
  await assert.rejects(runCommand(["/nonexistent/sfdisk"]), failure(/install fdisk \(RHEL: util-linux\)/));
});

Deno.test("a command that takes too long is killed, even if a child keeps its output open", async () => {
  const started = performance.now();
  await assert.rejects(
    runCommand(["sh", "-c", "sleep 20 & wait"], { timeoutMs: 200 }),
    failure(/did not end within 0.2 s/),
  );
  assert(performance.now() - started < 5_000);
});

Deno.test("a command that ignores SIGTERM is killed", async () => {
  const started = performance.now();
  await assert.rejects(
    runCommand(["sh", "-c", "trap '' TERM; while :; do sleep 1; done"], { timeoutMs: 200 }),
    failure(/did not end within 0.2 s/),
  );
  assert(performance.now() - started < 10_000);
});

Deno.test("an abort ends the command, and its reason is thrown", async () => {
  const stop = new AbortController();
  const running = runCommand(["sleep", "20"], { signal: stop.signal });
  stop.abort(new Error("called off"));
  await assert.rejects(running, /called off/);
});

Deno.test("of the error output, the last 16 KiB are kept", async () => {
  await assert.rejects(
    runCommand(["sh", "-c", "seq 1 20000 >&2; exit 1"]),
    (error: unknown) =>
      error instanceof RackseedError && /20000$/.test(error.reason) && error.reason.length < 17_000,
  );
});

Deno.test("a program that closes its input early is judged by its exit code", async () => {
  const { code } = await runCommand(["true"], { input: "x".repeat(1 << 20) });
  assert.equal(code, 0);
});
