/** Reads NAME=value lines as a shell does, without executing anything. Names are in upper case. */
export function parseShellValues(text: string): ReadonlyMap<string, string> {
  return new Map(
    text.split("\n").flatMap((line): [string, string][] => {
      const [, key, double, single, plain] =
        /^\s*(?:export\s+)?([A-Za-z_]\w*)=(?:"([^"]*)"|'([^']*)'|([^\s#'"]*))\s*(?:#.*)?$/.exec(line) ?? [];
      const value = double ?? single ?? plain;
      return key === undefined || value === undefined ? [] : [[key.toUpperCase(), value]];
    }),
  );
}
