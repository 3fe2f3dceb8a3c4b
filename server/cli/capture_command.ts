/** `rackseed capture` and `rackseed template`, and their options. */
import type { Command } from "@commander-js/extra-typings";
import type { Actions } from "./actions.ts";
import { collect, parseLevel } from "./arguments.ts";
import { withServer } from "./connection_options.ts";
import { DEFAULT_LEVEL } from "./defaults.ts";
import { afterOptions, EXCLUDE, JSON_RESULT, LEVEL } from "./help_text.ts";

type Program = Command<[], Record<PropertyKey, never>>;

export function addCapture(program: Program, { signal }: Pick<Actions, "signal">): void {
  withServer(program.command("capture"))
    .description("Capture a template as the next version of an image, and wait until it is published.")
    .argument("<template>", "a template's name, as `rackseed template list` shows it")
    .requiredOption("--image <name>", "image to add the version to; created if new")
    .option("--level <n>", LEVEL, parseLevel, DEFAULT_LEVEL)
    .option("--exclude <glob>", EXCLUDE, collect)
    .option("--force", "also a machine that could not be cloned, for use as a directory")
    .option("--json", JSON_RESULT)
    .addHelpText(
      "after",
      afterOptions({
        notes: `
The template keeps running while it is captured. If its agent is offline, the
capture starts once the agent is back. Ctrl-C cancels the capture; data that was
already sent is not sent again by the next one.`,
        examples: ["rackseed capture web --image web --exclude '/srv/cache/**'"],
      }),
    )
    .action(async (template, { image, level, exclude, force, json, ...options }) => {
      const { captureTemplate } = await import("./capture.ts");
      await captureTemplate(template, {
        ...options,
        image,
        level,
        exclude: exclude ?? [],
        force,
        json: json ?? false,
        signal,
      });
    });
}

export function addTemplate(program: Program, { signal }: Pick<Actions, "signal">): void {
  const template = program.command("template")
    .description("List the machines that can be captured.")
    .addHelpText("after", afterOptions({ examples: ["rackseed template list"] }));
  withServer(template.command("list"))
    .description(
      "List the machines that run `rackseed agent template`, and what keeps each from being cloned.",
    )
    .option("--json", JSON_RESULT)
    .addHelpText("after", afterOptions({ examples: ["rackseed template list --json"] }))
    .action(async (options) => await (await import("./templates.ts")).listTemplates({ ...options, signal }));
}
