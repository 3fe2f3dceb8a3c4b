/**
 * A server that captures one tree and prints its progress; test/flows/capture_crash_test.ts kills it at some point.
 */
import { sendTree } from "./sender.ts";
import { openTestServer } from "./service.ts";
import { crashTree } from "./tree.ts";

const [data = "", seed = ""] = Deno.args;
await using server = await openTestServer(data, { packBytes: 4 << 20 });
console.log("begun");
const { id } = server.service.begin({ image: "web", level: 3, excludes: [] });
// keeps the process alive while only workers are busy
const alive = setInterval(() => {}, 1000);
await sendTree(server.service, id, crashTree(seed));
const { state } = await server.ended(id);
clearInterval(alive);
console.log(state);
