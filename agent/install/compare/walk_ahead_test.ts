import assert from "node:assert/strict";
import { RackseedError } from "#contract/errors.ts";
import { runCommand } from "../../sys/command.ts";
import { walkAhead } from "./walk_ahead.ts";

Deno.test("a walk ahead ends when it is disposed, however far it got", async () => {
  const started = Promise.withResolvers<void>();
  const walked = Promise.withResolvers<unknown>();
  {
    await using _ahead = walkAhead("/", {
      processors: 2,
      run: async (_argv, options) => {
        const work = runCommand(["sleep", "600"], options);
        work.catch(walked.resolve);
        started.resolve();
        return await work;
      },
    });
    await started.promise;
  }
  assert.equal((await walked.promise as Error).name, "AbortError");
});

Deno.test("a walk ahead that cannot run fails nothing; with one processor none is started", async () => {
  let runs = 0;
  const run = () => {
    runs++;
    return Promise.reject(new RackseedError("cannot run du", { reason: "none.", remedy: "none." }));
  };
  for (const processors of [1, 2]) {
    await using _ahead = walkAhead("/", { run, processors });
  }
  assert.equal(runs, 1);
});
