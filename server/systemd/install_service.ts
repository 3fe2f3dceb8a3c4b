/** `rackseed install-service`: carries out the plan. What is as planned stays untouched, so that it can run again. */
import { messageOf, RackseedError } from "#contract/errors.ts";
import { describeStep, type ServicePlace, servicePlan, type Step, UNIT } from "./service_plan.ts";
import { reloadManager, run } from "./system.ts";
import { UNIT_MARK } from "./unit.ts";

interface InstallOptions extends ServicePlace {
  /** The tree to install into: "/", or that of another system. */
  readonly root: string;
  readonly dryRun: boolean;
  readonly print: (line: string) => void;
}

/** Throws RackseedError. */
export async function installService({ root, dryRun, print, ...place }: InstallOptions): Promise<void> {
  const steps = servicePlan(place);
  refuseForeignUnit(root);
  if (!dryRun && Deno.uid() !== 0) throw notRoot("install");
  for (const step of steps) {
    const isDone = isMade(step, root);
    print(`${isDone ? "unchanged" : dryRun ? "would make" : "made"}: ${describeStep(step)}`);
    if (dryRun && !isDone && step.kind === "file") print(step.content.trimEnd().replaceAll(/^/gm, "    "));
    if (!dryRun && !isDone) await make(step, root);
  }
  if (!dryRun) await reloadManager(root);
}

export function notRoot(what: string): RackseedError {
  return new RackseedError(`cannot ${what} the service`, {
    reason: "only root may do that.",
    remedy: "run the command as root; --dry-run shows to everybody what it would do.",
    status: 400,
  });
}

/** A unit of the same name that a person wrote has settings that only that person knows. */
function refuseForeignUnit(root: string): void {
  const unit = readIfThere(root + UNIT);
  if (unit === undefined || unit.startsWith(UNIT_MARK)) return;
  throw new RackseedError("cannot install the service", {
    reason: `${root}${UNIT} exists, and this command has not written it. Nothing was changed.`,
    remedy: "carry its flags over to /etc/rackseed/server.yaml, move the unit away, and try again.",
    status: 400,
  });
}

function isMade(step: Step, root: string): boolean {
  switch (step.kind) {
    case "user":
      return userId(step.name, root) !== undefined;
    case "file": {
      const content = readIfThere(root + step.path);
      return step.keep ? content !== undefined : content === step.content;
    }
    case "directory": {
      const info = statIfThere(root + step.path);
      if (!info?.isDirectory) return false;
      if (step.owner === undefined) return true;
      return info.uid === userId(step.owner, root)?.uid && (info.mode ?? 0) % 0o1000 === step.mode;
    }
  }
}

async function make(step: Step, root: string): Promise<void> {
  try {
    if (step.kind === "user") await makeUser(step, root);
    else if (step.kind === "file") writeWhole(root + step.path, step);
    else makeDirectory(root + step.path, { ...step, id: userId(step.owner ?? "", root) });
  } catch (error) {
    if (error instanceof RackseedError) throw error;
    throw new RackseedError(`cannot make the ${describeStep(step)}`, {
      reason: `${messageOf(error)}.`,
      remedy: "remove the cause and run the command again: it continues where it ended.",
      cause: error,
    });
  }
}

function makeDirectory(
  path: string,
  { mode, owner, id }: { mode: number; owner?: string; id: { uid: number; gid: number } | undefined },
): void {
  Deno.mkdirSync(path, { recursive: true, mode });
  if (owner === undefined) return;
  Deno.chmodSync(path, mode);
  if (id) Deno.chownSync(path, id.uid, id.gid);
}

function writeWhole(path: string, { content, mode }: { content: string; mode: number }): void {
  const scratch = `${path}.new`;
  Deno.writeTextFileSync(scratch, content, { mode });
  Deno.chmodSync(scratch, mode);
  Deno.renameSync(scratch, path);
}

/** By systemd-sysusers, else by useradd (shadow), else by adduser (BusyBox). */
async function makeUser(
  { name, home, sysusers }: { name: string; home: string; sysusers: string },
  root: string,
): Promise<void> {
  const elsewhere = root === "" ? [] : ["--root", root];
  const ways: (readonly [string, ...string[]])[] = [
    ["systemd-sysusers", ...root === "" ? [] : [`--root=${root}`], root + sysusers],
    [
      "useradd",
      ...elsewhere,
      ...["--system", "--user-group", "--home-dir", home, "--no-create-home"],
      ...["--shell", "/usr/sbin/nologin", name],
    ],
    ...root === ""
      ? [["adduser", "-S", "-D", "-H", "-h", home, "-s", "/sbin/nologin", name] as [string, ...string[]]]
      : [],
  ];
  for (const argv of ways) if (await run(argv)) return;
  throw new RackseedError(`cannot make the system user ${name}`, {
    reason: "neither systemd-sysusers nor useradd nor adduser exists here.",
    remedy: `make the user and its group ${name} by hand, and run the command again.`,
  });
}

/** From passwd(5). */
export function userId(name: string, root: string): { uid: number; gid: number } | undefined {
  const line = readIfThere(`${root}/etc/passwd`)?.split("\n").find((l) => l.startsWith(`${name}:`));
  const [, , uid, gid] = line?.split(":") ?? [];
  return uid === undefined || gid === undefined ? undefined : { uid: Number(uid), gid: Number(gid) };
}

export function readIfThere(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

export function statIfThere(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.statSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
