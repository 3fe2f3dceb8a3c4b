/** What all commands' help has in common: words, and the order of its parts. */
import { Help, type Option } from "@commander-js/extra-typings";

export const ONE_NODE = "a node's name, MAC address or id";
export const NODES = "names, MAC addresses or ids; ranges ('n[001-128]'); groups (@LABEL)";
export const IMAGE = "NAME (latest version), NAME@VERSION or NAME@TAG";
export const JSON_RESULT = "print the result as JSON";
export const LEVEL = "zstd compression level, 1 (fast) to 19 (small)";
export const EXCLUDE = "leave out paths that match, e.g. '/srv/cache/**' (repeatable)";
export const SEED = "how long finished nodes upload: none, while-needed[:DURATION] or for:DURATION";
export const DURATION = "DURATION is a number with s, min, h or d: 90s, 30min, 24h, 30d.";

const EXIT_STATUS = `
Exit status:
  0  success
  1  failure: the error names the cause and a remedy
  2  wrong usage`;

export const CONNECTION = "Connection (optional on the server's own machine):";

const help = new Help();

/** Options to reach the server come last; choices and defaults stand without quotes. */
export const HELP_LAYOUT: Partial<Help> = {
  groupItems: (items, visible, groupOf) => {
    const groups = [...help.groupItems(items, visible, groupOf)];
    const isConnection = ([title]: [string, unknown]) => title.startsWith("Connection");
    return new Map([...groups.filter((g) => !isConnection(g)), ...groups.filter(isConnection)]);
  },
  optionDescription: ({ description, argChoices, defaultValue, defaultValueDescription, envVar }: Option) => {
    const facts = [
      argChoices?.join(", "),
      defaultValue === undefined ? undefined : `default: ${defaultValueDescription ?? defaultValue}`,
      envVar === undefined ? undefined : `env: ${envVar}`,
    ].filter((fact) => fact !== undefined);
    return facts.length === 0 ? description : `${description} (${facts.join("; ")})`;
  },
};

/** What follows a command's options: notes, which may explain terms, then examples and the exit status. */
export function afterOptions({ notes, examples }: {
  readonly notes?: string;
  readonly examples: readonly string[];
}): string {
  const title = examples.length === 1 ? "Example:" : "Examples:";
  return [
    ...(notes === undefined ? [] : [`\n${notes.trim()}`]),
    `\n${title}\n${examples.map((line) => `  ${line}`).join("\n")}`,
    EXIT_STATUS,
  ].join("\n");
}
