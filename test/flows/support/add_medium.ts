import { openDatabase } from "../../../server/store/database.ts";
import { MediaTable } from "../../../server/store/media.ts";
import type { ServerUnderTest } from "./server_under_test.ts";

/** A medium with this secret, as if it had been made. */
export function addMedium({ data }: ServerUnderTest, secret: string): Promise<void> {
  using db = openDatabase(`${data}/rackseed.db`);
  const nowMs = Date.now(), created = new Date(nowMs).toISOString();
  const medium = {
    id: "0123abcd",
    image: "web",
    version: 1,
    kind: "network",
    by: "ann",
    unattended: false,
  } as const;
  new MediaTable(db).add({ ...medium, created, expiresMs: nowMs + 3_600_000, secret }, nowMs);
  return Promise.resolve();
}
