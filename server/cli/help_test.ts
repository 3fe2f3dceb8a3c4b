/** What makes help readable, held for every command. */
import assert from "node:assert/strict";
import type { CommandUnknownOpts } from "@commander-js/extra-typings";
import { createProgram } from "./program.ts";
import { unexpectedActions } from "./testing/actions.ts";

/** The terminal that help is written for. */
const COLUMNS = 80;
/** An example may be longer: a person copies it whole. */
const EXAMPLE_COLUMNS = 100;
/** From the flag to the end of its description, wrapped at COLUMNS. */
const LINES_PER_OPTION = 2;

/** Words of STYLE.md that no native engineer would write. */
const DROPPED =
  /\b(bears?|borne?|anew|whoever|so often|so long|so many|(is|are) told|to be had|may be given again|beside|where it (is|has|fails))\b/i;

interface Page {
  /** "rackseed node set" */
  readonly path: string;
  readonly command: CommandUnknownOpts;
  readonly text: string;
}

const pages = pagesBelow(createProgram(unexpectedActions()), "rackseed");

Deno.test("every command, argument and option has a description", () => {
  const missing = pages.flatMap(({ path, command }) => [
    ...(command.description() ? [] : [path]),
    ...command.registeredArguments.filter((a) => !a.description).map((a) => `${path} <${a.name()}>`),
    ...command.options.filter((o) => !o.description).map((o) => `${path} ${o.flags}`),
  ]);
  assert.deepEqual(missing, []);
});

Deno.test("a command is described in one sentence, an option without a full stop", () => {
  const wrong = pages.flatMap(({ path, command }) => [
    ...(/^[A-Z][^.]*\.$/.test(command.description()) ? [] : [`${path}: ${command.description()}`]),
    ...command.options.filter((o) => /\.$|^[A-Z][a-z]+ /.test(o.description)).map((o) =>
      `${path} ${o.flags}`
    ),
  ]);
  assert.deepEqual(wrong, []);
});

Deno.test(`an option takes at most ${LINES_PER_OPTION} lines of ${COLUMNS} columns`, () => {
  const long = pages.flatMap(({ path, text }) =>
    [...text.matchAll(/^ {2}-\S.*\n(?: {10,}\S.*\n)*/gm)]
      .filter(([entry]) => entry.trimEnd().split("\n").length > LINES_PER_OPTION)
      .map(([entry]) => `${path}: ${entry}`)
  );
  assert.deepEqual(long, []);
});

Deno.test(`no line is wider than ${COLUMNS} columns, or ${EXAMPLE_COLUMNS} for an example`, () => {
  const wide = pages.flatMap(({ path, text }) =>
    text.split("\n")
      .filter((line) => line.length > (line.startsWith("  rackseed ") ? EXAMPLE_COLUMNS : COLUMNS))
      .map((line) => `${path}: ${line}`)
  );
  assert.deepEqual(wide, []);
});

Deno.test("every command has examples, and every example parses as a command", async () => {
  const failed: string[] = [];
  for (const { path, text } of pages) {
    const examples = text.split("\n").filter((line) => line.startsWith("  rackseed "));
    if (examples.length === 0) failed.push(`${path} has no example`);
    for (const example of examples) {
      if (!example.startsWith(`  ${path}`) && path !== "rackseed" && path !== "rackseed node backup") {
        failed.push(`${path} shows another command: ${example}`);
      }
      const error = await parseError(wordsOf(example).slice(1));
      if (error !== undefined) failed.push(`${example}: ${error}`);
    }
  }
  assert.deepEqual(failed, []);
});

Deno.test("every command states its exit status, and no page sends the reader to another document", () => {
  const wrong = pages.filter(({ text }) =>
    !/\nExit status:\n {2}0 /.test(text) || /readme|STYLE/i.test(text)
  );
  assert.deepEqual(wrong.map(({ path }) => path), []);
});

Deno.test("help uses none of the dropped words", () => {
  const found = pages.flatMap(({ path, text }) => {
    const [word] = DROPPED.exec(text.replaceAll(/\s+/g, " ")) ?? [];
    return word === undefined ? [] : [`${path}: ${word}`];
  });
  assert.deepEqual(found, []);
});

function pagesBelow(command: CommandUnknownOpts, path: string): Page[] {
  let text = "";
  command.configureOutput({ writeOut: (part) => text += part, getOutHelpWidth: () => COLUMNS });
  command.outputHelp();
  const below = command.commands.flatMap((sub) => pagesBelow(sub, `${path} ${sub.name()}`));
  return [{ path, command, text }, ...below];
}

/** What commander says of the words, without running the command; undefined if it accepts them. */
async function parseError(words: readonly string[]): Promise<string | undefined> {
  const program = createProgram(unexpectedActions());
  const silence = (command: CommandUnknownOpts) => {
    command.action(() => {}).configureOutput({ writeErr: () => {} });
    command.commands.forEach(silence);
  };
  silence(program);
  try {
    await program.parseAsync([...words], { from: "user" });
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** The words of a shell line up to a pipe or a comment; single quotes hold words together. */
function wordsOf(line: string): string[] {
  const [command = ""] = line.split(/\s(?:#|\|)\s/);
  return [...command.matchAll(/'([^']*)'|\S+/g)].map(([word, quoted]) => quoted ?? word);
}
