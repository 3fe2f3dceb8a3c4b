/** Debian's PostgreSQL on a socket in a temporary folder, as an unprivileged user. It keeps nothing. */
import { waitFor } from "./wait_for.ts";

const PROGRAMS = "/usr/lib/postgresql/15/bin";
export const postgresNeeds = { programs: ["setpriv"], files: [`${PROGRAMS}/initdb`, `${PROGRAMS}/postgres`] };
const NOBODY = 65534;
const USER = "rackseed";

export class Postgres implements AsyncDisposable {
  /** As libpq takes it. */
  readonly where: string;
  readonly #stack: AsyncDisposableStack;

  private constructor(folder: string, stack: AsyncDisposableStack) {
    this.where = `host=${folder} user=${USER} dbname=postgres`;
    this.#stack = stack;
  }

  static async start(): Promise<Postgres> {
    await using stack = new AsyncDisposableStack();
    const folder = await Deno.makeTempDir({ prefix: "rackseed-postgres-" });
    stack.defer(() => Deno.remove(folder, { recursive: true }));
    if (Deno.uid() === 0) await Deno.chown(folder, NOBODY, NOBODY);
    const data = `${folder}/data`;
    const made = await program("initdb", [
      ...["--pgdata", data, "--username", USER, "--auth", "trust"],
      ...["--encoding", "UTF8", "--locale", "C", "--no-sync"],
    ]).output();
    if (!made.success) throw new Error(`initdb failed: ${new TextDecoder().decode(made.stderr)}`);
    const child = program("postgres", [
      ...["-D", data, "-k", folder, "-c", "listen_addresses=", "-c", "fsync=off"],
      ...["-c", "max_connections=300", "-c", "logging_collector=off"],
    ], "null").spawn();
    stack.defer(async () => {
      // "fast shutdown": open connections are ended
      child.kill("SIGINT");
      await child.status;
    });
    await waitFor("PostgreSQL to be ready", async () => {
      const lines = await Deno.readTextFile(`${data}/postmaster.pid`).catch(() => "");
      return /^ready/m.test(lines);
    });
    return new Postgres(folder, stack.move());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}

/** PostgreSQL does not run as root. */
function program(name: string, args: readonly string[], stderr: "piped" | "null" = "piped"): Deno.Command {
  const argv = [`${PROGRAMS}/${name}`, ...args];
  const as = Deno.uid() === 0 ? ["setpriv", `--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups"] : [];
  const [command = "", ...rest] = [...as, ...argv];
  return new Deno.Command(command, { args: rest, cwd: "/", stdin: "null", stdout: "null", stderr });
}
