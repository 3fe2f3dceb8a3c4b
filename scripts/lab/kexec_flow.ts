/**
 * A clone that stays switched on is restored twice: by a network boot and a restart through its firmware, and by kexec
 * both ways. Both are timed, from the order to the login prompt.
 */
import { z } from "zod";
import { AgentToken, NodeView, StepReport } from "#contract/api.ts";
import type { Check } from "./check.ts";
import { Guest } from "./guest.ts";
import { type Clone, machineOf } from "./node_flow.ts";
import type { ProductServer } from "./product_server.ts";
import { shutdownMs, VirtualMachine } from "./qemu.ts";
import { bringProduct } from "./template_flow.ts";
import { productPath } from "./template_settings.ts";
import { hostOf, type NodeFacts, type Workplace } from "./workplace.ts";

interface Context {
  readonly node: NodeFacts;
  readonly server: ProductServer;
  /** The clone as it came up after its installation. */
  readonly clone: Clone;
}

const longMs = 900_000;
/** What the machine's firmware and its boot programs print; none of it may come between two kernels. */
const firmware = /SeaBIOS|iPXE|BdsDxe|PXE|GNU GRUB|GRUB loading/;

export async function restartByKexec(lab: Workplace, { node, server, clone }: Context): Promise<Check[]> {
  await using machine = await VirtualMachine.start(machineOf(lab, node));
  lab.transcripts.push(machine.serial);
  const host = hostOf(node), login = `${host} login:`;
  await machine.serial.expect(login, { timeoutMs: longMs });
  const guest = new Guest(lab.network, { address: node.address, key: lab.sshKey.path });
  const { timeline, signal } = lab;

  const slowMs = await restored(server, {
    node,
    said: "is ordered for",
    async until() {
      await guest.shell("(sleep 0.1; systemctl reboot) > /dev/null 2>&1 < /dev/null &", { signal });
      await machine.serial.expect(times(login, 2), { timeoutMs: longMs });
    },
  });
  timeline.add(
    `${node.name}: restored by network boot and firmware, from the order to the login prompt`,
    slowMs,
  );

  await bringProduct(lab, guest);
  const { token } = AgentToken.parse(JSON.parse(await server.rackseed("node", "agent", node.name, "--json")));
  await guest.shell(startAgent(server, { node: node.name, token }), { signal });
  await machine.serial.expect(`waiting as template ${node.name}`, { timeoutMs: 120_000 });
  const fastMs = await restored(server, {
    node,
    options: ["--now", "--finish", "kexec"],
    said: "restart into the installer now",
    async until() {
      await machine.serial.expect("this machine is to be restored to", { timeoutMs: longMs });
      const begun = performance.now();
      await machine.serial.expect("starting the machine's own system without its firmware", {
        timeoutMs: longMs,
      });
      timeline.add(
        `${node.name}: from its agent's order to the end of the installer`,
        performance.now() - begun,
      );
      await machine.serial.expect(times(login, 3), { timeoutMs: longMs });
    },
  });
  timeline.add(`${node.name}: restored by kexec both ways, from the order to the login prompt`, fastMs);
  timeline.note(
    `${node.name}: ${seconds(fastMs)} by kexec both ways, ${seconds(slowMs)} through the firmware: ` +
      `${seconds(slowMs - fastMs)} saved, with a virtual machine's short self-test`,
  );
  const between = (await machine.serial.expect(afterOrder(login), { timeoutMs: 1000 })).match(firmware);
  const checks = await checkClone(lab, { node, server, clone, guest, secret: token });
  await guest.powerOff(lab);
  await machine.exited({ timeoutMs: shutdownMs });
  return [
    {
      what: "kexec: from the order to the login prompt the firmware did not run",
      passed: between === null,
      seen: between?.[0] ?? "nothing of it on the console",
    },
    ...checks,
  ];
}

/** Orders a restore. Returns the time from the order to the end of `until`, once the clone has reported its start. */
async function restored(
  server: ProductServer,
  { node, options = [], said, until }: {
    readonly node: NodeFacts;
    readonly options?: readonly string[];
    /** What the command says as soon as it is ordered. */
    readonly said: string;
    readonly until: () => Promise<void>;
  },
): Promise<number> {
  const started = performance.now();
  await using order = server.begin("node", "restore", node.name, "--keep", "/srv", "--wait", ...options);
  await order.output.expect(said, { timeoutMs: 120_000 });
  await until();
  const ms = performance.now() - started;
  await order.done;
  return ms;
}

async function checkClone(
  lab: Workplace,
  { node, server, clone, guest, secret }: Context & { guest: Guest; secret: string },
): Promise<Check[]> {
  const shell = async (command: string) => (await guest.shell(command, lab)).trim();
  const machineId = await shell("cat /etc/machine-id"), commandLine = await shell("cat /proc/cmdline");
  const failedUnits = await shell("systemctl --failed --no-legend --plain");
  const greeting = await guest.greeting(lab);
  const json = JSON.parse(await server.rackseed("node", "show", node.name, "--json"));
  const view = NodeView.parse(json), log = z.array(StepReport).parse(json.log);
  const said = (step: string) => log.findLast((one) => one.step === step)?.message ?? "the step did not run";
  const released = ["verify", "post-install", "finish"].map(said).join("; ");
  const text = JSON.stringify(log);
  return [
    {
      what: "kexec: its own agent loaded the installer",
      passed: /loaded; the installer will use /.test(said("restart")),
      seen: said("restart"),
    },
    {
      what: "kexec: the installer knows that its own system started it",
      passed: /^started by its own system; /.test(said("network")),
      seen: said("network"),
    },
    {
      what: "kexec: the clone was started by its own boot entry",
      passed: /it starts "[^"]+" without the firmware/.test(released) &&
        /^BOOT_IMAGE=\S*vmlinuz\S* root=UUID=\S+ /.test(commandLine),
      seen: `${released}; ${commandLine}`,
    },
    {
      what: "kexec: no secret is left on the clone or in the log",
      passed: !/rackseed\.token|rs1\./.test(commandLine + text) && !text.includes(secret),
      seen: "no token in the command line, none in the steps",
    },
    {
      what: "kexec: it is the same machine as before, and has reported its first boot",
      passed: machineId === clone.machineId && greeting.startsWith(`host=${hostOf(node)} `) &&
        view.state === "running",
      seen: `${machineId}, before ${clone.machineId}; ${greeting}; ${view.state}`,
    },
    { what: "kexec: all units started", passed: failedUnits === "", seen: failedUnits || "none failed" },
  ];
}

/** As `rackseed node agent` installs it, but in the folder that restores leave alone; its lines go to the console. */
function startAgent({ url }: ProductServer, { node, token }: { node: string; token: string }): string {
  const command = `exec /${productPath} agent template --name ${node} > /dev/ttyS0 2>&1`;
  const environment = `--setenv=RACKSEED_SERVER=${url} --setenv=RACKSEED_TOKEN=${token}`;
  return `systemd-run --quiet --unit=rackseed-agent ${environment} sh -c '${command}'`;
}

/** The text, so many times. */
function times(text: string, count: number): RegExp {
  return new RegExp(Array.from({ length: count }, () => text).join("[^]*?"));
}

/** From the message of the agent's order to the last login prompt. */
function afterOrder(login: string): RegExp {
  return new RegExp(`this machine is to be restored to[^]*${login}`);
}

const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;
