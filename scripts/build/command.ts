/** Runs a program of the build and returns its standard output; its messages pass through. */
export async function run(
  argv: readonly [string, ...string[]],
  { cwd, env = {}, show = "on-failure" }: {
    cwd?: string;
    env?: Record<string, string>;
    show?: "on-failure" | "always";
  } = {},
): Promise<string> {
  const [program, ...args] = argv;
  const command = new Deno.Command(program, {
    args,
    env,
    ...(cwd === undefined ? {} : { cwd }),
    stdin: "null",
    stdout: "piped",
    stderr: show === "always" ? "inherit" : "piped",
  });
  const output = await command.output();
  const stdout = new TextDecoder().decode(output.stdout);
  if (output.success) return stdout;
  const stderr = show === "always" ? "" : new TextDecoder().decode(output.stderr);
  throw new Error(`${argv.join(" ")} exited ${output.code}: ${(stdout + stderr).trim()}`);
}
