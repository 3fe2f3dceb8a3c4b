/** `rackseed install-service` and `uninstall-service`, of the program that runs. */
import { RackseedError } from "#contract/errors.ts";
import type { ServiceOptions } from "./cli/server_options.ts";
import { print } from "./cli/terminal.ts";
import { installService } from "./systemd/install_service.ts";
import { uninstallService } from "./systemd/uninstall_service.ts";

/** Throws RackseedError. */
export async function installServiceHere(options: ServiceOptions): Promise<void> {
  if (!Deno.build.standalone) {
    throw new RackseedError("cannot install the service", {
      reason: "this is the source, not the compiled program that a service can start.",
      remedy: "build it (`deno task build`), copy it to /usr/local/bin, and install the service from there.",
      status: 400,
    });
  }
  const program = Deno.realPathSync(Deno.execPath());
  const { root } = options;
  const seen = program.startsWith(`${root}/`) ? program.slice(root.length) : program;
  await installService({ ...options, program: seen, print });
  if (!options.dryRun) print("start it: systemctl enable --now rackseed");
}

export async function uninstallServiceHere(options: ServiceOptions): Promise<void> {
  await uninstallService({ ...options, print });
}
