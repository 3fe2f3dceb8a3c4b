/** `rackseed hook` and its options. */
import { type Command, Option } from "@commander-js/extra-typings";
import { DEFAULT_HOOK_SECONDS, HOOK_MOMENTS } from "#contract/api/hooks.ts";
import { parseDurationOption } from "./arguments.ts";
import { withServer } from "./connection_options.ts";
import { afterOptions, DURATION, JSON_RESULT } from "./help_text.ts";

const MOMENTS = HOOK_MOMENTS.join(", ");
const SET = "rackseed hook set post-install --image web --name fix-grub --file fix.sh";

export function addHook(
  program: Command<[], Record<PropertyKey, never>>,
  { signal }: { readonly signal: AbortSignal },
): void {
  const hook = program.command("hook")
    .description("Manage scripts that run before and after captures and installs, and at first boot.")
    .addHelpText("after", afterOptions({ examples: ["rackseed hook list", SET] }));
  withServer(hook.command("list"))
    .description("List all hooks.")
    .option("--json", JSON_RESULT)
    .addHelpText("after", afterOptions({ examples: ["rackseed hook list --json"] }))
    .action(async (options) => await (await import("./hooks.ts")).listHooks({ ...options, signal }));
  withHook(hook.command("show"))
    .description("Show a hook and its script.")
    .option("--json", JSON_RESULT)
    .addHelpText(
      "after",
      afterOptions({ examples: ["rackseed hook show post-install --image web --name fix-grub"] }),
    )
    .action(async (when, options) =>
      await (await import("./hooks.ts")).showHook(when, { ...options, signal })
    );
  addHookSet(hook, { signal });
  withHook(hook.command("delete"))
    .description("Delete a hook.")
    .addHelpText(
      "after",
      afterOptions({ examples: ["rackseed hook delete post-install --image web --name fix-grub"] }),
    )
    .action(async (when, options) =>
      await (await import("./hooks.ts")).deleteHook(when, { ...options, signal })
    );
}

function addHookSet(
  hook: Command<[], Record<PropertyKey, never>>,
  { signal }: { readonly signal: AbortSignal },
): void {
  withHook(hook.command("set"))
    .description("Create or replace a hook.")
    .requiredOption("--file <file>", "script, up to 64 KiB; - reads standard input")
    .option("--optional", "continue if the script fails")
    .addOption(
      new Option("--timeout <duration>", "time limit of the script")
        .argParser(parseDurationOption)
        .default(DEFAULT_HOOK_SECONDS, `${DEFAULT_HOOK_SECONDS / 60}min`),
    )
    .addHelpText(
      "after",
      afterOptions({
        notes: `
Where and when the script runs, as root:
  pre-capture   on the template, before it is read
  post-capture  on the template, after it was read or the capture failed
  pre-install   on the node, before its disks are touched
  post-install  inside the installed tree (chroot), after it was verified
  first-boot    on the clone, once its own system has started
On a template, the agent must have been started with --allow-hooks.
Hooks for --all run first, then those of the image, the group and the node, each
in the order of their names. A script without "#!" runs in /bin/sh. If it fails,
so does the capture or the install, unless the hook is --optional.
${DURATION}`,
        examples: [
          SET,
          "rackseed hook set first-boot --node n1 --name grow --file grow.sh --timeout 30min",
          "rackseed hook set pre-capture --image db --name stop-db --file stop.sh --optional",
        ],
      }),
    )
    .action(async (when, options) =>
      await (await import("./hooks.ts")).setHook(when, { ...options, signal })
    );
}

/** Adds what names one hook. */
function withHook<Args extends unknown[], Opts extends Record<string, unknown>>(
  command: Command<Args, Opts>,
) {
  return withServer(command)
    .argument("<when>", MOMENTS)
    .requiredOption("--name <name>", "hook name, unique for its moment and scope")
    .addOption(new Option("--all", "hook of every image and node").conflicts(["image", "group", "node"]))
    .addOption(
      new Option("--image <name>", "hook of this image's captures and nodes").conflicts(["group", "node"]),
    )
    .addOption(new Option("--group <label>", "hook of the nodes in this group").conflicts(["node"]))
    .option("--node <node>", "hook of this node");
}
