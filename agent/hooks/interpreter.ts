/**
 * Returns the program that runs a script and at most one argument, as the kernel reads them from its first line
 * (execve(2), "Interpreter scripts"). Started this way, a script also runs from a file system mounted noexec.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(interpreterOf("#!/usr/bin/perl -w\nprint 1;"), ["/usr/bin/perl", "-w"]);
 * assert.deepEqual(interpreterOf("echo hello\n"), ["/bin/sh"]);
 * ```
 */
export function interpreterOf(script: string): readonly [string, ...string[]] {
  const [, program, argument] = /^#![ \t]*(\S+)(?:[ \t]+(.*?))?[ \t]*\r?(?:\n|$)/.exec(script) ?? [];
  if (program === undefined) return ["/bin/sh"];
  return argument ? [program, argument] : [program];
}
