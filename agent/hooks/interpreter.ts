/**
 * What runs a script, as the kernel reads its first line (execve(2), "Interpreter scripts"): the program and at
 * most one argument. Told to the program by hand, a script runs from a file system mounted noexec too.
 */
export function interpreterOf(script: string): readonly [string, ...string[]] {
  const [, program, argument] = /^#![ \t]*(\S+)(?:[ \t]+(.*?))?[ \t]*\r?(?:\n|$)/.exec(script) ?? [];
  if (program === undefined) return ["/bin/sh"];
  return argument ? [program, argument] : [program];
}
