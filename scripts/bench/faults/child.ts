/** A server that publishes and deletes versions of its own image until it is killed: `child.ts DATA`. */
import { randomBytes } from "node:crypto";
import { ServerUnderTest } from "../../../test/flows/support/server_under_test.ts";

const [data = ""] = Deno.args;
const test = await ServerUnderTest.start({ data });
const root = `${data}/staging/tree`;
Deno.mkdirSync(root, { recursive: true });
console.log("ready");
for (let version = 1;; version++) {
  Deno.writeFileSync(`${root}/${version % 3}`, randomBytes(200_000));
  await test.publish("tmp", { root });
  if (version > 1) await test.client.send("DELETE", `/images/tmp@${version - 1}`);
}
