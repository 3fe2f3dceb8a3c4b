/**
 * A server that prunes and then captures; test/flows/prune_crash_test.ts kills it at some point.
 */
import { planPrune } from "../../store/prune_plan.ts";
import { sendTree } from "./sender.ts";
import { openTestServer } from "./service.ts";
import { pruneTree } from "./tree.ts";

const [data = "", seed = ""] = Deno.args;
await using server = await openTestServer(data, { packBytes: 64 << 10 });
const { service, store } = server;
const { removed } = planPrune(store.list(), { keepLast: 2 }, { nowMs: Date.now(), need: () => undefined });
console.log("begun");
// in another order every time
const order = removed.toSorted((a, b) => (a.version * Number(seed)) % 7 - (b.version * Number(seed)) % 7);
for (const [number, { image, version }] of order.entries()) {
  store.delete(`${image}@${version}`);
  console.log(`deleted ${number + 1}`);
}
// keeps the process alive while only workers are busy
const alive = setInterval(() => {}, 1000);
const { id } = service.begin({ image: "web", level: 1, excludes: [] });
await sendTree(service, id, pruneTree(seed));
console.log((await server.ended(id)).state);
clearInterval(alive);
