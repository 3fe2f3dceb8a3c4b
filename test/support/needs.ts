/**
 * What a test needs from the machine. Spread the result into a test's definition:
 * `Deno.test({ name, ...needs({ root: true, programs: ["dhclient"] }), fn })`. If something is missing, the test is
 * ignored and the reason is printed.
 */
export function needs(
  { root = false, programs = [], files = [] }: { root?: boolean; programs?: string[]; files?: string[] },
): { ignore: boolean } {
  const missing = [
    ...(root && Deno.uid() !== 0 ? ["root"] : []),
    ...programs.filter((name) => !isOnPath(name)),
    ...files.filter((path) => !exists(path)),
  ];
  if (missing.length > 0) console.log(`skipped: this machine lacks ${missing.join(", ")}`);
  return { ignore: missing.length > 0 };
}

function isOnPath(name: string): boolean {
  return `${Deno.env.get("PATH") ?? ""}:/usr/sbin:/sbin`.split(":").some((folder) =>
    exists(`${folder}/${name}`)
  );
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}
