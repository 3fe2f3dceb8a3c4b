import { getLogger } from "@logtape/logtape";
import { RackseedError } from "#contract/errors.ts";
import type { ServerOptions } from "../cli/server_options.ts";
import { bind } from "./bind.ts";
import { RsyncDaemon } from "../rsync/daemon.ts";
import type { TorrentFile } from "../rsync/torrent_file.ts";

const log = getLogger(["rackseed", "rsync"]);

/** Undefined if rsync is off, or its default port is taken. */
export async function startRsync(
  { rsyncPort: port, rsyncMayFail }: ServerOptions,
  { hostname, files }: { hostname: string; files: () => readonly TorrentFile[] },
): Promise<RsyncDaemon | undefined> {
  if (port === undefined) return undefined;
  try {
    return await bind({ protocol: "tcp", port }, {
      action: "serve rsync",
      start: () => RsyncDaemon.listen({ hostname, port }, { files }),
    });
  } catch (error) {
    if (!rsyncMayFail || !(error instanceof RackseedError)) throw error;
    log.warn("no-rsync", {
      reason: error.reason,
      remedy: `${error.remedy} Or choose another port (--rsync-port), or none (--rsync-port off).`,
    });
    return undefined;
  }
}
