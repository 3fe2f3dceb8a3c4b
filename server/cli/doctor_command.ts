/** `rackseed doctor` and its options. */
import type { Command } from "@commander-js/extra-typings";
import type { Actions } from "./actions.ts";
import { DEFAULT_DATA } from "./defaults.ts";
import { afterOptions, JSON_RESULT } from "./help_text.ts";
import { withAddresses, withDhcp } from "./server_command.ts";

export function addDoctor(
  program: Command<[], Record<PropertyKey, never>>,
  { runDoctor }: Pick<Actions, "runDoctor">,
): void {
  const doctor = program.command("doctor")
    .description("Examine this machine for what keeps the server from working, with a remedy for each fault.")
    .option("--data <dir>", "data directory of the server", DEFAULT_DATA);
  withDhcp(withAddresses(doctor))
    .option("--json", JSON_RESULT)
    .addHelpText(
      "after",
      afterOptions({
        notes: `
Run it as root on the server, whether or not the server runs, with the same
options as the server. It changes nothing. It examines interface, other DHCP
servers, ports, firewall, clock, limits, space, data directory, certificates and
the files of all versions. It fails if it finds a problem, not for a warning.`,
        examples: ["rackseed doctor --interface eth1 --dhcp server"],
      }),
    )
    .action(async ({ data, listen, httpPort, peerPort, trackerPort, tftpPort, rsyncPort, ...options }) =>
      await runDoctor({
        data,
        listen,
        httpPort,
        peerPort,
        trackerPort,
        tftpPort: tftpPort === "off" ? undefined : tftpPort,
        rsyncPort: rsyncPort === "off" ? undefined : rsyncPort,
        dhcp: options.dhcp,
        interface: options.interface,
        json: options.json ?? false,
      })
    );
}
