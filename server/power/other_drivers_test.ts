/** Wake-on-LAN on a real socket, the site's command as a real program, and ipmitool's answers. */
import assert from "node:assert/strict";
import { CommandDriver } from "./command/command_driver.ts";
import { IpmiDriver } from "./ipmi/ipmi_driver.ts";
import { type RunProgram, runProgram } from "./run_program.ts";
import { switchOff } from "./switching.ts";
import { WakeDriver } from "./wake/wake_driver.ts";

const { signal } = new AbortController();
const TITLE = "cannot switch n1 on";
const pause = () => Promise.resolve();

Deno.test("a magic packet arrives as a broadcast: FF six times, the MAC 16 times, the SecureOn password", async () => {
  const receiver = Deno.listenDatagram({ transport: "udp", hostname: "127.255.255.255", port: 0 });
  const { port } = receiver.addr as Deno.NetAddr;
  const target = { mac: "52:54:00:12:34:56", secureOn: "01:02:03:04:05:06", from: "127.0.0.1", title: TITLE };
  const driver = new WakeDriver({ ...target, broadcast: "127.255.255.255", port, isHeard: () => false });
  await driver.on();
  const [packet] = await receiver.receive();
  receiver.close();
  assert.equal(
    Buffer.from(packet).toString("hex"),
    "ff".repeat(6) + "525400123456".repeat(16) + "010203040506",
  );
  assert.equal(await driver.status(), "unknown");
  await assert.rejects(
    switchOff(driver, { title: TITLE, signal, pause }, "hard"),
    /can only switch a machine on/,
  );
});

Deno.test("Wake-on-LAN: a machine that was heard of is on, and one without a MAC cannot be woken", async () => {
  const target = {
    secureOn: undefined,
    broadcast: "127.255.255.255",
    port: 9,
    from: "127.0.0.1",
    title: TITLE,
  };
  const driver = new WakeDriver({ ...target, mac: undefined, isHeard: () => true });
  assert.equal(await driver.status(), "on");
  await assert.rejects(driver.on(), /its MAC address is not known/);
});

async function site(script: string) {
  const folder = await Deno.makeTempDir({ prefix: "rackseed-power-" });
  await Deno.writeTextFile(`${folder}/pdu`, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  const open = (args: string[], program = "pdu") =>
    new CommandDriver({
      run: runProgram,
      folder,
      program,
      args,
      node: "n1",
      mac: "52:54:00:00:00:01",
      title: TITLE,
      signal,
    });
  return { folder, open, [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }) };
}

Deno.test("the site's command gets its arguments one by one, and no shell reads them", async () => {
  await using test = await site('printf "%s|" "$@" >> "$(dirname "$0")/calls"; echo on');
  const driver = test.open(["--port={node}", "$(touch x)", "{mac}", "{action}"]);
  assert.equal(await driver.status(), "on");
  await driver.off("hard");
  await driver.bootOnce("network");
  await test.open([]).on();
  const each = (action: string) => `--port=n1|$(touch x)|52:54:00:00:00:01|${action}|`;
  assert.equal(
    await Deno.readTextFile(`${test.folder}/calls`),
    each("status") + each("off-hard") + each("boot-network") + "on|",
  );
});

Deno.test("a command that fails, and one that is missing, say so", async () => {
  await using test = await site("echo 'outlet 7 is locked' >&2; exit 3");
  await assert.rejects(
    test.open([]).on(),
    /cannot switch n1 on: pdu on exited 3: outlet 7 is locked\. Remedy: run /,
  );
  await assert.rejects(test.open([], "other").on(), /is not there, or cannot be run.*put the command there/s);
});

Deno.test("a program that does not end is ended, and its output is bounded", async () => {
  await using test = await site("yes; ");
  const options = { title: TITLE, signal, timeoutMs: 300, missing: "" };
  await assert.rejects(runProgram([`${test.folder}/pdu`], options), /did not end within 0.3 s/);
  await using long = await site("head -c 1000000 /dev/zero | tr '\\0' x");
  const { stdout } = await runProgram([`${long.folder}/pdu`], { ...options, timeoutMs: 20_000 });
  assert.equal(stdout.length, 64 << 10);
});

function count<T>(values: readonly T[], value: T): number {
  return values.filter((other) => other === value).length;
}

/** `answers`: by suite and command, or by those and the number of the call, as "3 chassis power status #2". */
function ipmi(answers: Record<string, [code: number, text: string]>, firmware?: "uefi") {
  const calls: string[] = [];
  const run: RunProgram = (argv, { env }) => {
    assert.ok(!argv.includes("hunter22") && env?.IPMI_PASSWORD === "hunter22", "the password is not in argv");
    assert.equal(argv[argv.indexOf("-L") + 1], "OPERATOR", "ipmitool/ipmitool#376");
    const suite = argv[argv.indexOf("-C") + 1], command = argv.slice(argv.indexOf("-R") + 2);
    const call = `${suite} ${command.join(" ")}`;
    calls.push(call);
    const [code, text] = answers[`${call} #${count(calls, call)}`] ?? answers[call] ?? [0, ""];
    return Promise.resolve({ code, stdout: code === 0 ? text : "", stderr: code === 0 ? "" : text });
  };
  const access = {
    run,
    host: "10.0.0.6",
    port: 623,
    user: "admin",
    password: "hunter22",
    title: TITLE,
    signal,
    pause,
  };
  return { calls, driver: new IpmiDriver({ ...access, firmware }) };
}

Deno.test("IPMI: cipher suite 17, then 3 for an old BMC, which is remembered", async () => {
  const { driver, calls } = ipmi({
    "17 chassis power status": [1, "Authentication algorithm 0x01 is not what we requested 0x03"],
    "3 chassis power status": [0, "Chassis Power is off\n"],
  });
  assert.equal(await driver.status(), "off");
  await driver.on();
  assert.deepEqual(calls, ["17 chassis power status", "3 chassis power status", "3 chassis power on"]);
});

// ipmitool 1.8.19
const flags = (valid: string, device: string) =>
  ` Boot Flags :\n   - Boot Flag ${valid}\n   - Options apply to only next boot\n   - Boot Device Selector : ${device}\n`;

Deno.test("IPMI: one network boot in UEFI mode, which is not dropped after 60 s; what the BMC kept is cleared", async () => {
  const { driver, calls } = ipmi({
    "17 chassis bootparam get 5": [0, flags("Valid", "Force PXE")],
    // it does not know the parameter, which is optional (bougou/go-ipmi#74)
    "17 raw 0x00 0x08 0x03 0x08": [1, "Unable to send RAW command (rsp=0x80): Unknown (0x80)"],
  }, "uefi");
  assert.equal(await driver.bootOnce("network"), undefined);
  await driver.restoreBoot();
  assert.deepEqual(calls, [
    "17 raw 0x00 0x08 0x03 0x08",
    "17 chassis bootdev pxe options=efiboot",
    "17 chassis bootparam get 5",
    "17 chassis bootparam get 5",
    "17 chassis bootdev none",
  ]);
});

const kept: [name: string, shown: string, remark: RegExp | undefined][] = [
  ["is shown", flags("Valid", "Force PXE"), undefined],
  // its device is left from an earlier start (os-autoinst-distri-opensuse#17794)
  ["is not valid", flags("Invalid", "Force PXE"), /does not show it/],
  // valid, and overrides nothing (ipmitool/ipmitool#304)
  ["names no device", flags("Valid", "No override"), /does not show it/],
];
for (const [name, shown, remark] of kept) {
  Deno.test(`IPMI: an override that ${name}`, async () => {
    const { driver, calls } = ipmi({ "17 chassis bootparam get 5": [0, shown] });
    const said = await driver.bootOnce("network");
    remark ? assert.match(said ?? "", remark) : assert.equal(said, undefined);
    await driver.restoreBoot();
    assert.equal(calls.includes("17 chassis bootdev none"), remark === undefined);
  });
}

// each is gone a moment later
const passing: [source: string, text: string][] = [
  [
    "openshift-kni/baremetal-deploy#481",
    "Error in open session response message : insufficient resources for session\n" +
    "Error: Unable to establish IPMI v2 / RMCP+ session",
  ],
  ["openbmc/openbmc#1810", "Get Chassis Power Status failed: Unspecified error"],
  ["IPMI 2.0 Table 5-2, C0h", "Get Chassis Power Status failed: Node busy"],
];
for (const [source, text] of passing) {
  Deno.test(`IPMI: the BMC is busy, and is asked again (${source})`, async () => {
    const { driver, calls } = ipmi({
      "17 chassis power status": [0, "Chassis Power is on\n"],
      "17 chassis power status #1": [1, text],
    });
    assert.equal(await driver.status(), "on");
    assert.equal(calls.length, 2);
    await assert.rejects(ipmi({ "17 chassis power status": [1, text] }).driver.status());
  });
}

Deno.test("IPMI: a wrong password is tried once, since BMCs lock the user after a few", async () => {
  const { driver, calls } = ipmi({ "17 raw 0x00 0x08 0x03 0x08": [1, "> RAKP 2 HMAC is invalid"] });
  await assert.rejects(driver.bootOnce("network"), /rejects the password of admin/);
  assert.equal(calls.length, 1);
});

// ipmitool 1.8.19 with -v
const said: [text: string, reason: RegExp][] = [
  [
    "Loading IANA PEN Registry...\n> RAKP 2 HMAC is invalid\nError: Unable to establish IPMI v2 / RMCP+ session",
    /rejects the password of admin/,
  ],
  ["> RAKP 2 message indicates an error : unauthorized name", /rejects the password of admin/],
  [
    "> Error: no response from RAKP 1 message\nError: Unable to establish IPMI v2 / RMCP+ session",
    /of admin, or the user/,
  ],
  ["Error: Unable to establish IPMI v2 / RMCP+ session", /does not answer/],
  [
    "Set Chassis Power Control to Up/On failed: Command not supported in present state",
    /not supported in present state/,
  ],
];
for (const [text, reason] of said) {
  Deno.test(`IPMI errors: ${text.split("\n")[0]}`, async () => {
    await assert.rejects(ipmi({ "17 chassis power on": [1, text] }).driver.on(), reason);
  });
}
