/** `rackseed node recovery-key` and its options. */
import type { Command } from "@commander-js/extra-typings";
import type { Actions } from "./actions.ts";
import { withServer } from "./connection_options.ts";
import { afterOptions, JSON_RESULT, ONE_NODE } from "./help_text.ts";

export function addRecoveryKey(
  node: Command<[], Record<PropertyKey, never>>,
  { signal }: Pick<Actions, "signal">,
): void {
  withServer(node.command("recovery-key"))
    .description("Show the key that opens a node's encrypted disk when nothing else does.")
    .argument("<node>", ONE_NODE)
    .option("--again <reason>", "show it another time, and record why")
    .option("--log", "show who was shown it, when and why, instead of the key")
    .option("--json", JSON_RESULT)
    .addHelpText(
      "after",
      afterOptions({
        notes: `
The server makes the key with each deployment of an encrypted image, and keeps
it sealed. It is shown once without further ado; every view is recorded.
Type it at the node's passphrase prompt, or give it to cryptsetup.`,
        examples: [
          "rackseed node recovery-key n1",
          "rackseed node recovery-key n1 --again 'mainboard with the TPM was replaced'",
          "rackseed node recovery-key n1 --log",
        ],
      }),
    )
    .action(async (key, options) => {
      const { recoveryKey } = await import("./recovery_key.ts");
      await recoveryKey(key, { ...options, signal });
    });
}
