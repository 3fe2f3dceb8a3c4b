/** The secrets in files of the server, so that they can be taken out wherever they stand. */
import type { KnownSecrets } from "./without_secrets.ts";

/**
 * Of the data directory; of a folder, every file in it. The nodes' identities are not among them: there may be
 * thousands, and no part of a bundle is made of them.
 */
const SECRET_PATHS = ["token", "metrics-token", "tls", "keys"] as const;
const PUBLIC = /\/ca\.pem$/;
/** A shorter line would take ordinary words out of every text. */
const MIN_LENGTH = 6;
const MAX_BYTES = 64 << 10;

/** `files`: secret files outside the data directory. One that cannot be read is left out. */
export function knownSecrets(data: string, files: readonly string[]): KnownSecrets {
  const paths = [...SECRET_PATHS.flatMap((name) => filesAt(`${data}/${name}`)), ...files];
  const secrets = paths.filter((path) => !PUBLIC.test(path)).flatMap((path) => secretsIn(read(path)));
  // a secret that contains another one goes first
  return [...new Set(secrets)].filter(({ length }) => length >= MIN_LENGTH)
    .toSorted((a, b) => b.length - a.length);
}

/** Each line, as of a key in PEM, and the secret part of a token. */
function secretsIn(text: string): string[] {
  return text.split("\n").map((line) => line.trim()).filter((line) => !line.startsWith("-----"))
    .flatMap((line) => [line, ...line.startsWith("rs1.") ? [line.slice(line.lastIndexOf(".") + 1)] : []]);
}

function filesAt(path: string): string[] {
  try {
    if (!Deno.statSync(path).isDirectory) return [path];
    return [...Deno.readDirSync(path)].filter(({ isFile }) => isFile).map(({ name }) => `${path}/${name}`);
  } catch {
    return [];
  }
}

function read(path: string): string {
  try {
    return Deno.statSync(path).size > MAX_BYTES ? "" : Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}
