/** `rackseed hook` and its options. */
import { type Command, Option } from "@commander-js/extra-typings";
import { DEFAULT_HOOK_SECONDS, HOOK_MOMENTS } from "#contract/hooks.ts";
import { parseDurationOption } from "./arguments.ts";
import { withServer } from "./connection_options.ts";
import { examples } from "./examples.ts";

const MOMENTS = `when it runs: ${HOOK_MOMENTS.join(", ")}`;
const SET = "rackseed hook set post-install --image web --name fix-grub --file fix.sh";

export function addHook(
  program: Command<[], Record<PropertyKey, never>>,
  { signal }: { readonly signal: AbortSignal },
): void {
  const hook = program.command("hook")
    .description(
      "Scripts that run at set moments of captures and installations, for all, an image, a group or a node. " +
        "Those for all run first, and by name. Where one fails, what it belongs to fails.",
    )
    .addHelpText("after", examples("rackseed hook list", SET));
  withServer(hook.command("list"))
    .description("List all hooks.")
    .option("--json", "as JSON")
    .addHelpText("after", examples("rackseed hook list --json"))
    .action(async (options) => await (await import("./hooks.ts")).listHooks({ ...options, signal }));
  withHook(hook.command("show"))
    .description("Show a hook's script.")
    .option("--json", "as JSON")
    .addHelpText("after", examples("rackseed hook show post-install --image web --name fix-grub"))
    .action(async (when, options) =>
      await (await import("./hooks.ts")).showHook(when, { ...options, signal })
    );
  withHook(hook.command("set"))
    .description("Make a hook, or replace it.")
    .requiredOption("--file <file>", "the script, 64 KiB at most; - reads standard input")
    .option("--optional", "where it fails, go on")
    .addOption(
      new Option("--timeout <duration>", "how long it may take")
        .argParser(parseDurationOption)
        .default(DEFAULT_HOOK_SECONDS, `${DEFAULT_HOOK_SECONDS / 60}min`),
    )
    .addHelpText(
      "after",
      examples(
        SET,
        "rackseed hook set first-boot --node n1 --name grow-data --file grow.sh --optional --timeout 30min",
        "rackseed hook set pre-capture --image db --name stop-db --file stop.sh   # agent: --allow-hooks",
      ),
    )
    .action(async (when, options) =>
      await (await import("./hooks.ts")).setHook(when, { ...options, signal })
    );
  withHook(hook.command("delete"))
    .description("Delete a hook.")
    .addHelpText("after", examples("rackseed hook delete post-install --image web --name fix-grub"))
    .action(async (when, options) =>
      await (await import("./hooks.ts")).deleteHook(when, { ...options, signal })
    );
}

/** What names one hook. */
function withHook<Args extends unknown[], Opts extends Record<string, unknown>>(
  command: Command<Args, Opts>,
) {
  return withServer(command)
    .argument("<when>", MOMENTS)
    .requiredOption("--name <name>", "its name; those of one moment run by name")
    .addOption(new Option("--all", "for everything").conflicts(["image", "group", "node"]))
    .addOption(
      new Option("--image <name>", "for captures or nodes of this image").conflicts(["group", "node"]),
    )
    .addOption(new Option("--group <label>", "for the nodes of this group").conflicts(["node"]))
    .option("--node <node>", "for this node");
}
