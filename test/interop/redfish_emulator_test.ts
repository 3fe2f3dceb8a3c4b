/** The Redfish driver against sushy-tools' emulator with its fake systems, over TLS with a password. */
import assert from "node:assert/strict";
import { issueServerCertificate, openAuthority } from "../../server/access/tls.ts";
import { bmcConnection } from "../../server/power/bmc_connection.ts";
import { RedfishDriver } from "../../server/power/redfish/redfish_driver.ts";
import { switchOn } from "../../server/power/switching.ts";
import { needs } from "../support/needs.ts";
import { freePort, pythonBmcs, spawnBmc } from "../support/python_bmcs.ts";
import { sushyArguments } from "../support/sushy_emulator.ts";

const { ignore } = needs({ programs: ["python3"] });
const bin = ignore ? undefined : await pythonBmcs();
const SYSTEM = "/redfish/v1/Systems/27946b59-9e44-4fa7-8e91-f3527a1ef094";
const { signal } = new AbortController();
const TITLE = "cannot switch n1 on";
/** Shorter than for a real BMC; but the emulator takes up to 11 s, by chance, to switch, and is asked 30 times. */
const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, Math.min(ms, 500)));

async function emulator(bin: string) {
  await using stack = new AsyncDisposableStack();
  const folder = await Deno.makeTempDir({ prefix: "rackseed-sushy-" });
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  const port = freePort("tcp");
  const args = await sushyArguments(folder, { address: "127.0.0.1", port, bin, password: "secret" });
  stack.use(spawnBmc([`${bin}/sushy-emulator`, ...args]));
  await answers(port);
  const owned = stack.move();
  return { port, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

async function answers(port: number): Promise<void> {
  for (let i = 0; i < 300; i++) {
    try {
      (await Deno.connect({ hostname: "127.0.0.1", port })).close();
      return;
    } catch {
      await pause(100);
    }
  }
  throw new Error("sushy-emulator does not listen");
}

function open(port: number, { password = "secret", system }: { password?: string; system?: string } = {}) {
  const pins: string[] = [];
  const send = bmcConnection({
    host: "127.0.0.1",
    port,
    pin: () => pins[0],
    onCertificate: (pin) => void pins.push(pin),
  });
  const access = { send, address: `127.0.0.1:${port}`, user: "admin", password, title: TITLE, signal, pause };
  return { pins, driver: new RedfishDriver(access, { system, firmware: "uefi" }) };
}

Deno.test({
  name: "sushy-emulator: its virtual CD drive fetches a medium, and ejects it",
  ignore: bin === undefined,
  fn: async () => {
    await using bmc = await emulator(bin ?? assert.fail());
    const asked: string[] = [];
    const folder = await Deno.makeTempDir();
    const identity = await issueServerCertificate(await openAuthority(folder), ["127.0.0.1"]);
    await Deno.remove(folder, { recursive: true });
    const listen = { hostname: "127.0.0.1", port: 0, onListen: () => {}, ...identity };
    await using server = Deno.serve(listen, (request) => {
      asked.push(new URL(request.url).pathname);
      return new Response("a medium", { headers: { "content-disposition": "attachment; filename=m.iso" } });
    });
    const { driver } = open(bmc.port);
    await using _driver = driver;
    await driver.insertMedium(`https://127.0.0.1:${server.addr.port}/key.iso`);
    assert.deepEqual(asked, ["/key.iso"]);
    assert.equal(await switchOn(driver, { title: TITLE, signal, pause }, { boot: "medium" }), undefined);
    await driver.ejectMedium();
  },
});

Deno.test({
  name: "sushy-emulator: state, network boot, on, off, and the boot order put back",
  ignore: bin === undefined,
  fn: async () => {
    await using bmc = await emulator(bin ?? assert.fail());
    const { driver } = open(bmc.port);
    await using _driver = driver;
    assert.equal(await driver.status(), "off");
    assert.equal(await driver.canCutPower(), true);
    // it shows every override as "Continuous"
    assert.equal(await switchOn(driver, { title: TITLE, signal, pause }, { boot: "network" }), undefined);
    assert.equal(await driver.status(), "on");
    await driver.restoreBoot();
    await driver.off("hard");

    await assert.rejects(
      open(bmc.port, { password: "wrong" }).driver.status(),
      /rejects the password of admin/,
    );
    const nowhere = open(bmc.port, { system: "/redfish/v1/Systems/nowhere" });
    await assert.rejects(nowhere.driver.status(), new RegExp(`no system .*nowhere; it has ${SYSTEM}`));
    const changed = open(bmc.port);
    changed.pins.push("0".repeat(64));
    await assert.rejects(changed.driver.status(), /shows another certificate than before/);
  },
});
