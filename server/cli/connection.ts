/** Finds the server that a command talks to, and the token for it. */
import { ApiClient } from "#contract/client.ts";
import { RackseedError } from "#contract/errors.ts";
import { DEFAULT_DATA } from "./defaults.ts";

export interface ConnectionOptions {
  readonly server?: string | undefined;
  readonly token?: string | undefined;
  /** Data directory of a server on this machine, for what is not given. */
  readonly data?: string | undefined;
}

/**
 * Options and environment come first; on the server's own machine, the files that a running server keeps in the
 * default data directory serve as fallback. Throws RackseedError.
 */
export function resolveConnection(
  { server, token, data = DEFAULT_DATA }: ConnectionOptions,
): { server: string; token: string } {
  const found = {
    server: server ?? readIfAllowed(`${data}/url`),
    token: token ?? readIfAllowed(`${data}/token`),
  };
  if (found.server === undefined) {
    throw new RackseedError("cannot find the server", {
      reason: `neither --server nor RACKSEED_SERVER is set, and no server on this machine uses ${data}.`,
      remedy: "give --server https://HOST:8443, or set RACKSEED_SERVER.",
      status: 400,
    });
  }
  if (found.token === undefined) {
    throw new RackseedError(`cannot log in at ${found.server}`, {
      reason: "neither --token nor RACKSEED_TOKEN is set.",
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
