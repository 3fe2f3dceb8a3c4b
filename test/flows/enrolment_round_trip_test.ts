/** An agent whose initramfs has its server's CA enrols with one request, which carries what it has to report. */
import assert from "node:assert/strict";
import { DiscoverOrder, type StepReport } from "#contract/api.ts";
import { ApiClient } from "#contract/client.ts";
import { enrolMachine } from "../../agent/steps/enrol.ts";
import { Reporter } from "../../agent/steps/reporter.ts";
import { DIRECTORY_INVENTORY } from "../support/inventory.ts";
import { orderToken, serveOrders } from "../support/order_service.ts";

/** Serves orders while `fn` runs. Returns the calls that came. */
async function callsOf(
  fn: (server: string, folder: string, token: string) => Promise<void>,
): Promise<string[]> {
  const folder = await Deno.makeTempDir(), calls: string[] = [], stop = new AbortController();
  const hostname = "127.0.0.1";
  const service = await serveOrders({
    hostname,
    port: 0,
    folder,
    signal: stop.signal,
    onCall: (call) => calls.push(call),
  });
  try {
    await fn(`https://${hostname}:${service.addr.port}`, folder, (await orderToken(folder)).token);
    return calls;
  } finally {
    stop.abort();
    await service.finished;
    await Deno.remove(folder, { recursive: true });
  }
}

const enrol = "POST /api/v1/node/enrol";

Deno.test("a client with the server's CA does not fetch it, and one with another's does", async () => {
  const body = { inventory: DIRECTORY_INVENTORY };
  const calls = await callsOf(async (server, folder, token) => {
    const { ca } = await orderToken(folder), { ca: other } = await orderToken(`${folder}/other`);
    for (const known of [ca, other]) {
      using client = await ApiClient.connect({ server, token, ca: known });
      await client.post("/node/enrol", { body, schema: DiscoverOrder });
    }
  });
  assert.deepEqual(calls, [enrol, "GET /ca.pem", enrol]);
});

Deno.test("reports that wait go with the enrolment, of a running step only the latest", async () => {
  const reporter = new Reporter(), sent: StepReport[] = [];
  const report = (step: "network" | "enrol", state: "running" | "done", elapsedMs: number) =>
    reporter.send({ step, state, elapsedMs });
  await report("network", "running", 0);
  await report("network", "running", 5);
  await report("network", "done", 9);
  await report("enrol", "running", 0);
  const calls = await callsOf(async (server, _, token) => {
    const { client } = await enrolMachine({
      server,
      token,
      inventory: DIRECTORY_INVENTORY,
      reports: () => {
        sent.push(...reporter.takeWaiting());
        return sent;
      },
      signal: new AbortController().signal,
    });
    await reporter.connect(client as ApiClient);
    client[Symbol.dispose]();
  });
  assert.deepEqual(sent.map(({ step, state }) => `${step} ${state}`), ["network done", "enrol running"]);
  assert.deepEqual(calls, ["GET /ca.pem", enrol]);
});
