import assert from "node:assert/strict";
import { RackseedError } from "#contract/errors.ts";
import { type Hook, MAX_OUTPUT_LINES } from "#contract/api/hooks.ts";
import { CaptureHooks } from "./capture_hooks.ts";
import { nodeEnvironment } from "./environment.ts";
import { interpreterOf } from "./interpreter.ts";
import { runHooks } from "./run_hooks.ts";

const hook = (name: string, script: string, more: Partial<Hook> = {}): Hook => ({
  when: "pre-install",
  name,
  script,
  optional: false,
  timeoutSeconds: 60,
  ...more,
});

Deno.test("a script is run by the program in its first line, or by the shell", () => {
  const cases: [script: string, interpreter: string[]][] = [
    ["echo hello\n", ["/bin/sh"]],
    ["", ["/bin/sh"]],
    ["# not the first two characters\n#!/bin/bash\n", ["/bin/sh"]],
    ["#!/bin/bash", ["/bin/bash"]],
    ["#!/bin/bash\r\necho\r\n", ["/bin/bash"]],
    ["#! /usr/bin/perl -w  \nprint 1;", ["/usr/bin/perl", "-w"]],
    ["#!/usr/bin/env -S python3 -u\n", ["/usr/bin/env", "-S python3 -u"]],
  ];
  for (const [script, interpreter] of cases) assert.deepEqual(interpreterOf(script), interpreter, script);
});

Deno.test("hooks run in order with their environment, and print into one log", async () => {
  const lines: string[] = [];
  const { message, log } = await runHooks([
    hook("one", 'echo "$RACKSEED_NODE in $PWD"; echo trouble >&2; echo "\n\nend"'),
    hook("two", "#!/usr/bin/perl\nprint 'no line end'"),
  ], { environment: { RACKSEED_NODE: "n 1" }, onLine: (line, name) => lines.push(`${name}: ${line}`) });
  assert.match(message, /^one done \(\d\.\d s\); two done \(\d\.\d s\)$/);
  const without = log.map((line) => line.replace(/ \(.*/, ""));
  assert.deepEqual(without, [
    ...["pre-install hook one: done", "n 1 in /", "trouble", "end"],
    ...["pre-install hook two: done", "no line end"],
  ]);
  assert.deepEqual(lines.slice(0, 2), ["one: n 1 in /", "one: trouble"]);
});

Deno.test("a hook inherits nothing from the agent's environment", async () => {
  Deno.env.set("RACKSEED_TOKEN", "secret");
  const { log } = await runHooks([hook("env", "env")], { environment: {} });
  Deno.env.delete("RACKSEED_TOKEN");
  assert(log.includes("LC_ALL=C"));
  assert(!log.some((line) => line.includes("secret")));
});

Deno.test("a required hook that fails stops the others and is reported; an optional one is skipped", async () => {
  const after = hook("after", "echo never");
  for (
    const [script, reason] of [["echo no luck; exit 3", /it exited 3: no luck\./], ["exit 1", /no output/]]
  ) {
    await assert.rejects(runHooks([hook("bad", script as string), after], { environment: {} }), (error) => {
      assert(error instanceof RackseedError);
      assert.match(error.title, /the pre-install hook bad failed/);
      assert.match(error.reason, reason as RegExp);
      return true;
    });
  }
  const bad = hook("bad", "exit 3", { optional: true });
  const gone = hook("gone", "#!/nowhere/python\n", { optional: true });
  const { message, log } = await runHooks([bad, gone, after], { environment: {} });
  assert.match(message, /^bad exited 3 \(.* s\) and is optional; gone exited 12[67] .*; after done/);
  assert(log.includes("never"));
});

Deno.test("a hook that exceeds its time is killed with everything it started", async () => {
  const folder = await Deno.makeTempDir();
  const script = `(sleep 60; touch ${folder}/late) & echo $! > ${folder}/child; wait`;
  const slow = hook("slow", script, { timeoutSeconds: 1 });
  await assert.rejects(runHooks([slow], { environment: {} }), /did not end within 1 s/);
  const child = Number(await Deno.readTextFile(`${folder}/child`));
  // an orphaned zombie disappears once its new parent reaps it
  const state = await Deno.readTextFile(`/proc/${child}/stat`).catch(() => "");
  assert.match(state, /^$|\) Z /);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("an abort kills even an optional hook, and its reason is thrown", async () => {
  const stop = new AbortController();
  const running = runHooks([hook("slow", "echo ready; sleep 60", { optional: true })], {
    environment: {},
    signal: stop.signal,
    onLine: () => stop.abort(new Error("cancelled")),
  });
  await assert.rejects(running, /cancelled/);
});

Deno.test("a hook is not started if the abort comes while it is prepared", async () => {
  const stop = new AbortController();
  const lines: string[] = [];
  const running = runHooks([hook("quick", "echo begun")], {
    environment: {},
    signal: stop.signal,
    onLine: (line) => lines.push(line),
  });
  stop.abort(new Error("cancelled"));
  await assert.rejects(running, /cancelled/);
  assert.deepEqual(lines, []);
});

Deno.test("a background program holds nobody up, and the output of loud hooks is bounded", async () => {
  const { log } = await runHooks([
    hook("background", "sleep 5 & echo started"),
    hook("loud", "yes 'a line' | head -n 100000"),
    hook("long", "head -c 1000000 /dev/zero | tr '\\0' x"),
  ], { environment: {} });
  assert(log.includes("started"));
  assert.equal(log.filter((line) => line === "a line").length, MAX_OUTPUT_LINES);
  assert(Math.max(...log.map((line) => line.length)) <= 1000);
});

Deno.test("a node's hooks find their node in the environment", () => {
  const order = { node: "n1", image: "web", version: 3 };
  const at = (addresses: "dhcp" | string[]) =>
    nodeEnvironment("post-install", {
      order,
      identity: {
        hostname: "n1.example.org",
        interfaces: [{ kind: "ethernet", addresses, gateways: [], dns: [] }],
      },
    });
  assert.deepEqual(at(["10.0.0.5/24", "10.1.0.5/24"]), {
    RACKSEED_WHEN: "post-install",
    RACKSEED_NODE: "n1",
    RACKSEED_HOSTNAME: "n1.example.org",
    RACKSEED_ADDRESS: "10.0.0.5/24",
    RACKSEED_IMAGE: "web",
    RACKSEED_VERSION: "3",
  });
  assert.equal(at("dhcp").RACKSEED_ADDRESS, "dhcp");
  assert.equal(at([]).RACKSEED_ADDRESS, "");
});

Deno.test("the post-capture hooks run once, however often they are asked for", async () => {
  const order = {
    capture: "c1",
    image: "db",
    excludes: [],
    level: 9,
    hooks: [
      hook("stop", 'echo "$RACKSEED_WHEN $RACKSEED_IMAGE on $RACKSEED_NODE"', { when: "pre-capture" }),
      hook("start", 'echo "$RACKSEED_WHEN"', { when: "post-capture" }),
    ],
  };
  assert.throws(() => new CaptureHooks(order, { allowed: false, template: "t1" }), /--allow-hooks/);
  new CaptureHooks({ ...order, hooks: [] }, { allowed: false, template: "t1" });
  const hooks = new CaptureHooks(order, { allowed: true, template: "t1" });
  await hooks.before(new AbortController());
  await Promise.all([hooks.after(), hooks.after()]);
  assert.deepEqual(hooks.notes.map((line) => line.replace(/ \(.*/, "")), [
    ...["pre-capture hook stop: done", "pre-capture db on t1"],
    ...["post-capture hook start: done", "post-capture"],
  ]);
});
