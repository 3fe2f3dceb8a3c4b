/** `rackseed image rehearse`, `node rehearse`, `image rehearsals` and `image rehearsal`, and their options. */
import { type Command, InvalidArgumentError } from "@commander-js/extra-typings";
import type { Probe } from "#contract/api/rehearsals.ts";
import { parseProbe } from "../words/rehearsal_text.ts";
import type { Actions } from "./actions.ts";
import { parseAge, parseSize, parseVersion } from "./arguments.ts";
import { withServer } from "./connection_options.ts";
import { afterOptions, IMAGE, JSON_RESULT, ONE_NODE } from "./help_text.ts";

type ImageCommand = Command<[], Record<PropertyKey, never>>;

export function addRehearsals(image: ImageCommand, { signal }: Pick<Actions, "signal">): void {
  withRehearsal(image.command("rehearse"))
    .description("Prove a version: boot it in a virtual machine at the server.")
    .argument("<image>", IMAGE)
    .addHelpText(
      "after",
      afterOptions({
        notes: `
The server installs an empty virtual machine (QEMU) with the version, by the
same steps as a node, and boots it without a way to any network. The verdict is
kept with the version. One machine runs at a time; others wait.
${PROBES}
To refuse versions that are not: rackseed image set NAME --rehearsal require`,
        examples: [
          "rackseed image rehearse web@3 --wait",
          "rackseed image rehearse web --probe login --probe http:8080/health",
        ],
      }),
    )
    .action(async (ref, options) =>
      await (await import("./rehearsals.ts")).rehearseImage(ref, { ...options, signal })
    );
  withServer(image.command("rehearsals"))
    .description("List rehearsals, the newest first.")
    .argument("[image]", `only of this version: ${IMAGE}`)
    .option("--json", JSON_RESULT)
    .addHelpText("after", afterOptions({ examples: ["rackseed image rehearsals web@3"] }))
    .action(async (ref, options) =>
      await (await import("./rehearsals.ts")).listRehearsals(ref, { ...options, signal })
    );
  withServer(image.command("rehearsal"))
    .description("Show a rehearsal, its console or its screen, or cancel it.")
    .argument("<id>", "id, as the list shows it")
    .option("--console", "print what the machine wrote to its serial console")
    .option("--screenshot <file>", "write the latest picture of the screen (PNG) to this file")
    .option("--cancel", "cancel it")
    .option("--json", JSON_RESULT)
    .addHelpText(
      "after",
      afterOptions({
        examples: [
          "rackseed image rehearsal 0f8e --console",
          "rackseed image rehearsal 0f8e --screenshot screen.png",
        ],
      }),
    )
    .action(async (id, options) =>
      await (await import("./rehearsals.ts")).showRehearsal(id, { ...options, signal })
    );
}

/** `rackseed node rehearse`. */
export function addBackupRehearsal(node: ImageCommand, { signal }: Pick<Actions, "signal">): void {
  withRehearsal(node.command("rehearse"))
    .description("Prove a node's backup: boot it in a virtual machine at the server.")
    .argument("<node>", ONE_NODE)
    .option("--version <n>", "another backup than the newest", parseVersion)
    .addHelpText(
      "after",
      afterOptions({
        notes: `
The server installs an empty virtual machine (QEMU) with the backup as the node
itself would get it back, with its keys and its own files, and boots it without
a way to any network. The node is not touched. The verdict is kept with the
backup.
${PROBES}`,
        examples: ["rackseed node rehearse n1 --wait"],
      }),
    )
    .action(async (key, options) =>
      await (await import("./rehearsals.ts")).rehearseBackup(key, { ...options, signal })
    );
}

const PROBES = `
Probes:
  login                 a login prompt on the serial console
  console:TEXT          this text on the serial console
  tcp:PORT              a port that accepts connections
  http:PORT/PATH=STATUS an HTTP answer; without =STATUS, any from 200 to 399

With --wait, the exit status is 0 only if the version is proved.`;

function withRehearsal(command: ImageCommand) {
  return withServer(command)
    .option("--probe <probe>", "what must be seen; see below (repeatable; default: login)", collectProbe)
    .option("--memory <size>", "memory of the virtual machine (default: 2G)", parseSize)
    .option("--install-timeout <duration>", "longest installation (default: 1h)", parseAge)
    .option(
      "--boot-timeout <duration>",
      "longest wait for all probes after power-on (default: 10m)",
      parseAge,
    )
    .option("--emulate", "emulate the processor even if the server has KVM; slower")
    .option("--wait", "wait for the verdict; Ctrl-C cancels the rehearsal")
    .option("--json", JSON_RESULT);
}

function collectProbe(text: string, before: Probe[] = []): Probe[] {
  const probe = parseProbe(text);
  if (probe) return [...before, probe];
  throw new InvalidArgumentError("Expected login, console:TEXT, tcp:PORT or http:PORT/PATH=STATUS.");
}
