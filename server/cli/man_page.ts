/** Manual pages in man(7), out of the command tree. They carry the version and no date: each build makes the same. */
import type { CommandFacts } from "./command_tree.ts";

/** "rackseed node set" → "rackseed-node-set" */
export function pageName(path: string): string {
  return path.replaceAll(" ", "-");
}

export function manPage(
  command: CommandFacts,
  { version, parent }: { version: string; parent: CommandFacts | undefined },
): string {
  const { path, description, usage, commands, after } = command;
  const name = pageName(path);
  const { notes, examples, status } = partsOf(after);
  const related = [...parent ? [parent] : [], ...commands].map((other) => pageName(other.path));
  return [
    `.TH ${name.toUpperCase()} 1 "" "Rackseed ${version}" "Rackseed"`,
    ".SH NAME",
    text(`${name} - ${description.replace(/\.$/, "")}`),
    ".SH SYNOPSIS",
    `.B ${text(path)}`,
    text(usage),
    ".SH DESCRIPTION",
    text(description),
    ...notes === "" ? [] : [".PP", verbatim(notes)],
    ...section("ARGUMENTS", command.arguments.map((a) => item(`<${a.name}>`, a.description))),
    ...section("COMMANDS", commands.map((sub) => item(sub.path, sub.description))),
    ...section("OPTIONS", command.options.map((option) => item(option.flags, option.description))),
    ...section("EXAMPLES", examples === "" ? [] : [verbatim(examples)]),
    ...section("EXIT STATUS", status === "" ? [] : [verbatim(status)]),
    ...section(
      "SEE ALSO",
      related.length === 0 ? [] : [
        related.map((other) => `.BR ${text(other)} (1)`).join(" ,\n"),
      ],
    ),
    "",
  ].join("\n");
}

/** Help after the options: notes, then "Examples:" and "Exit status:" with indented lines. */
function partsOf(after: string): { notes: string; examples: string; status: string } {
  const [before = "", status = ""] = after.split(/^Exit status:\n/m);
  const [notes = "", examples = ""] = before.split(/^Examples?:\n/m);
  return { notes: notes.trim(), examples: unindented(examples), status: unindented(status) };
}

function unindented(block: string): string {
  return block.trimEnd().replaceAll(/^ {2}/gm, "");
}

function section(title: string, parts: readonly string[]): string[] {
  return parts.length === 0 ? [] : [`.SH ${title}`, ...parts];
}

/** A tagged paragraph. */
function item(tag: string, about: string): string {
  return `.TP\n.B ${text(tag)}\n${text(about)}`;
}

/** Lines that stay as they are. */
function verbatim(block: string): string {
  return [".nf", ...block.split("\n").map((line) => line === "" ? ".sp" : text(line)), ".fi"].join("\n");
}

/** Escapes for roff: backslash, hyphen, a control character at the start of a line, all but ASCII (groff_char(7)). */
function text(line: string): string {
  const escaped = line.replaceAll("\\", "\\e").replaceAll("-", "\\-")
    .replaceAll(
      /[^\x20-\x7e]/gu,
      (char) => `\\[u${(char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}]`,
    );
  return /^[.']/.test(escaped) ? `\\&${escaped}` : escaped;
}
