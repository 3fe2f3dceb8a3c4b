/** `rackseed uninstall-service`: removes what `install-service` made. Data, and settings that were changed, stay. */
import { notRoot, readIfThere, statIfThere, userId } from "./install_service.ts";
import { removable, UNIT } from "./service_plan.ts";
import { isManaged, reloadManager, run } from "./system.ts";
import { USER } from "./unit.ts";

interface UninstallOptions {
  readonly root: string;
  readonly data: string;
  /** The file of settings as `install-service` writes it. */
  readonly settings: string;
  readonly dryRun: boolean;
  readonly print: (line: string) => void;
}

/** Throws RackseedError. */
export async function uninstallService(options: UninstallOptions): Promise<void> {
  const { root, dryRun, print } = options;
  if (!dryRun && Deno.uid() !== 0) throw notRoot("uninstall");
  const removed = dryRun ? "would remove" : "removed";
  if (!dryRun && isManaged(root) && statIfThere(root + UNIT)) {
    await run(["systemctl", "disable", "--now", "rackseed.service"]);
  }
  for (const { path, isOurs } of removable(options)) {
    const content = readIfThere(root + path);
    if (content === undefined) continue;
    if (!isOurs(content)) print(`kept: ${path}, which was changed`);
    else {
      if (!dryRun) Deno.removeSync(root + path);
      print(`${removed}: ${path}`);
    }
  }
  await removeUser(options, removed);
  if (!dryRun) {
    removeIfEmpty(`${root}/etc/rackseed`);
    await reloadManager(root);
  }
}

/** Files of a user that is gone would fall to the next one with its number. */
async function removeUser({ root, data, dryRun, print }: UninstallOptions, removed: string): Promise<void> {
  if (!dryRun) removeIfEmpty(root + data);
  if (statIfThere(root + data)) print(`kept: ${data}, and the user ${USER}, who owns it`);
  else if (userId(USER, root) !== undefined) {
    if (!dryRun) await run(["userdel", ...root === "" ? [] : ["--root", root], USER]);
    print(`${removed}: system user ${USER}`);
  }
}

function removeIfEmpty(path: string): void {
  try {
    Deno.removeSync(path);
  } catch {
    // it is not there, or it holds what others wrote
  }
}
