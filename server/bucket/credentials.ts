/** The bucket's credentials: a file as AWS's own programs have it, or their environment variables. */
import { messageOf, RackseedError } from "#contract/errors.ts";
import type { Credentials } from "./signature.ts";

/**
 * The first profile of a file, or "default" if it has one:
 *
 *     [default]
 *     aws_access_key_id = AKIA…
 *     aws_secret_access_key = …
 */
export function parseCredentials(text: string): Credentials | undefined {
  const profiles = new Map<string, Map<string, string>>();
  let profile = "";
  for (const line of text.split("\n")) {
    const name = /^\s*\[\s*([^\]]+?)\s*\]\s*$/.exec(line)?.[1];
    if (name !== undefined) profile = name;
    const [, key, value] = /^\s*(\w+)\s*=\s*(\S+)\s*$/.exec(line) ?? [];
    if (key === undefined || value === undefined) continue;
    const values = profiles.get(profile) ?? new Map<string, string>();
    profiles.set(profile, values.set(key.toLowerCase(), value));
  }
  const values = profiles.get("default") ?? profiles.values().next().value;
  return credentialsOf((name) => values?.get(name.toLowerCase()));
}

function credentialsOf(read: (name: string) => string | undefined): Credentials | undefined {
  const accessKey = read("AWS_ACCESS_KEY_ID"), secretKey = read("AWS_SECRET_ACCESS_KEY");
  if (!accessKey || !secretKey) return undefined;
  return { accessKey, secretKey, sessionToken: read("AWS_SESSION_TOKEN") };
}

/** Reads them now; a file is read again whenever it has changed. Throws RackseedError if there are none. */
export function credentialsFrom(file: string | undefined): () => Credentials {
  if (file === undefined) {
    const found = credentialsOf((name) => Deno.env.get(name));
    if (found === undefined) {
      throw noCredentials("the environment has no AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.");
    }
    return () => found;
  }
  let stamp: number | undefined, kept: Credentials | undefined;
  const read = () => {
    try {
      const { mtime } = Deno.statSync(file);
      if (kept === undefined || stamp !== mtime?.getTime()) {
        kept = parseCredentials(Deno.readTextFileSync(file)) ?? kept;
        stamp = mtime?.getTime();
      }
    } catch (error) {
      if (kept === undefined) throw noCredentials(`${messageOf(error)}.`);
    }
    if (kept === undefined) {
      throw noCredentials(`${file} has no aws_access_key_id and aws_secret_access_key.`);
    }
    return kept;
  };
  read();
  return read;
}

function noCredentials(reason: string): RackseedError {
  return new RackseedError("cannot open the pack store", {
    reason,
    remedy: "name a file with --s3-key-file, as `aws configure` writes it, or set these variables.",
  });
}
