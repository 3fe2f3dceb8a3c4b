/** Answers router solicitations on an interface, as a program to run in a network namespace: `INTERFACE [MAC]`. */
import { startRouterAdvertisements } from "../../boot/ndp/server.ts";

const [device = "", mac] = Deno.args;
const stop = new AbortController();
Deno.addSignalListener("SIGTERM", () => stop.abort());
const service = startRouterAdvertisements({
  interface: device,
  answers: (asking) => mac === undefined || asking === mac,
  signal: stop.signal,
});
console.log(service ? "serving" : "not served");
await service?.finished;
console.log("ended");
Deno.exit(0);
