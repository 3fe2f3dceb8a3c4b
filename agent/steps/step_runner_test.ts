import assert from "node:assert/strict";
import type { ReportAnswer, StepReport } from "#contract/api.ts";
import { RackseedError } from "#contract/errors.ts";
import { waitFor } from "../../test/support/wait_for.ts";
import { type Console, TerminalConsole } from "../sys/console.ts";
import { parseBootArguments } from "../start/boot_arguments.ts";
import { bootOrderAfter, parseEfiBoot } from "../install/boot_loader/efi_boot_order.ts";
import { FrameQueue } from "../install/fetch/frame_queue.ts";
import { runInstall } from "../install_command.ts";
import { prefixOfMask } from "../install/identity/network_config/netmask.ts";
import { LogTail } from "./log_tail.ts";
import { fitsMemory } from "../install/fetch/pack_store.ts";
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

/** performance.now() stands still but for what is added to it. */
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
    "network running",
    "network done",
    "enrol running",
    "enrol done",
    "plan running",
    "plan done",
  ]);
  assert.deepEqual(server.reports.at(-1)?.plan, ["erase all"]);
  assert.match(around.lines[0] ?? "", /^\[ 1\/21\] network: eth0 \(0\.\d s\)$/);
  assert.match(around.lines.at(-1) ?? "", /^ +erase all$/);
});

Deno.test("of a long plan the console shows the beginning, and the server has all", async () => {
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

Deno.test("what was not foreseen is reported as a failure of its step, too", async () => {
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
  await assert.rejects(chain(), /called off/);
  assert.deepEqual(ran, ["plan", "guard"]);
});

Deno.test("an agent whose session has ended stops, and does not wait for a server that knows it no more", async () => {
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
    await assert.rejects(chain(), /called off/);
    assert.deepEqual(ran, ["partition", last]);
  }
});

Deno.test("who is called off at the very end says so, as the server does", async () => {
  const around = surroundings(), server = new FakeServer();
  await around.reporter.connect(server.client);
  const steps = new StepRunner(around);
  const cancel = () => void (server.answer = { cancelled: true, seedOn: false });
  await assert.rejects(steps.run("finish", cancel), /called off/);
});

Deno.test("a long step without a word is told of all the same, and hears that it was called off", async () => {
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
  await assert.rejects(chain(), /called off/);
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

Deno.test("mere progress is reported as seldom as the server wants it, and nothing else waits for that", async () => {
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

Deno.test("boot arguments: the lease that the boot program had", () => {
  const line =
    "initrd=x rackseed.server=https://10.0.0.1:8443 rackseed.token=rs1.a.b rackseed.mac=52-54-00-12-34-56 " +
    "rackseed.ip=10.0.0.7 rackseed.mask=255.255.254.0 rackseed.gw=10.0.0.1 rackseed.dns=10.0.0.2 console=ttyS0\n";
  assert.deepEqual(parseBootArguments(line), {
    server: "https://10.0.0.1:8443",
    token: "rs1.a.b",
    mac: "52:54:00:12:34:56",
    lease: { cidr: "10.0.0.7/23", gateway: "10.0.0.1", dns: ["10.0.0.2"] },
  });
});

Deno.test("boot arguments: what the boot program did not have is left out", () => {
  const base = "rackseed.server=https://10.0.0.1:8443 rackseed.token=t";
  assert.deepEqual(parseBootArguments(`${base} rackseed.ip= rackseed.gw=\${netX/gateway}`), {
    server: "https://10.0.0.1:8443",
    token: "t",
  });
  assert.equal(parseBootArguments("root=/dev/vda1 quiet"), undefined);
  assert.throws(
    () => parseBootArguments("rackseed.server=http://10.0.0.1 rackseed.token=t"),
    /rackseed\.server/,
  );
  assert.throws(() => parseBootArguments(`${base} rackseed.ip=10.0.0.300`), /rackseed\.ip/);
});

Deno.test("network masks", () => {
  const masks = { "255.255.255.0": 24, "255.255.255.255": 32, "0.0.0.0": 0, "255.192.0.0": 10 };
  for (const [mask, prefix] of Object.entries(masks)) assert.equal(prefixOfMask(mask), prefix);
  for (const none of ["255.0.255.0", "255.255.255.1", "255.255.255", "256.0.0.0", "", "24"]) {
    assert.equal(prefixOfMask(none), undefined, none);
  }
  const line =
    "rackseed.server=https://10.0.0.1:8443 rackseed.token=t rackseed.ip=10.0.0.7 rackseed.mask=255.0.255.0";
  assert.throws(() => parseBootArguments(line), /no network mask/);
});

const EFI = `BootCurrent: 0003
Timeout: 0 seconds
BootOrder: 0003,0001,0000
Boot0000* UiApp
Boot0001* UEFI QEMU HARDDISK
Boot0003* UEFI PXEv4 (MAC:525400123456)
`;

Deno.test("the network stays first in the firmware's order, the new system right behind it", () => {
  const before = parseEfiBoot(EFI);
  assert.deepEqual([before.order, before.current], [["0003", "0001", "0000"], "0003"]);
  const after = parseEfiBoot(EFI.replace("0003,0001,0000", "0004,0003,0001,0000") + "Boot0004* debian\n");
  assert.deepEqual(bootOrderAfter(before, after), ["0003", "0004", "0001", "0000"]);
});

Deno.test("the entry that started the agent is the network, whatever its name", () => {
  const named = EFI.replace("UEFI PXEv4 (MAC:525400123456)", "Slot 3");
  const after = parseEfiBoot(named.replace("0003,0001,0000", "0004,0003,0001,0000") + "Boot0004* debian\n");
  assert.deepEqual(bootOrderAfter(parseEfiBoot(named), after), ["0003", "0004", "0001", "0000"]);
});

Deno.test("where the disk was first the order stays as grub-install left it", () => {
  const before = parseEfiBoot(EFI.replace("0003,0001,0000", "0001,0003,0000"));
  const after = parseEfiBoot(EFI.replace("0003,0001,0000", "0004,0001,0003,0000") + "Boot0004* debian\n");
  assert.equal(bootOrderAfter(before, after), undefined);
});

Deno.test("frames come out as they become ready, and no more than were announced", async () => {
  const queue = new FrameQueue(3);
  queue.push(2);
  const read = Array.fromAsync(queue);
  queue.push(0);
  await Promise.resolve();
  queue.push(1);
  queue.fail(new Error("too late to matter"));
  assert.deepEqual(await read, [2, 0, 1]);
});

Deno.test("frames that will not come any more are an error", async () => {
  const queue = new FrameQueue(2);
  const read = Array.fromAsync(queue);
  queue.push(0);
  queue.fail(new Error("swarm failed"));
  await assert.rejects(read, /swarm failed/);
});

Deno.test("packs go into memory only where the agent keeps room for itself", () => {
  const meminfo = "MemTotal: 1000000 kB\nMemAvailable:    800000 kB\n";
  assert.equal(fitsMemory(300 << 20, meminfo), true);
  assert.equal(fitsMemory(500 << 20, meminfo), false);
  assert.equal(fitsMemory(1, "MemTotal: 1 kB\n"), false);
});

Deno.test("a machine's disk is never touched outside of the initramfs", async () => {
  const signal = new AbortController().signal;
  await assert.rejects(
    runInstall({ signal }),
    (error) => error instanceof RackseedError && /not the initramfs.*Nothing was touched/.test(error.reason),
  );
});

Deno.test("an installation into a directory that holds something is refused before the server is asked", async () => {
  const target = await Deno.makeTempDir();
  await Deno.writeTextFile(`${target}/kept`, "");
  const { signal } = new AbortController();
  await assert.rejects(
    runInstall({ server: "https://127.0.0.1:1", token: "t", target, signal }),
    /not empty/,
  );
  assert.equal((await Array.fromAsync(Deno.readDir(target))).length, 1);
  await Deno.remove(target, { recursive: true });
});

function fakeTerminal(path: string, typed: string[] = []) {
  const screen = { path, shown: "" };
  const inputs = typed.map((text) => new TextEncoder().encode(text));
  const read = () =>
    inputs.length > 0 ? Promise.resolve(inputs.shift() ?? null) : new Promise<never>(() => {});
  return Object.assign(screen, { read, write: (text: string) => void (screen.shown += text) });
}

Deno.test("every terminal shows the same, and a progress line gives way to the next line", () => {
  const screen = fakeTerminal("/dev/tty0"), serial = fakeTerminal("/dev/ttyS0");
  const terminal = new TerminalConsole([screen, serial]);
  terminal.line("one");
  terminal.progress("two");
  terminal.line("three");
  assert.equal(screen.shown, "one\n\rtwo\x1b[K\r\x1b[Kthree\n");
  assert.equal(serial.shown, screen.shown);
});

Deno.test("Enter is taken from whichever terminal it is pressed on, other keys are not it", async () => {
  const terminals = [fakeTerminal("/dev/tty0", ["abc"]), fakeTerminal("/dev/ttyS0", ["x", "\r", "\n"])];
  const terminal = new TerminalConsole(terminals);
  assert.equal((await terminal.enter()).path, "/dev/ttyS0");
  assert.equal((await terminal.enter()).path, "/dev/ttyS0");
});
