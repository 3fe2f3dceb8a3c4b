import assert from "node:assert/strict";
import { type FirstBootReport, parseFirstBoot } from "#contract/api/first_boot.ts";
import type { Hook } from "#contract/api/hooks.ts";
import { RackseedError } from "#contract/errors.ts";
import { CloneTree } from "../../tree/tree_files.ts";
import { type Client, CLIENTS } from "../../boot_config/first_boot.ts";
import { prepareFirstBoot } from "./prepare.ts";
import { hookFile, runScript } from "./run_script.ts";

const hook = (name: string, script: string, { optional = false, timeoutSeconds = 60 } = {}): Hook => ({
  when: "first-boot",
  name,
  script,
  optional,
  timeoutSeconds,
});

/** Answers with the statuses in turn, then always with the last one, and keeps what it received. */
class FakeServer implements AsyncDisposable {
  readonly reports: FirstBootReport[] = [];
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor(statuses: readonly number[]) {
    this.#server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
      assert.deepEqual([request.method, new URL(request.url).pathname], ["POST", "/first-boot"]);
      this.reports.push(parseFirstBoot(await request.text()));
      const status = statuses[Math.min(this.reports.length, statuses.length) - 1] ?? 500;
      return new Response(status === 204 ? null : "no\n", { status });
    });
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}/first-boot`;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#server.shutdown();
  }
}

/** Runs the script as a clone would, in a folder of its own. Returns what is left of the folder. */
async function run(server: FakeServer, { clients = ["bash"], hooks = [], files = {}, tryForSeconds = 60 }: {
  clients?: readonly Client[];
  hooks?: readonly Hook[];
  files?: Record<string, string>;
  tryForSeconds?: number;
}): Promise<string[]> {
  const root = await Deno.makeTempDir();
  try {
    const folder = `${root}/lib/first-boot`, unit = `${root}/unit`;
    await Deno.mkdir(`${folder}/hooks`, { recursive: true });
    const script = runScript({
      url: server.url,
      tryForSeconds,
      clients,
      hooks,
      folder,
      belongings: [unit],
      environment: { RACKSEED_NODE: "n'1", RACKSEED_WHEN: "first-boot" },
    });
    const all = { token: "secret\n", run: script, ...files };
    for (const [name, text] of Object.entries(all)) await Deno.writeTextFile(`${folder}/${name}`, text);
    for (const [i, { script }] of hooks.entries()) {
      if (files.pending === undefined) {
        await Deno.writeTextFile(`${folder}/hooks/${hookFile(hooks[i]!, i)}`, script);
      }
    }
    await Deno.writeTextFile(unit, "");
    const { code, stderr } = await new Deno.Command("/bin/sh", { args: [`${folder}/run`] }).output();
    assert.equal(code, 0, new TextDecoder().decode(stderr));
    return (await Array.fromAsync(Deno.readDir(root))).map(({ name }) => name);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

for (const client of CLIENTS) {
  const there = new Deno.Command("sh", { args: ["-c", `command -v ${client}`] }).outputSync().success;
  Deno.test({
    name: `a clone reports with ${client}, and nothing is left behind${
      there ? "" : ` (${client} is not installed)`
    }`,
    ignore: !there,
    async fn() {
      await using server = new FakeServer([204]);
      assert.deepEqual(await run(server, { clients: [client] }), []);
      const [report, ...more] = server.reports;
      assert.deepEqual(more, []);
      assert.equal(report?.token, "secret");
      assert.equal(report?.hostname, Deno.hostname());
      assert.equal(report?.kernel, Deno.osRelease());
      assert(report.uptimeSeconds > 0);
      assert.match(report.bootId ?? "", /^[0-9a-f-]{36}$/);
    },
  });
}

Deno.test("a client that fails gives way to the next, and a busy server is asked again", async () => {
  await using server = new FakeServer([503, 204]);
  const broken = "/nonexistent" as Client;
  assert.deepEqual(await run(server, { clients: [broken, "bash"] }), []);
  assert.equal(server.reports.length, 2);
});

Deno.test("a clone whose token is no longer valid gives up at once", async () => {
  await using server = new FakeServer([410]);
  assert.deepEqual(await run(server, {}), []);
  assert.equal(server.reports.length, 1);
});

Deno.test("a clone that never gets through gives up when its time is up, and leaves nothing behind either", async () => {
  await using server = new FakeServer([500]);
  assert.deepEqual(await run(server, { tryForSeconds: 1 }), []);
  assert(server.reports.length >= 2);
});

Deno.test("hooks run in order with their own interpreters; once a required one has failed, no other runs", async () => {
  await using server = new FakeServer([204]);
  await run(server, {
    hooks: [
      hook("first", 'echo "I am $RACKSEED_NODE at $RACKSEED_WHEN"; echo oops >&2'),
      hook("second", "#!/usr/bin/env -S perl -w\nprint 6 * 7;"),
      hook("third", "exit 3", { optional: true }),
      hook("fourth", "echo broken; exit 4"),
      hook("fifth", "echo never"),
    ],
  });
  assert.deepEqual(server.reports[0]?.hooks, [
    { name: "first", code: 0, optional: false, output: ["I am n'1 at first-boot", "oops"] },
    { name: "second", code: 0, optional: false, output: ["42"] },
    { name: "third", code: 3, optional: true, output: [] },
    { name: "fourth", code: 4, optional: false, output: ["broken"] },
  ]);
});

Deno.test("a hook that takes too long is stopped, and endless output fills no disk", async () => {
  await using server = new FakeServer([204]);
  await run(server, {
    hooks: [
      hook("slow", "sleep 60", { timeoutSeconds: 1, optional: true }),
      hook("loud", "yes 'a line' | head -n 100000"),
    ],
  });
  const [slow, loud] = server.reports[0]?.hooks ?? [];
  assert.equal(slow?.code, 124);
  assert.equal(loud?.output.length, 100);
});

Deno.test("a hook during which the machine went down is reported as failed, and not run again", async () => {
  await using server = new FakeServer([204]);
  const hooks = [hook("reboots", "touch /nowhere")];
  await run(server, { hooks, files: { pending: "hook 255 required reboots\nout it went down\n" } });
  assert.deepEqual(server.reports[0]?.hooks, [
    { name: "reboots", code: 255, optional: false, output: ["it went down"] },
  ]);
});

async function inTree(
  paths: readonly string[],
  test: (clone: CloneTree) => Promise<void>,
  { init }: { init?: string } = {},
): Promise<void> {
  const root = await Deno.makeTempDir();
  try {
    for (const path of paths) {
      await Deno.mkdir(`${root}${path.slice(0, path.lastIndexOf("/"))}`, { recursive: true });
      if (path.endsWith("/")) continue;
      await Deno.writeTextFile(`${root}${path}`, "");
    }
    if (init) await Deno.symlink(init, `${root}/sbin/init`);
    await test(new CloneTree(root));
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

const order = {
  node: "n1",
  image: "web",
  version: 1,
  firstBoot: { url: "http://10.0.0.1:8080/first-boot", token: "secret", tryForSeconds: 60 },
};

const identity = { hostname: "n1", interfaces: [] };

const systems = [
  {
    name: "systemd",
    paths: ["/sbin/", "/usr/bin/bash"],
    init: "/lib/systemd/systemd",
    starts: "/etc/systemd/system/multi-user.target.wants/rackseed-first-boot.service",
  },
  {
    name: "SysV init",
    paths: ["/sbin/init", "/bin/wget", "/etc/init.d/", "/etc/rc2.d/"],
    starts: "/etc/rc3.d/S99rackseed-first-boot",
  },
  {
    name: "OpenRC",
    paths: ["/sbin/openrc-run", "/usr/bin/wget", "/etc/runlevels/default/"],
    init: "/bin/busybox",
    starts: "/etc/runlevels/default/rackseed-first-boot",
  },
];
for (const { name, paths, init, starts } of systems) {
  Deno.test(`an image with ${name} gets a service that starts the report, and only root can read the token`, () =>
    inTree(paths, async (clone) => {
      const hooks = [hook("grow", "echo grow")];
      assert.deepEqual(await prepareFirstBoot(clone, { order: { ...order, hooks }, identity }), {
        willReport: true,
      });
      assert.equal(await clone.kind(starts), "symlink");
      const folder = "/var/lib/rackseed/first-boot";
      assert.equal((await Deno.stat(`${clone.root}${folder}/token`)).mode! & 0o777, 0o600);
      assert.equal(await clone.text(`${folder}/hooks/00-grow`), "echo grow");
      assert.match(
        await clone.text(`${folder}/run`) ?? "",
        /^ {2}run_hook 00-grow 60 required grow \/bin\/sh$/m,
      );
      assert(clone.changed.has(starts), "verification leaves it out");
    }, init ? { init } : {}));
}

Deno.test("an image that cannot report says so; if there are first-boot hooks, that is an error", () =>
  inTree(["/sbin/"], async (clone) => {
    const { willReport, note } = await prepareFirstBoot(clone, { order, identity });
    assert.equal(willReport, false);
    assert.match(note ?? "", /none of curl, bash, perl, wget/);
    assert.equal(await clone.kind("/var"), undefined);
    const hooks = [hook("grow", "true")];
    await assert.rejects(prepareFirstBoot(clone, { order: { ...order, hooks }, identity }), RackseedError);
  }, { init: "/lib/systemd/systemd" }));
