/** The machine's own programs. */
import { RackseedError } from "#contract/errors.ts";

/** False if there is no such program. Throws RackseedError if it fails. */
export async function run([program, ...args]: readonly [string, ...string[]]): Promise<boolean> {
  let output: Deno.CommandOutput;
  try {
    output = await new Deno.Command(program, { args, stdin: "null", stdout: "null", stderr: "piped" })
      .output();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
  if (output.success) return true;
  const said = new TextDecoder().decode(output.stderr).trim().split("\n").at(-1);
  throw new RackseedError(`cannot run ${program} ${args.join(" ")}`, {
    reason: `it exited ${output.code}: ${said === "" ? "it said nothing" : said}.`,
    remedy: "run it by hand, remove the cause, and run the command again.",
  });
}

/** Whether systemd runs this machine (sd_booted(3)), and the tree is the machine's own. */
export function isManaged(root: string): boolean {
  if (root !== "") return false;
  try {
    return Deno.statSync("/run/systemd/system").isDirectory;
  } catch {
    return false;
  }
}

/** So that systemd knows the unit as it is now. */
export async function reloadManager(root: string): Promise<void> {
  if (isManaged(root)) await run(["systemctl", "daemon-reload"]);
}
