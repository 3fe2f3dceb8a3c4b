/** Which server a command talks to, and by which right. */
import { ApiClient } from "#contract/client.ts";
import { RackseedError } from "#contract/errors.ts";
import { DEFAULT_DATA } from "./defaults.ts";

export interface ConnectionOptions {
  readonly server?: string | undefined;
  readonly token?: string | undefined;
}

/**
 * Options and environment win; on the server's own machine the files that a running server keeps in its default
 * data directory stand in. Throws RackseedError.
 */
export function resolveConnection({ server, token }: ConnectionOptions): { server: string; token: string } {
  const found = {
    server: server ?? readIfAllowed(`${DEFAULT_DATA}/url`),
    token: token ?? readIfAllowed(`${DEFAULT_DATA}/token`),
  };
  if (found.server === undefined) {
    throw new RackseedError("cannot tell which server to talk to", {
      reason: `neither --server nor RACKSEED_SERVER is given, and no server runs here on ${DEFAULT_DATA}.`,
      remedy: "give --server https://HOST:8443, or set RACKSEED_SERVER.",
      status: 400,
    });
  }
  if (found.token === undefined) {
    throw new RackseedError(`cannot log in at ${found.server}`, {
      reason: "neither --token nor RACKSEED_TOKEN is given.",
      remedy: "copy it from the file `token` in the server's data directory.",
      status: 400,
    });
  }
  return { server: found.server, token: found.token };
}

export function connect(options: ConnectionOptions, signal: AbortSignal): Promise<ApiClient> {
  return ApiClient.connect({ ...resolveConnection(options), signal });
}

function readIfAllowed(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path).trim();
  } catch {
    return undefined;
  }
}
