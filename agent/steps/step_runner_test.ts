import assert from "node:assert/strict";
import type { ReportAnswer, StepReport } from "#contract/api.ts";
import { RackseedError } from "#contract/errors.ts";
import { waitFor } from "../../test/support/wait_for.ts";
import type { Console } from "../sys/console.ts";
import { LogTail } from "./log_tail.ts";
import { type ReportClient, Reporter } from "./reporter.ts";
import type { StepProgress } from "./step.ts";
import { StepRunner } from "./step_runner.ts";

class FakeServer {
  readonly reports: StepReport[] = [];
  answer: ReportAnswer = { cancelled: false, seedOn: false };
  failures = 0;
  failure: Error = new Error("no server");

  readonly client = {
    post: (_path: string, { body }: { body: unknown }) => {
      if (this.failures-- > 0) return Promise.reject(this.failure);
      this.reports.push(structuredClone(body) as StepReport);
      return Promise.resolve(this.answer);
    },
  } as unknown as ReportClient;
}

function surroundings() {
  const lines: string[] = [];
  const console: Console = {
    line: (text) => void lines.push(text),
    progress: () => {},
    enter: () => new Promise(() => {}),
    ask: () => Promise.resolve({ by: "time" }),
  };
  const stop = new AbortController();
  return { reporter: new Reporter(), console, log: new LogTail(), signal: stop.signal, lines };
}

/** Stops performance.now(); the test sets the time. */
function stopClock(): { ms: number } & Disposable {
  const real = performance.now;
  const clock = { ms: 0, [Symbol.dispose]: () => void (performance.now = real) };
  performance.now = () => clock.ms;
  return clock;
}

Deno.test("steps run in order, each shown with its time and reported; early ones wait for the server", async () => {
  const around = surroundings(), server = new FakeServer();
  const steps = new StepRunner(around);
  await steps.run("network", () => ({ message: "eth0" }));
  await steps.run("enrol", async () => {
    assert.deepEqual(server.reports, []);
    await around.reporter.connect(server.client);
  });
  await steps.run("plan", () => ({ planLines: ["erase all"] }));
  assert.deepEqual(server.reports.map((r) => `${r.step} ${r.state}`), [
    "network done",
    "enrol running",
    "enrol done",
    "plan running",
    "plan done",
  ]);
  assert.deepEqual(server.reports.at(-1)?.plan, ["erase all"]);
  assert.match(around.lines[0] ?? "", /^\[ 2\/22\] network: eth0 \(0\.\d s\)$/);
  assert.match(around.lines.at(-1) ?? "", /^ +erase all$/);
});

Deno.test("the console shows the beginning of a long plan, and the server gets all of it", async () => {
  const around = surroundings(), server = new FakeServer();
  await around.reporter.connect(server.client);
  const planLines = Array.from({ length: 45 }, (_, i) => `rewrite ${i}`);
  await new StepRunner(around).run("torrent", () => ({ planLines }));
  assert.deepEqual(server.reports.at(-1)?.plan, planLines);
  assert.equal(around.lines.filter((line) => line.includes("rewrite")).length, 40);
  assert.match(around.lines.at(-1) ?? "", /and 5 lines more, which the server has/);
});

Deno.test("the first failure ends the installation and is reported with cause, remedy and log", async () => {
  const around = surroundings(), server = new FakeServer();
  await around.reporter.connect(server.client);
  let later = false;
  const failure = new RackseedError("cannot partition /dev/vda", { reason: "it is gone.", remedy: "look." });
  const steps = new StepRunner(around);
  const chain = async () => {
    await steps.run("partition", () => Promise.reject(failure));
    await steps.run("format", () => void (later = true));
  };
  around.log.add("$ sfdisk /dev/vda");
  await assert.rejects(chain(), (error) => error === failure);
  assert.equal(later, false);
  const last = server.reports.at(-1);
  assert.equal(last?.state, "failed");
  assert.deepEqual(last?.problem, failure.toProblem());
  assert(last?.log?.includes("$ sfdisk /dev/vda"));
});

Deno.test("an unexpected error is reported as a failure of its step, too", async () => {
  const around = surroundings(), server = new FakeServer();
  await around.reporter.connect(server.client);
  const steps = new StepRunner(around);
  await assert.rejects(
    steps.run("format", () => Promise.reject(new TypeError("x of undefined"))),
    RackseedError,
  );
  assert.match(server.reports.at(-1)?.problem?.detail ?? "", /x of undefined/);
});

Deno.test("after the operator's cancel no further step begins", async () => {
  const around = surroundings(), server = new FakeServer();
  await around.reporter.connect(server.client);
  const ran: string[] = [];
  const steps = new StepRunner(around);
  const chain = async () => {
    for (const step of ["plan", "guard", "partition"] as const) {
      await steps.run(step, () => {
        ran.push(step);
        if (step === "guard") server.answer = { cancelled: true, seedOn: false };
      });
    }
  };
  await assert.rejects(chain(), /order was cancelled/);
  assert.deepEqual(ran, ["plan", "guard"]);
});

Deno.test("an agent whose session has ended stops, and does not wait for a server that no longer knows it", async () => {
  const unknown = new RackseedError("cannot let this request in", { reason: "", remedy: "", status: 401 });
  for (const last of ["install", "finish"] as const) {
    const around = surroundings(), server = new FakeServer();
    await around.reporter.connect(server.client);
    const ran: string[] = [];
    const steps = new StepRunner(around);
    const chain = async () => {
      for (const step of ["partition", last, "seed"] as const) {
        await steps.run(step, () => {
          ran.push(step);
          if (step === last) [server.failures, server.failure] = [Infinity, unknown];
        });
      }
    };
    await assert.rejects(chain(), /order was cancelled/);
    assert.deepEqual(ran, ["partition", last]);
  }
});

Deno.test("an order that is cancelled at the very end fails, as the server says", async () => {
  const around = surroundings(), server = new FakeServer();
  await around.reporter.connect(server.client);
  const steps = new StepRunner(around);
  const cancel = () => void (server.answer = { cancelled: true, seedOn: false });
  await assert.rejects(steps.run("finish", cancel), /order was cancelled/);
});

Deno.test("a long silent step is still reported, and learns that it was cancelled", async () => {
  const around = surroundings(), server = new FakeServer();
  await around.reporter.connect(server.client);
  server.answer = { cancelled: false, seedOn: false, nextReportMs: 1 };
  const work = async () => {
    await waitFor("four reports", () => server.reports.length >= 4);
    server.answer = { cancelled: true, seedOn: false };
    await waitFor("the cancellation", () => around.reporter.cancelled.aborted);
  };
  const steps = new StepRunner({ ...around, heartbeatMs: 5 });
  const chain = async () => {
    await steps.run("format", work);
    await steps.run("install", work);
  };
  await assert.rejects(chain(), /order was cancelled/);
  assert(server.reports.slice(0, 4).every(({ step, state }) => step === "format" && state === "running"));
});

Deno.test("a lost report does not stop an installation, and the one that disarms is sent until it arrives", async () => {
  const around = surroundings(), server = new FakeServer();
  await around.reporter.connect(server.client);
  server.failures = 4;
  const steps = new StepRunner(around);
  await steps.run("seed", () => {});
  await steps.run("finish", () => {});
  assert.deepEqual(server.reports.map((r) => `${r.step} ${r.state}`), ["finish done"]);
});

Deno.test("news that came too soon after the last report are reported once the pause is over", async () => {
  const around = surroundings(), server = new FakeServer();
  await around.reporter.connect(server.client);
  server.answer = { cancelled: false, seedOn: false, nextReportMs: 30 };
  await new StepRunner(around).run("install", async ({ update }) => {
    for (let i = 0; i < 5; i++) update({ message: `part ${i}` });
    await waitFor("the second report", () => server.reports.length > 1);
    assert.equal(server.reports[1]?.message, "part 4");
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.equal(server.reports.length, 2, "without news there is no report");
  });
});

Deno.test("mere progress is reported as rarely as the server wants, and nothing else is delayed", async () => {
  for (
    const [nextReportMs, reported] of [[undefined, [0, 1000, 2000, 3000, 4000, 4500]], [4000, [
      0,
      4000,
      4500,
    ]]] as const
  ) {
    const around = surroundings(), server = new FakeServer();
    await around.reporter.connect(server.client);
    server.answer = { cancelled: false, seedOn: false, ...(nextReportMs && { nextReportMs }) };
    using clock = stopClock();
    const work = async ({ update }: StepProgress) => {
      for (; clock.ms < 4500; clock.ms += 500) {
        update({});
        await new Promise((resolve) => setTimeout(resolve, 0));
      }
    };
    await new StepRunner(around).run("install", work);
    assert.deepEqual(server.reports.map((report) => report.elapsedMs), reported);
  }
});
