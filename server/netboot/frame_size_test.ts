import assert from "node:assert/strict";
import { refuseLargerFrames } from "./frame_size.ts";

Deno.test("nodes are not told of a larger MTU than the server's own interface has", async () => {
  for (const { name } of Deno.readDirSync("/sys/class/net")) {
    const own = Number(Deno.readTextFileSync(`/sys/class/net/${name}/mtu`));
    await refuseLargerFrames({ interface: name, mtu: own });
    await assert.rejects(refuseLargerFrames({ interface: name, mtu: own + 1 }), {
      status: 400,
      message: new RegExp(`an MTU of ${own} itself`),
    });
  }
  await refuseLargerFrames({ interface: undefined, mtu: 9000 });
  await refuseLargerFrames({ interface: "lo", mtu: undefined });
});
