/** Asks another server of the site what it is, and shows it the epoch: one that was superseded then stops. */
import { Standing } from "#contract/api/standbys.ts";
import { ApiClient } from "#contract/client.ts";
import { RackseedError } from "#contract/errors.ts";

/** Throws RackseedError: 503 if it is not reached, or has been superseded just now. */
export async function askStanding(
  server: string,
  { token, epoch, timeoutMs }: { token: string; epoch: string; timeoutMs: number },
): Promise<Standing> {
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    using client = await ApiClient.connect({ server, token, signal });
    client.epoch = epoch;
    return Standing.parse(await (await client.send("GET", "/standing", { signal })).json());
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new RackseedError(`cannot reach the server at ${server}`, {
      reason: `no answer within ${timeoutMs / 1000} s.`,
      remedy: "check that it runs, and the network between the two.",
      status: 503,
      cause: error,
    });
  }
}
