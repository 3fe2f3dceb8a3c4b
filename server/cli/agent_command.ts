/** `rackseed agent` and its options. */
import type { Command } from "@commander-js/extra-typings";
import type { Actions } from "./actions.ts";
import { withServer } from "./connection_options.ts";
import { afterOptions } from "./help_text.ts";

const TEMPLATE = "rackseed agent template --server https://10.0.0.1:8443 --token rs1.…";

export function addAgent(
  program: Command<[], Record<PropertyKey, never>>,
  { runTemplate, runInstall, signal }: Pick<Actions, "runTemplate" | "runInstall" | "signal">,
): void {
  const agent = program.command("agent")
    .description("Run the agent, on a machine to capture or on a machine to install.")
    .addHelpText("after", afterOptions({ examples: [TEMPLATE] }));
  withServer(agent.command("template"))
    .description("Announce this machine as a template and wait for capture orders.")
    .option("--name <name>", "template name (default: host name)")
    .option("--root <dir>", "directory to capture (default: /)")
    .option(
      "--state <dir>",
      "record of the last capture, to read only what changed (default: /var/lib/rackseed/agent)",
    )
    .option("--allow-hooks", "run the server's pre-capture and post-capture hooks on this machine")
    .addHelpText(
      "after",
      afterOptions({
        notes: `
Runs until stopped. To capture this machine, run \`rackseed capture NAME\` on the
server, or use its web page.`,
        examples: [TEMPLATE],
      }),
    )
    .action(async ({ server, token, ...options }) => {
      const { resolveConnection } = await import("./connection.ts");
      await runTemplate({ ...resolveConnection({ server, token }), ...options, signal });
    });
  withServer(agent.command("install"), { heading: "Connection (required with --target):" })
    .description("Install or restore the image that is ordered for this node.")
    .option("--target <dir>", "install into this empty directory instead of the disks, or resume there")
    .option("--restore", "make a non-empty --target match the image, if a restore is ordered")
    .addHelpText(
      "after",
      afterOptions({
        notes: `
Without --target, runs only in the initramfs that a node boots from the network:
server and token then come from the kernel command line. Elsewhere the command
refuses to touch the disks, since they may be in use.
\`rackseed node deploy\` and \`node restore\` print the token for --target.`,
        examples: ["rackseed agent install --server https://10.0.0.1:8443 --token rs1.… --target /srv/n1"],
      }),
    )
    .action(async ({ server, token, target, restore }) =>
      await runInstall({ server, token, target, restore, signal })
    );
}
