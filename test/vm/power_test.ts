/** Real machines that boot firmware alone, switched by both protocols through real emulators of BMCs. */
import assert from "node:assert/strict";
import { fileOfText } from "../../boot/boot_file.ts";
import { mediumImage } from "../../boot/medium/medium_image.ts";
import { fetchBootPrograms } from "../../scripts/build/boot_programs.ts";
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
/** What the medium's own loader prints beyond its name is broken up by the cursor's movements. */
const FROM_MEDIUM = [/Booting from DVD\/CD/, /ISOLINUX/];

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
  name: "redfish starts a real machine once from a medium that its BMC fetches",
  ignore: bin === undefined || needs({ programs: ["apt-get", "dpkg-deb"] }).ignore,
  fn: async () => {
    const image = await smallMedium();
    await using server = Deno.serve(
      { hostname: HOST, port: 0, onListen: () => {} },
      () => new Response(image, { headers: { "content-disposition": "attachment; filename=medium.iso" } }),
    );
    await using lab = await openLab("redfish");
    const { driver, machine, started } = lab;
    await driver.insertMedium?.(`http://${HOST}:${server.addr.port}/medium.iso`);
    assert.equal(await cycle(driver, context, { boot: "medium" }), undefined);
    for (const line of FROM_MEDIUM) await started[0]?.serial.expect(line, { timeoutMs: 300_000 });
    await driver.restoreBoot();
    await driver.ejectMedium?.();
    assert.deepEqual(
      machine.orders.filter((order) => /^(insert|eject|boot)/.test(order)).map((o) =>
        o.split(" ").slice(0, o.startsWith("boot") ? 2 : 1).join(" ")
      ),
      ["insert", "boot cd", "boot disk", "eject"],
    );
    await switchOff(driver, context, "hard");
    await switchOn(driver, context);
    await started[1]?.serial.expect(FROM_DISK, { timeoutMs: 120_000 });
  },
});

/** Its boot loader starts, and finds no kernel. */
async function smallMedium(): Promise<Uint8Array<ArrayBuffer>> {
  const cache = new URL("../../.cache", import.meta.url).pathname, programs = `${cache}/boot-programs`;
  await fetchBootPrograms(programs, { scratch: `${cache}/boot-packages` });
  const medium = mediumImage({
    id: "0123abcd",
    created: new Date(),
    program: (name) => Deno.readFileSync(`${programs}/${name}`),
    kernel: fileOfText("none"),
    initramfs: fileOfText("none"),
    files: [],
  });
  const bytes = new Uint8Array(medium.sizeBytes);
  assert.equal(medium.read(0, bytes), bytes.length);
  medium.close?.();
  return bytes;
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
