/** Real machines that boot firmware alone, switched by both protocols through real emulators of BMCs. */
import assert from "node:assert/strict";
import { BMC_PASSWORD, LabBmc, type PowerProtocol } from "../../scripts/lab/lab_bmc.ts";
import { LabNetwork } from "../../scripts/lab/network.ts";
import { qemuNeeds, VirtualMachine } from "../../scripts/lab/qemu.ts";
import { SwitchedMachine } from "../../scripts/lab/switched_machine.ts";
import { bmcConnection } from "../../server/power/bmc_connection.ts";
import { IpmiDriver } from "../../server/power/ipmi/ipmi_driver.ts";
import { pauseFor } from "../../server/power/pause.ts";
import type { PowerDriver } from "../../server/power/power_driver.ts";
import { RedfishDriver } from "../../server/power/redfish/redfish_driver.ts";
import { runProgram } from "../../server/power/run_program.ts";
import { cycle, switchOff, switchOn } from "../../server/power/switching.ts";
import { needs } from "../support/needs.ts";
import { freePort, pythonBmcs } from "../support/python_bmcs.ts";

const { ignore } = needs({
  root: true,
  programs: [...qemuNeeds.programs, "python3", "ipmitool"],
  files: ["/usr/lib/ipxe/qemu"],
});
const bin = ignore ? undefined : await pythonBmcs();
const { signal } = new AbortController();
const TITLE = "cannot start n1";
const HOST = "127.0.0.1";
/** What SeaBIOS prints. */
const FROM_NETWORK = /Booting from ROM/, FROM_DISK = /Booting from Hard Disk/;

function driverFor(protocol: PowerProtocol, port: number): PowerDriver {
  const access = { user: "admin", password: BMC_PASSWORD, title: TITLE, signal, pause: pauseFor };
  if (protocol === "ipmi") {
    return new IpmiDriver({ ...access, run: runProgram, host: HOST, port, firmware: "bios" });
  }
  const send = bmcConnection({ host: HOST, port, pin: () => undefined, onCertificate: () => {} });
  return new RedfishDriver({ ...access, send, address: `${HOST}:${port}` }, {
    system: undefined,
    firmware: "bios",
  });
}

async function openLab(protocol: PowerProtocol, { lies = false }: { lies?: boolean } = {}) {
  await using stack = new AsyncDisposableStack();
  const folder = await Deno.makeTempDir({ prefix: "rackseed-power-" });
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  const network = stack.use(await LabNetwork.create({ address: "10.77.0.1/24" }));
  const disk = `${folder}/n1.img`;
  await Deno.writeFile(disk, new Uint8Array(1 << 20));
  const started: VirtualMachine[] = [];
  const machine = stack.use(
    new SwitchedMachine(async (options) => {
      const running = await VirtualMachine.start({
        name: "n1",
        firmware: "bios",
        network,
        mac: "52:54:00:77:00:01",
        disks: [{ path: disk, serial: "n1-disk" }],
        memoryMiB: 128,
        folder,
        serialLog: `${folder}/n1.log`,
        ...options,
      });
      started.push(running);
      return running;
    }, { keepsOverride: protocol === "redfish", lies }),
  );
  const port = freePort(protocol === "ipmi" ? "udp" : "tcp");
  const bmc = { name: "n1", protocol, address: HOST, port, machine, folder, log: `${folder}/bmc.log` };
  stack.use(await LabBmc.start({ ...bmc, bin: bin ?? assert.fail() }));
  const driver = stack.use(driverFor(protocol, port));
  const owned = stack.move();
  return { driver, machine, started, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

const context = { title: TITLE, signal, pause: pauseFor };

for (const protocol of ["redfish", "ipmi"] as const) {
  Deno.test({
    name: `${protocol} starts a real machine from the network once, cuts its power, and leaves it its disk`,
    ignore: bin === undefined,
    fn: async () => {
      await using lab = await openLab(protocol);
      const { driver, machine, started } = lab;
      assert.equal(await driver.status(), "off");
      assert.equal(await cycle(driver, context, { boot: "network" }), undefined);
      assert.equal(await driver.status(), "on");
      await started[0]?.serial.expect(FROM_NETWORK, { timeoutMs: 120_000 });
      await driver.restoreBoot();
      assert.equal(machine.boot, "disk");
      await switchOff(driver, context, "hard");
      assert.equal(started[0]?.isRunning, false);
      await switchOn(driver, context);
      await started[1]?.serial.expect(FROM_DISK, { timeoutMs: 120_000 });
      assert.doesNotMatch(started[1]?.serial.tail(100) ?? "", FROM_NETWORK);
    },
  });
}

Deno.test({
  name: "a BMC that says on, and starts nothing, is believed until the agent does not come",
  ignore: bin === undefined,
  fn: async () => {
    await using lab = await openLab("ipmi", { lies: true });
    await switchOn(lab.driver, context, { boot: "network" });
    assert.equal(await lab.driver.status(), "on");
    assert.equal(lab.started.length, 0);
  },
});
