/** `rackseed completion` and `rackseed man`. */
import { Argument, type Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import type { Actions } from "./actions.ts";
import { afterOptions } from "./help_text.ts";

export function addManual(
  program: Command<[], Record<PropertyKey, never>>,
  { version }: Pick<Actions, "version">,
): void {
  const root = program as unknown as CommandUnknownOpts;
  program.command("completion")
    .description("Print the completion of this command line for a shell.")
    .addArgument(new Argument("<shell>", "the shell that reads it").choices(["bash", "zsh", "fish"] as const))
    .addHelpText(
      "after",
      afterOptions({
        notes: `
bash: write it to /etc/bash_completion.d/rackseed
zsh:  write it to a file _rackseed in a directory of fpath
fish: write it to /etc/fish/completions/rackseed.fish
The packages bring all three.`,
        examples: ["rackseed completion bash"],
      }),
    )
    .action(async (shell) => (await import("./manual.ts")).printCompletion(root, shell));
  program.command("man")
    .description("Print the manual page of a command, or write all pages to a directory.")
    .argument("[command...]", "the command's words, e.g. node deploy")
    .option("--out <dir>", "write the pages of all commands into this directory")
    .addHelpText(
      "after",
      afterOptions({ examples: ["rackseed man node deploy | man -l -", "rackseed man --out /tmp/man1"] }),
    )
    .action(async (words, { out }) =>
      (await import("./manual.ts")).printManual(root, { words, out, version })
    );
}
