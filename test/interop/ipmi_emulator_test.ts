/** The IPMI driver: Debian's ipmitool against pyghmi's BMC, RMCP+ on loopback. */
import assert from "node:assert/strict";
import { IpmiDriver } from "../../server/power/ipmi/ipmi_driver.ts";
import { runProgram } from "../../server/power/run_program.ts";
import { switchOff, switchOn } from "../../server/power/switching.ts";
import { needs } from "../support/needs.ts";
import { freePort, pythonBmcs, spawnBmc } from "../support/python_bmcs.ts";

const { ignore } = needs({ programs: ["python3", "ipmitool"] });
const bin = ignore ? undefined : await pythonBmcs();
const { signal } = new AbortController();
const TITLE = "cannot switch n1 on";
const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, Math.min(ms, 100)));
const context = { title: TITLE, signal, pause };

function open(port: number, { user = "admin", password = "password" } = {}) {
  const access = { run: runProgram, host: "127.0.0.1", port, user, password, title: TITLE, signal, pause };
  return new IpmiDriver({ ...access, firmware: "uefi" });
}

async function listening(driver: IpmiDriver): Promise<void> {
  for (let i = 0; i < 20; i++) {
    if (await driver.status().then(() => true, () => false)) return;
  }
  await driver.status();
}

Deno.test({
  name: "pyghmi's BMC: state, one network boot, on, off; a wrong password, an unknown user",
  ignore: bin === undefined,
  fn: async () => {
    const port = freePort("udp");
    await using _bmc = spawnBmc([`${bin}/fakebmc`, "--port", `${port}`]);
    const driver = open(port);
    await listening(driver);
    assert.equal(await driver.status(), "off");
    await switchOn(driver, context, { boot: "network" });
    assert.equal(await driver.status(), "on");
    await driver.restoreBoot();
    await switchOff(driver, context, "graceful");
    await switchOn(driver, context);
    await switchOff(driver, context, "hard");
    assert.equal(await driver.status(), "off");
    await assert.rejects(open(port, { password: "wrong" }).status(), /rejects the password of admin/);
    await assert.rejects(
      open(port, { user: "nobody" }).status(),
      /rejects the password of nobody, or the user/,
    );
  },
});
