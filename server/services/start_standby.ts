/** A standby: it follows its server, and answers at its own HTTPS address until it takes over. */
import { getLogger } from "@logtape/logtape";
import type { StandbyOverview, TakeOver } from "#contract/api/standbys.ts";
import { messageOf, RackseedError } from "#contract/errors.ts";
import { pinOf } from "#contract/token.ts";
import { AdminToken } from "../access/admin_token.ts";
import { writePublicFile } from "../access/private_file.ts";
import { issueServerCertificate, openAuthority } from "../access/tls.ts";
import type { ServerOptions } from "../cli/server_options.ts";
import { guardConnections } from "../connections/reaper.ts";
import { HttpService } from "../connections/serve.ts";
import { chooseAddresses } from "../connections/site_addresses.ts";
import { askStanding } from "../standby/ask.ts";
import { epochStatement } from "../standby/epoch.ts";
import { Follower } from "../standby/follower.ts";
import type { Follows } from "../standby/standing_file.ts";
import { beginEpoch, nextStatement } from "../standby/take_over.ts";
import { DataDirectory } from "../store/data_directory.ts";
import { lockDataDirectory } from "../store/data_lock.ts";
import { openSigningKey } from "../store/keys.ts";
import { createStandbyApp } from "../web/standby_app.ts";
import { bind } from "./bind.ts";
import { certificateNames, urlOf } from "./start_https.ts";

const log = getLogger(["rackseed", "standby"]);
/** The server that is taken over from stops in this time, if it is reached; then its last transactions are here. */
const FENCE_MS = 2000, DRAIN_MS = 5000;

export interface RunningStandby {
  readonly url: string;
  readonly follows: string;
  /** Settles when the standby has closed: with the take-over that it was ordered, or undefined if it was stopped. */
  readonly done: Promise<TakeOver | undefined>;
}

/** Listens once a whole copy has arrived. Throws RackseedError. */
export async function startStandby(
  options: ServerOptions,
  { standing, signal }: { standing: Follows; signal: AbortSignal },
): Promise<RunningStandby> {
  await using stack = new AsyncDisposableStack();
  const { data } = options, now = () => Date.now();
  const site = chooseAddresses(options, Deno.networkInterfaces());
  stack.use(lockDataDirectory(data));
  let port = 0;
  const follower = stack.use(new Follower(data, { standing, port: () => port, now }));
  const stopped = Promise.withResolvers<void>();
  signal.addEventListener("abort", () => stopped.resolve(), { once: true });
  await Promise.race([follower.ready, stopped.promise]);
  signal.throwIfAborted();

  const authority = await openAuthority(data), pin = pinOf(authority.pem);
  const signingKey = await openSigningKey(new DataDirectory(data));
  const ordered = Promise.withResolvers<{ address: string }>();
  const overview = (): StandbyOverview => ({
    role: "follows",
    epoch: follower.standing.epoch ?? 1,
    standbys: [],
    following: follower.view(),
  });
  const app = createStandbyApp({
    caPem: authority.pem,
    admin: () => AdminToken.open(data, { pin }),
    overview,
    statement: () => epochStatement(overview().epoch, signingKey),
    takeOver: (by) => ordered.resolve(by),
  });
  const issued = await issueServerCertificate(authority, certificateNames(site));
  const reaper = stack.use(guardConnections());
  const service = stack.use(
    await bind({ protocol: "tcp", port: site.listen.port }, {
      action: "serve HTTPS",
      start: () =>
        new HttpService({ ...site.listen, ...issued }, {
          name: "https",
          reaper,
          handler: (request, info) => app.fetch(request, { info }),
        }),
    }),
  );
  port = service.port;
  // never the address that moves: it leads to the server
  const url = urlOf({ ...site, advertised: "127.0.0.1" }, port);
  writePublicFile(`${data}/url`, `${url}\n`);
  const services = stack.move();
  const done = (async () => {
    const order = await Promise.race([ordered.promise, stopped.promise]);
    if (order) await fence(follower, data);
    const { standing } = follower;
    await services.disposeAsync();
    if (!order) return undefined;
    using _lock = lockDataDirectory(data);
    const tookOver = beginEpoch(data, { standing, by: "admin token", address: order.address, now });
    log.warn("took-over", { ...tookOver });
    return tookOver;
  })();
  return { url, follows: standing.server, done };
}

/** Stops the server that is taken over from, if it still runs, and waits for its last transactions. */
async function fence(follower: Follower, data: string): Promise<void> {
  const { server } = follower.standing;
  try {
    const token = Deno.readTextFileSync(`${data}/token`).trim();
    const epoch = await nextStatement(data, follower.standing);
    await askStanding(server, { token, epoch, timeoutMs: FENCE_MS });
  } catch (error) {
    log.info("fence", { server, answer: messageOf(error) });
    if (error instanceof RackseedError && error.cause !== undefined) return;
    await follower.drained(DRAIN_MS);
  }
}
