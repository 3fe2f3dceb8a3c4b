import assert from "node:assert/strict";
import type { StepReport } from "#contract/api.ts";
import { type ReportClient, Reporter } from "./reporter.ts";
import { SwarmTerms } from "./swarm_terms.ts";

const SWARM = { infoHash: "", announce: [], webSeeds: [] };

Deno.test("an order without terms sets no limits, except that the node seeds for an hour at most", () => {
  const terms = new SwarmTerms(SWARM);
  assert.equal(terms.uploadLimit.bytesPerSecond, Infinity);
  assert.equal(terms.seedMs, 3_600_000);
  assert.deepEqual([terms.ownRack, terms.rackOf("10.0.0.1"), terms.racksRevision], [
    undefined,
    undefined,
    undefined,
  ]);
});

Deno.test("the terms follow the server's answers to reports, even through functions passed on before", async () => {
  const sent: StepReport[] = [];
  let answer: Record<string, unknown> = { cancelled: false, seedOn: true, uploadLimit: 5e6 };
  const client = {
    post: (_path: string, { body }: { body: StepReport }) => {
      sent.push(body);
      return Promise.resolve(answer);
    },
  } as unknown as ReportClient;
  const racks = { own: "a", members: ["10.0.0.2"], revision: "r1" };
  const terms = new SwarmTerms({ ...SWARM, uploadLimit: 1e6, racks, seedSeconds: 60 });
  const { rackOf, uploadLimit } = terms;
  assert.deepEqual([uploadLimit.bytesPerSecond, terms.seedMs, rackOf("10.0.0.2"), rackOf("10.0.0.3")], [
    ...[1e6, 60_000, "a", ""],
  ]);

  const reporter = new Reporter();
  await reporter.connect(client, terms);
  await reporter.send({ step: "install", state: "running", elapsedMs: 1 });
  assert.equal(uploadLimit.bytesPerSecond, 5e6);
  assert.equal(rackOf("10.0.0.2"), "a", "an answer without racks keeps the known ones");

  answer = { cancelled: false, seedOn: true, racks: { own: "b", members: ["10.0.0.3"], revision: "r2" } };
  await reporter.send({ step: "install", state: "running", elapsedMs: 2 });
  await reporter.send({ step: "install", state: "running", elapsedMs: 3 });
  assert.deepEqual([uploadLimit.bytesPerSecond, terms.ownRack, rackOf("10.0.0.2"), rackOf("10.0.0.3")], [
    ...[Infinity, "b", "", "b"],
  ]);
  assert.deepEqual(sent.map((report) => report.racks), ["r1", "r1", "r2"]);
});
