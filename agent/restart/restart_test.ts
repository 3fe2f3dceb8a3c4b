import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { RestartReport } from "#contract/api.ts";
import { SysError } from "../sys/errno.ts";
import type { NetworkPath } from "./network_path.ts";
import { restartIntoInstaller, type RestartSystem } from "./restart.ts";

const MAC = "52:54:00:00:00:01", SECRET = "rs1.pin.secret";
const KERNEL = new TextEncoder().encode("the kernel"), INITRAMFS = new Uint8Array(3 << 20).fill(7);
const factsOf = (bytes: Uint8Array) => ({
  sizeBytes: bytes.length,
  sha256: createHash("sha256").update(bytes).digest("hex"),
});
const ORDER = {
  restart: "d1",
  node: "n1",
  purpose: "restored to web@3",
  mac: MAC,
  server: "https://10.0.0.1:8443",
  parameters: `rackseed.server=https://10.0.0.1:8443 rackseed.token=${SECRET} console=ttyS0`,
  kernel: factsOf(KERNEL),
  initramfs: factsOf(INITRAMFS),
};
const PATH: NetworkPath = {
  macs: [MAC],
  address: "10.0.0.7",
  mask: "255.255.255.0",
  gateway: "10.0.0.254",
  dns: ["10.0.0.2", "10.0.0.3"],
  vlan: undefined,
  lacp: false,
};

/** A machine that notes what is done to it. */
function machine({ ability = {}, path = PATH, load, stop }: {
  ability?: object;
  path?: NetworkPath;
  load?: () => void;
  stop?: (signal: AbortSignal) => Promise<never>;
}) {
  const done: string[] = [];
  let commandLine = "";
  const system: RestartSystem = {
    ability: () => Promise.resolve({ macs: [MAC], signedOnly: false, availableBytes: 1 << 30, ...ability }),
    facts: () =>
      Promise.resolve({
        refusal: undefined,
        disabledBy: undefined,
        lockdown: "integrity",
        container: undefined,
        xen: undefined,
      }),
    path: () => Promise.resolve(path),
    load(files) {
      load?.();
      const read = (fd = 0) => Deno.readFileSync(`/proc/self/fd/${fd}`);
      assert.deepEqual([read(files.kernel), read(files.initramfs)], [KERNEL, INITRAMFS]);
      commandLine = files.commandLine;
      done.push("load");
    },
    unload: () => void done.push("unload"),
    say: () => Promise.resolve(void done.push("say")),
    stop(signal) {
      done.push("stop");
      return stop ? stop(signal) : Promise.reject(new Error("it goes on"));
    },
  };
  return { system, done, commandLine: () => commandLine };
}

async function run(
  system: RestartSystem,
  { order = ORDER, kernel = KERNEL, signal = new AbortController().signal }: {
    order?: typeof ORDER;
    kernel?: Uint8Array<ArrayBuffer>;
    signal?: AbortSignal;
  } = {},
) {
  const reports: RestartReport[] = [];
  const client = {
    send(_method: string, path: string, options: { json?: unknown } = {}) {
      if (path === "/templates/t1/boot/vmlinuz") return Promise.resolve(new Response(kernel));
      if (path === "/templates/t1/boot/initramfs") return Promise.resolve(new Response(INITRAMFS));
      assert.equal(path, "/templates/t1/restart");
      reports.push(RestartReport.parse(options.json));
      return Promise.resolve(new Response(null, { status: 204 }));
    },
  };
  const pause = () => Promise.resolve();
  const problem = await restartIntoInstaller(order, { client, id: "t1", system, signal, pause });
  return { problem, reports };
}

Deno.test("the installer gets the server's parameters and this machine's network, and then the system stops", async () => {
  const { system, done, commandLine } = machine({});
  const { problem, reports } = await run(system);
  assert.equal(
    commandLine(),
    `${ORDER.parameters} rackseed.ip=10.0.0.7 rackseed.mask=255.255.255.0 rackseed.gw=10.0.0.254 ` +
      "rackseed.dns=10.0.0.2,10.0.0.3",
  );
  // the system did not stop: the next restart must not start the installer
  assert.deepEqual(done, ["load", "say", "say", "stop", "unload"]);
  assert.deepEqual(reports.map(({ state }) => state), ["done", "failed"]);
  assert.match(reports[0]?.message ?? "", /loaded; .* 52:54:00:00:00:01 with 10\.0\.0\.7\/255\.255\.255\.0/);
  assert.match(problem.detail, /it goes on/);
  assert.doesNotMatch(JSON.stringify([reports, problem]), new RegExp(SECRET));
});

Deno.test("the installer gets the VLAN and the negotiated bond over which this machine reaches the server", async () => {
  const { system, commandLine } = machine({ path: { ...PATH, vlan: 7, lacp: true } });
  const { reports } = await run(system);
  assert.match(commandLine(), / rackseed\.vlan=7 rackseed\.lacp=on rackseed\.ip=10\.0\.0\.7 /);
  assert.match(reports[0]?.message ?? "", /255\.255\.255\.0 via 10\.0\.0\.254 in VLAN 7/);
});

Deno.test("nothing is stopped if the machine cannot do it, and the server learns why", async () => {
  const refuses = () => {
    throw new SysError("load the kernel", { errno: 129 });
  };
  const cases: [what: string, system: Parameters<typeof machine>[0], says: RegExp][] = [
    ["an obstacle", { ability: { obstacle: { reason: "it is a container.", remedy: "r." } } }, /container/],
    ["no memory", { ability: { availableBytes: 50 << 20 } }, /needs 58 MiB of free memory.*are 50 MiB/],
    ["another NIC", { path: { ...PATH, macs: ["52:54:00:00:00:09"] } }, /not over its NIC 52:54:00:00:00:01/],
    ["the signature", { load: refuses }, /locked down.*EKEYREJECTED/],
  ];
  for (const [what, parts, says] of cases) {
    const { system, done } = machine(parts);
    const { problem, reports } = await run(system);
    assert.match(problem.detail, says, what);
    assert.deepEqual(done, [], what);
    assert.deepEqual(reports.map(({ state }) => state), ["failed"], what);
  }
});

Deno.test("files that are not those of the order are not loaded", async () => {
  for (const kernel of ["the kerneL", "the kernel and more", "the kern"]) {
    const { system, done } = machine({});
    const { problem } = await run(system, { kernel: new TextEncoder().encode(kernel) });
    assert.match(problem.detail, /not what the server announced/);
    assert.deepEqual(done, []);
  }
});

Deno.test("a signal while the system stops leaves the installer loaded", async () => {
  const control = new AbortController();
  const { system, done } = machine({
    stop(signal) {
      control.abort(new Error("stopped by SIGTERM"));
      return Promise.reject(signal.reason);
    },
  });
  await assert.rejects(run(system, { signal: control.signal }), /SIGTERM/);
  assert.deepEqual(done, ["load", "say", "say", "stop"]);
});
