import assert from "node:assert/strict";
import { RackseedError } from "#contract/errors.ts";
import type { ServerOptions } from "../cli/server_options.ts";
import { startRsync } from "./rsync_service.ts";

const start = (options: Partial<ServerOptions>) =>
  startRsync(options as ServerOptions, { hostname: "127.0.0.1", files: () => [] });

Deno.test("a taken port stops the start if the operator chose it, and leaves rsync off if it is the default", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const rsyncPort = taken.addr.port;
  await assert.rejects(
    start({ rsyncPort }),
    (error) =>
      error instanceof RackseedError && /^cannot serve rsync: TCP port \d+ is held/.test(error.message),
  );
  assert.equal(await start({ rsyncPort, rsyncMayFail: true }), undefined);
  assert.equal(await start({}), undefined);
  using daemon = await start({ rsyncPort: 0, rsyncMayFail: true });
  assert(daemon && daemon.port > 0);
});
