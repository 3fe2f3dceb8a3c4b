/** A standby becomes the serving server: the database that it has begins a new epoch. */
import type { TakeOver } from "#contract/api/standbys.ts";
import { AuditLog } from "../store/audit_log.ts";
import { DataDirectory } from "../store/data_directory.ts";
import { openDatabase } from "../store/database.ts";
import { Epochs } from "../store/epochs.ts";
import { openSigningKey } from "../store/keys.ts";
import { Standbys } from "../store/standbys.ts";
import { epochStatement } from "./epoch.ts";
import { type Follows, writeStanding } from "./standing_file.ts";

/** The directory's lock is held, and nothing else has its database open. Throws RackseedError. */
export function beginEpoch(
  data: string,
  { standing, by, address, now }: {
    standing: Follows;
    /** Who ordered it, and from where. */
    by: string;
    address: string;
    now: () => number;
  },
): TakeOver {
  const db = openDatabase(`${data}/rackseed.db`);
  try {
    const epochs = new Epochs(db), { name, server, heardMs = now() } = standing;
    const takeOver: TakeOver = {
      epoch: nextEpoch(standing),
      began: new Date(now()).toISOString(),
      heard: new Date(heardMs).toISOString(),
      standby: name,
      of: server,
    };
    const act = {
      who: by,
      address,
      action: "server.take-over",
      nodes: [],
      images: [],
      subject: name,
    } as const;
    const { end } = new AuditLog(db, { now }).begin(act);
    epochs.begin(takeOver);
    // its own record as a standby
    new Standbys(db, { now }).remove(name);
    end({ result: "done", status: 200 });
    writeStanding(data, { role: "serves", takeOver });
    return takeOver;
  } finally {
    db.close();
  }
}

/** Shown to the server that is taken over from, which then stops. */
export async function nextStatement(data: string, standing: Follows): Promise<string> {
  return epochStatement(nextEpoch(standing), await openSigningKey(new DataDirectory(data)));
}

function nextEpoch({ epoch = 1 }: Follows): number {
  return epoch + 1;
}
