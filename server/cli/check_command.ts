/** `rackseed node check` and its options. */
import { type Command, InvalidArgumentError } from "@commander-js/extra-typings";
import type { Actions } from "./actions.ts";
import { withServer } from "./connection_options.ts";
import { afterOptions, JSON_RESULT, NODES } from "./help_text.ts";

export function addCheck(
  node: Command<[], Record<PropertyKey, never>>,
  { signal }: Pick<Actions, "signal">,
): void {
  withServer(node.command("check"))
    .description("Compare running nodes with the images that they were installed from.")
    .argument("[node...]", `${NODES}; default: all with a connected agent`)
    .option("--keep <path...>", "leave these paths out, with everything below them")
    .option("--check-content", "hash every file instead of trusting unchanged timestamps; slower")
    .option(
      "--threshold <n>",
      "more differences than this are drift (default: the image's, else 0)",
      parseThreshold,
    )
    .option("--no-wait", "only order the checks")
    .option("--last", "print the newest results without ordering a check")
    .option("--json", JSON_RESULT)
    .addHelpText(
      "after",
      afterOptions({
        notes: `
The agent on each node compares it as a restore would, and lists what is
changed, missing or foreign (not in the image), with the package that owns the
path. It changes nothing, runs at the lowest priority and takes at most 5 % of
one core.

Not compared: the node's identity, what a running system writes by itself, paths
kept by --keep or \`rackseed image set\`, and what the capture excluded. Agents
are installed by \`rackseed node agent\`.

A node that has drifted or cannot be checked makes the exit status 1.`,
        examples: [
          "rackseed node check",
          "rackseed node check n1 --keep /srv /opt/data",
          "rackseed node check @storage --threshold 20 --json",
          "rackseed node check n1 --last",
        ],
      }),
    )
    .action(async (nodes, options) => {
      const { checkNodes } = await import("./check.ts");
      await checkNodes(nodes, { ...options, signal });
    });
}

/** Also for `rackseed image set`. */
export function parseThreshold(text: string): number {
  if (/^\d{1,7}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("A threshold is a number of differences, 0 or more.");
}
