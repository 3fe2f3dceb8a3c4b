/** Standbys: what they follow, and that no two servers of a site serve at once. */
import { getLogger } from "@logtape/logtape";
import { messageOf, RackseedError } from "#contract/errors.ts";
import type { Notices } from "../images/notices.ts";
import { askStanding } from "../standby/ask.ts";
import { epochStatement } from "../standby/epoch.ts";
import { Replication, supersededBy } from "../standby/replication.ts";
import { BucketObjects } from "../store/bucket_objects.ts";
import { Epochs } from "../store/epochs.ts";
import { Standbys } from "../store/standbys.ts";
import type { ServerData } from "./open_data.ts";
import type { StartContext } from "./start_context.ts";

const log = getLogger(["rackseed", "standby"]);
const ASK_MS = 3000, FENCE_MS = 5000;

/**
 * Asks every standby whether it has taken over. Throws RackseedError if one has, or if one that may have does not answer:
 * two servers must never give orders to the same nodes.
 */
export async function refuseIfSuperseded(
  { options, now }: StartContext,
  { db, admin, store }: ServerData,
  { hasTakenOver }: { hasTakenOver: boolean },
): Promise<void> {
  const own = new Epochs(db).current, epoch = epochStatement(own, store.signingKey);
  for (const { name, url } of new Standbys(db, { now }).list()) {
    if (url === null) continue;
    try {
      const other = await askStanding(url, { token: admin.text, epoch, timeoutMs: ASK_MS });
      if (other.role === "serves" && other.epoch >= own) throw supersededBy(other.epoch, { own });
    } catch (error) {
      if (!isUnreachable(error)) throw error;
      if (options.startAlone || hasTakenOver) log.warn("standby-unreachable", { standby: name, url });
      else throw unknownStanding(name, { url, error });
    }
  }
}

export function startReplication(
  { options, stack, closing, now }: StartContext,
  { data, notices, fence }: {
    data: ServerData;
    notices: Notices;
    /** The server that this one has taken over from. */
    fence: string | undefined;
  },
): Replication {
  const { db, store, source, admin, pin, directory } = data;
  const objects = new BucketObjects(db);
  const replication = new Replication({
    source,
    data: directory.path,
    standbys: new Standbys(db, { now }),
    epochs: new Epochs(db),
    signingKey: store.signingKey,
    pin,
    isElsewhere: options.packStore === undefined
      ? () => false
      : (path) => path.startsWith("packs/") && objects.has(path),
    notices,
    closing,
    now,
  });
  stack.use(replication);
  if (fence !== undefined) stack.use(fenceOff(fence, { token: admin.text, epoch: replication.statement }));
  return replication;
}

/** Shows the epoch to the server that was taken over from until it knows: it stops then. */
function fenceOff(server: string, { token, epoch }: { token: string; epoch: string }): Disposable {
  let timer: ReturnType<typeof setTimeout> | undefined, isOver = false;
  const ask = async () => {
    try {
      const { role } = await askStanding(server, { token, epoch, timeoutMs: ASK_MS });
      // it follows by now, or this address is our own
      log.info("fenced", { server, role });
      return;
    } catch (error) {
      log.debug("not-fenced", { server, error: messageOf(error) });
    }
    if (isOver) return;
    timer = setTimeout(ask, FENCE_MS);
    Deno.unrefTimer(timer);
  };
  void ask();
  return {
    [Symbol.dispose]() {
      isOver = true;
      clearTimeout(timer);
    },
  };
}

function isUnreachable(error: unknown): boolean {
  return error instanceof RackseedError && error.status === 503 && error.cause !== undefined;
}

function unknownStanding(name: string, { url, error }: { url: string; error: unknown }): RackseedError {
  return new RackseedError("cannot serve yet", {
    reason: `the standby ${name} at ${url} may have taken over, and does not answer (${messageOf(error)}).`,
    remedy:
      "start it, or wait until it is up: this server tries again. If it is gone for good, and nothing serves " +
      "this site: rackseed server --start-alone, then `rackseed server standby remove`.",
    status: 503,
    cause: error,
  });
}
