/** Registry credentials in the file that `docker login`, `podman login` and `skopeo login` write. */
import { z } from "zod";
import { messageOf, RackseedError } from "#contract/errors.ts";

export interface RegistryCredentials {
  readonly user: string;
  readonly password: string;
}

/** Other members, such as helpers that keep passwords elsewhere, are ignored. */
const AuthFile = z.object({
  auths: z.record(z.string(), z.object({ auth: z.string().optional() })).default({}),
});

/** Undefined if the file has none for this registry. Throws if it is not such a file. */
export function parseAuthFile(text: string, registry: string): RegistryCredentials | undefined {
  const { auths } = AuthFile.parse(JSON.parse(text));
  const auth = (auths[registry] ?? auths[`https://${registry}`] ?? auths[`https://${registry}/v2/`])?.auth;
  if (!auth) return undefined;
  const [, user, password] = /^([^:]+):([^]*)$/.exec(Buffer.from(auth, "base64").toString("utf8")) ?? [];
  if (user === undefined || password === undefined) {
    throw new Error(`the entry of ${registry} has no password`);
  }
  return { user, password };
}

/** The default file, as Docker and Podman look for it; undefined if the environment names none. */
function environmentFile(): string | undefined {
  const folder = Deno.env.get("DOCKER_CONFIG");
  return Deno.env.get("REGISTRY_AUTH_FILE") ?? (folder && `${folder}/config.json`);
}

/** Read with each login, so that a new `docker login` counts at once. Throws RackseedError if the file is no good. */
export function credentialsFor(
  file: string | undefined,
): (registry: string) => RegistryCredentials | undefined {
  const path = file ?? environmentFile();
  return (registry) => {
    if (path === undefined) return undefined;
    try {
      return parseAuthFile(Deno.readTextFileSync(path), registry);
    } catch (error) {
      // the parser's message could quote the file
      const reason = error instanceof SyntaxError || error instanceof z.ZodError
        ? "it is not the JSON that `docker login` writes"
        : messageOf(error);
      throw new RackseedError(`cannot read the registry credentials in ${path}`, {
        reason: `${reason}.`,
        remedy: "write it with `docker login` or `skopeo login --authfile FILE`.",
        cause: error,
      });
    }
  };
}
