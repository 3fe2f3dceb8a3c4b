/** `rackseed server join`: makes this machine a standby. */
import { StandbyEnrolled } from "#contract/api/standbys.ts";
import { ApiClient } from "#contract/client.ts";
import { RackseedError } from "#contract/errors.ts";
import { parseToken } from "#contract/token.ts";
import type { JoinServer } from "./cli/server_options.ts";
import { print, remark } from "./cli/terminal.ts";
import { Follower } from "./standby/follower.ts";
import { type Follows, writeStanding } from "./standby/standing_file.ts";
import { lockDataDirectory } from "./store/data_lock.ts";
import { factsIn, setAsideFacts } from "./store/facts_restore.ts";

/** How often is said why nothing has come yet. */
const SAY_MS = 5000;

/** Returns once a whole copy is here. Throws RackseedError. */
export async function joinServer(
  server: string,
  { data, token, force, signal }: JoinServer,
): Promise<void> {
  using _lock = lockDataDirectory(data);
  const facts = factsIn(data);
  if (facts.length > 0 && !force) {
    throw new RackseedError(`cannot make ${data} that of a standby`, {
      reason: `it has facts of its own: ${facts.join(", ")}. Nothing was changed.`,
      remedy: "give --force to set them aside in a folder there, or use an empty --data DIR.",
    });
  }
  const standing = await enrol(server, { token, signal });
  if (facts.length > 0) print(`the previous files are in ${setAsideFacts(data, new Date())}`);
  writeStanding(data, standing);
  await using follower = new Follower(data, { standing, port: () => 0, now: () => Date.now() });
  const stopped = Promise.withResolvers<never>();
  signal.addEventListener("abort", () => stopped.reject(signal.reason), { once: true });
  const timer = setInterval(() => remark(follower.problem || "receives the copy"), SAY_MS);
  try {
    await Promise.race([follower.ready, stopped.promise]);
  } finally {
    clearInterval(timer);
  }
  print(`${data} is a standby of ${server}, as ${standing.name}: it has a whole copy of its state.`);
  print("Start the server here: it follows from now on, and copies the images.");
}

async function enrol(
  server: string,
  { token, signal }: { token: string; signal: AbortSignal },
): Promise<Follows> {
  using client = await ApiClient.connect({ server, token, signal });
  const answer = await client.send("POST", "/standbys/enrol", { signal });
  const { name, secret } = StandbyEnrolled.parse(await answer.json());
  return { role: "follows", server: client.server.origin, name, pin: parseToken(token)?.pin ?? "", secret };
}
