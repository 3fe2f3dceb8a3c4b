/** The command line as data, out of commander's own tree: for completions and manual pages. */
import type { EventEmitter } from "node:events";
import type { CommandUnknownOpts } from "@commander-js/extra-typings";

export interface OptionFacts {
  /** "-h, --help", "--http-port <port>" */
  readonly flags: string;
  /** "--http-port" */
  readonly long: string;
  /** What the value is called, "port"; undefined for a switch. */
  readonly value: string | undefined;
  readonly choices: readonly string[];
  readonly description: string;
}

export interface CommandFacts {
  /** "rackseed node set" */
  readonly path: string;
  readonly description: string;
  /** "[options] <node>" */
  readonly usage: string;
  readonly arguments: readonly { readonly name: string; readonly description: string }[];
  readonly options: readonly OptionFacts[];
  readonly commands: readonly CommandFacts[];
  /** What its help says after the options: notes, examples, exit status. */
  readonly after: string;
}

export function commandTree(command: CommandUnknownOpts, path = command.name()): CommandFacts {
  const help = command.createHelp();
  return {
    path,
    description: command.description(),
    usage: command.usage(),
    arguments: command.registeredArguments.map((a) => ({ name: a.name(), description: a.description })),
    options: help.visibleOptions(command).map((option) => ({
      flags: option.flags,
      long: option.long ?? option.short ?? "",
      value: /[<[](.+?)[>\]]/.exec(option.flags)?.[1],
      choices: option.argChoices ?? [],
      description: help.optionDescription(option),
    })),
    commands: command.commands.map((sub) => commandTree(sub, `${path} ${sub.name()}`)),
    after: textAfterOptions(command),
  };
}

/** The command and all below it, each before its own. */
export function allCommands(command: CommandFacts): CommandFacts[] {
  return [command, ...command.commands.flatMap(allCommands)];
}

/** Commander keeps help texts as listeners, which write them. */
function textAfterOptions(command: CommandUnknownOpts): string {
  let text = "";
  (command as unknown as EventEmitter).emit("afterHelp", {
    error: false,
    command,
    write: (part: string) => text += part,
  });
  return text;
}
