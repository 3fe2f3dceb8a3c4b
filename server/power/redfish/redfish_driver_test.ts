/** What BMCs of the field demand and refuse, each case with the public report that it stands for. */
import assert from "node:assert/strict";
import { RackseedError } from "#contract/errors.ts";
import { refusal, RESET_TYPES, SYSTEM, TestBmc, type TestBmcOptions } from "../testing/test_bmc.ts";
import { cycle, switchOff, switchOn } from "../switching.ts";
import type { Firmware } from "./boot_override.ts";
import { RedfishDriver } from "./redfish_driver.ts";

const { signal } = new AbortController();
const TITLE = "cannot start n1";

function open(
  bmc: TestBmc,
  { password = "secret", system, firmware }: { password?: string; system?: string; firmware?: Firmware } = {},
) {
  const pauses: number[] = [];
  const pause = (ms: number) => Promise.resolve(void pauses.push(ms));
  const access = {
    send: bmc.send,
    address: "10.0.0.5",
    user: "admin",
    password,
    title: TITLE,
    signal,
    pause,
  };
  const driver = new RedfishDriver(access, { system, firmware });
  return { driver, pauses, context: { title: TITLE, signal, pause } };
}

const bootOf = (path: string) => (request: { method: string; path: string }) =>
  request.method === "PATCH" && request.path === path;
const isPatch = bootOf(SYSTEM);

interface Quirk {
  readonly name: string;
  readonly source: string;
  readonly bmc: TestBmcOptions;
  readonly firmware?: Firmware;
  /** The orders that it takes to start the machine from the network. */
  readonly orders: readonly string[];
}

const QUIRKS: readonly Quirk[] = [
  {
    name: "a plain service: once, with the mode, before it is switched on",
    source: "DSP2046, ComputerSystem",
    bmc: {},
    orders: ["PATCH Once Pxe UEFI", "On"],
  },
  {
    name: "a running machine is switched off, and the override is set while it is off",
    source: "DSP2046, ComputerSystem",
    bmc: { isOn: true },
    orders: ["ForceOff", "PATCH Once Pxe UEFI", "On"],
  },
  {
    name: "Supermicro falls back to its default mode unless the mode comes with the target",
    source: "DMTF/Redfishtool#106",
    bmc: {
      boot: { BootSourceOverrideEnabled: "Disabled", BootSourceOverrideMode: "Legacy" },
      intercept: ({ body, ...request }) =>
        isPatch(request) && !JSON.stringify(body).includes("BootSourceOverrideMode")
          ? { status: 500 }
          : undefined,
    },
    firmware: "uefi",
    orders: ["PATCH Once Pxe UEFI", "On"],
  },
  {
    name: "the mode must not be set: it is left out the second time",
    source: "ansible-collections/community.general#3581",
    bmc: {
      intercept: ({ body, ...request }) =>
        isPatch(request) && JSON.stringify(body).includes("BootSourceOverrideMode")
          ? refusal(400, "Base.1.8.PropertyNotWritable")
          : undefined,
    },
    orders: ["PATCH Once Pxe UEFI", "PATCH Once Pxe", "On"],
  },
  {
    name: "a mode in other letters than the standard's",
    source: "openstack/sushy, release note fix-malformed-boot-mode",
    bmc: { boot: { BootSourceOverrideEnabled: "Disabled", BootSourceOverrideMode: "Uefi" } },
    orders: ["PATCH Once Pxe UEFI", "On"],
  },
  {
    name: "Lenovo XCC and AMI demand If-Match (428)",
    source: "ansible/ansible#56150, stmcginnis/gofish#171",
    bmc: {
      etag: '"5"',
      intercept: ({ headers, ...request }) =>
        isPatch(request) && headers.get("if-match") !== '"5"'
          ? refusal(428, "Ami.1.0.PreconditionHeaderMissing")
          : undefined,
    },
    orders: ["PATCH Once Pxe UEFI", "On"],
  },
  {
    name: "a weak ETag is taken only in its strong form (412)",
    source: "openstack/sushy, release note fix-return-full-weak-etag",
    bmc: {
      etag: 'W/"5"',
      intercept: ({ headers, ...request }) =>
        isPatch(request) && headers.get("if-match") !== '"5"' ? { status: 412 } : undefined,
    },
    orders: ["PATCH Once Pxe UEFI", "PATCH Once Pxe UEFI", "On"],
  },
  {
    name: "its own ETag never matches: the header is left out",
    source: "openstack/sushy, release note fix-missing-etags; community.general#3268",
    bmc: {
      etag: '"5"',
      intercept: ({ headers, ...request }) =>
        isPatch(request) && headers.has("if-match") ? { status: 412 } : undefined,
    },
    orders: ["PATCH Once Pxe UEFI", "PATCH Once Pxe UEFI", "On"],
  },
  {
    name: "an OpenBMC lists the reset types in a resource of their own",
    source: "ibm-openbmc/bmcweb#522",
    bmc: {
      isOn: true,
      system: {
        Actions: {
          "#ComputerSystem.Reset": {
            target: `${SYSTEM}/Actions/ComputerSystem.Reset`,
            "@Redfish.ActionInfo": `${SYSTEM}/ResetActionInfo`,
          },
        },
      },
      intercept: ({ path }) =>
        path === `${SYSTEM}/ResetActionInfo`
          ? { status: 200, json: { Parameters: [{ Name: "ResetType", AllowableValues: RESET_TYPES }] } }
          : undefined,
    },
    orders: ["ForceOff", "PATCH Once Pxe UEFI", "On"],
  },
  {
    name: "no ForceOff: the override is set first, then it is restarted",
    source: "quadsproject/badfish#118 (the types differ by model)",
    bmc: { isOn: true, resetTypes: ["On", "GracefulShutdown", "ForceRestart"] },
    orders: ["PATCH Once Pxe UEFI", "ForceRestart"],
  },
  {
    name: "an iDRAC that is not ready yet answers 400, and is asked again",
    source: "quadsproject/badfish#129",
    bmc: {
      intercept: ({ path }, bmc) =>
        path === SYSTEM && bmc.requests.filter((request) => request.path === SYSTEM).length === 1
          ? refusal(400, "IDRAC.1.6.SWC0700", "iDRAC is not ready.")
          : undefined,
    },
    orders: ["PATCH Once Pxe UEFI", "On"],
  },
  {
    name: "a mode that the service does not show must not be sent, whatever the firmware",
    source: "ironcore-dev/metal-operator#985",
    bmc: {
      boot: { BootSourceOverrideEnabled: "Disabled", BootSourceOverrideTarget: "None" },
      intercept: ({ body, ...request }) =>
        isPatch(request) && JSON.stringify(body).includes("BootSourceOverrideMode")
          ? refusal(400, "Base.1.8.PropertyUnknown")
          : undefined,
    },
    firmware: "uefi",
    orders: ["PATCH Once Pxe", "On"],
  },
  {
    name: "an answer without a body right after a change of power is asked for again",
    source: "device-management-toolkit/console#1051",
    bmc: {
      intercept: ({ path }, bmc) => {
        const [last, before] = bmc.requests.slice(-2).reverse();
        return path === SYSTEM && last?.method === "GET" && before?.path.endsWith(".Reset")
          ? { status: 200 }
          : undefined;
      },
    },
    orders: ["PATCH Once Pxe UEFI", "On"],
  },
  {
    name: "all sessions are in use: Basic authentication",
    source: "stmcginnis/gofish#75, bb-Ricardo/check_redfish#89",
    bmc: {
      intercept: ({ method, path }) =>
        method === "POST" && path.endsWith("/Sessions")
          ? refusal(503, "IDRAC.2.1.RAC0218", "The maximum number of user sessions is reached.")
          : undefined,
    },
    orders: ["PATCH Once Pxe UEFI", "On"],
  },
  {
    name: "a root that names no systems before the login",
    source: "bb-Ricardo/check_redfish#148",
    bmc: { intercept: ({ path }) => path === "/redfish/v1/" ? { status: 200, json: {} } : undefined },
    orders: ["PATCH Once Pxe UEFI", "On"],
  },
  {
    name: "a service without sessions: Basic authentication",
    source: "DSP0266 §13.3",
    bmc: { sessions: false },
    orders: ["PATCH Once Pxe UEFI", "On"],
  },
  {
    name: "a service that lists no sessions is not asked for one",
    source: "openstack/sushy-tools",
    bmc: { sessions: "unlisted" },
    orders: ["PATCH Once Pxe UEFI", "On"],
  },
  {
    name: "a service that cannot do it once keeps the override",
    source: "openstack/sushy-tools, template system.json",
    bmc: {
      boot: {
        BootSourceOverrideEnabled: "Disabled",
        "BootSourceOverrideEnabled@Redfish.AllowableValues": ["Disabled", "Continuous"],
      },
    },
    orders: ["PATCH Continuous Pxe", "On"],
  },
];

for (const { name, source, bmc: options, firmware, orders } of QUIRKS) {
  Deno.test(`network boot: ${name} (${source})`, async () => {
    const bmc = new TestBmc(options);
    const { driver, context } = open(bmc, firmware && { firmware });
    assert.equal(await cycle(driver, context, { boot: "network" }), undefined);
    assert.deepEqual(bmc.orders, orders);
    assert.equal(bmc.boot?.BootSourceOverrideTarget, "Pxe");
    await driver[Symbol.asyncDispose]();
    assert.equal(bmc.sessions, 0, "its session is ended");
  });
}

Deno.test("boot settings go to the settings object that has them (Nokia: sushy, use-settingsobject-if-supported)", async () => {
  const pending: unknown[] = [], SETTINGS = `${SYSTEM}/Settings`;
  const bmc = new TestBmc({
    system: { "@Redfish.Settings": { SettingsObject: { "@odata.id": SETTINGS } } },
    intercept: ({ method, path, body }) => {
      if (path !== SETTINGS) return undefined;
      if (method === "PATCH") pending.push(body);
      return { status: 200, json: { Boot: { BootSourceOverrideTarget: "None" } } };
    },
  });
  await open(bmc).driver.bootOnce("network");
  assert.equal(pending.length, 1);
  assert.equal(bmc.boot?.BootSourceOverrideTarget, "None", "the system itself was not written");
});

Deno.test("AMI: what is moved to the FutureState URI goes there (DMTF/Redfish-Tacklebox#144)", async () => {
  const SD = "/redfish/v1/Systems/Self/SD", writes: string[] = [];
  const bmc = new TestBmc({
    intercept: ({ method, path }) => {
      if (path === SD) {
        return method === "PATCH" ? (writes.push(path), { status: 204 }) : { status: 200, json: {} };
      }
      if (method !== "PATCH") return undefined;
      const message = `Support of this Operation for Boot Properties is moved to FutureState URI(${SD})`;
      return refusal(400, "Ami.1.0.OperationSupportedInFutureStateURI", message);
    },
  });
  await open(bmc).driver.bootOnce("network");
  assert.deepEqual(writes, [SD]);
});

Deno.test("an override that the BMC kept is put back; iLO refuses Disabled without a target (metal-operator#998)", async () => {
  const bmc = new TestBmc({
    intercept: ({ body, ...request }) =>
      isPatch(request) && JSON.stringify(body) === '{"Boot":{"BootSourceOverrideEnabled":"Disabled"}}'
        ? refusal(400, "iLO.2.14.UnsupportedOperation")
        : undefined,
  });
  const { driver } = open(bmc);
  await driver.bootOnce("network");
  await driver.restoreBoot();
  assert.equal(bmc.boot?.BootSourceOverrideEnabled, "Disabled");
  bmc.requests.length = 0;
  await driver.restoreBoot();
  assert.deepEqual(bmc.orders, [], "once is enough");
});

Deno.test("an operator's own persistent override comes back", async () => {
  const bmc = new TestBmc({
    boot: { BootSourceOverrideEnabled: "Continuous", BootSourceOverrideTarget: "Hdd" },
  });
  const { driver } = open(bmc);
  await driver.bootOnce("network");
  assert.equal(bmc.boot?.BootSourceOverrideTarget, "Pxe");
  await driver.restoreBoot();
  assert.deepEqual([bmc.boot?.BootSourceOverrideEnabled, bmc.boot?.BootSourceOverrideTarget], [
    "Continuous",
    "Hdd",
  ]);
});

Deno.test("an iLO 4 without GracefulShutdown gets its button pushed; without that, the error says what is left", async () => {
  const bmc = new TestBmc({ isOn: true, resetTypes: ["On", "ForceOff", "PushPowerButton"] });
  const { driver, context } = open(bmc);
  await switchOff(driver, context, "graceful");
  assert.deepEqual(bmc.orders, ["PushPowerButton"]);
  const hard = open(new TestBmc({ isOn: true, resetTypes: ["On", "ForceOff"] }));
  await assert.rejects(
    switchOff(hard.driver, hard.context, "graceful"),
    /does not support this.*Remedy: cut the power/s,
  );
});

Deno.test("409 because it is on already is no failure (dell/dellemc-openmanage-ansible-modules#132)", async () => {
  // it comes on by itself between the question and the order
  const bmc = new TestBmc({
    intercept: ({ path }, bmc) => path.endsWith(".Reset") ? (bmc.isOn = true, undefined) : undefined,
  });
  const { driver, context } = open(bmc);
  await switchOn(driver, context);
  assert.deepEqual(bmc.orders, ["On"]);
});

Deno.test("a BMC that answers 200 and does nothing is found out", async () => {
  const bmc = new TestBmc({ intercept: ({ path }) => path.endsWith(".Reset") ? { status: 200 } : undefined });
  const { driver, context } = open(bmc);
  await assert.rejects(
    switchOn(driver, context),
    /accepted the order, but 60 s later the machine is still off/,
  );
});

Deno.test("a BMC that takes an override and does not show it leaves a remark", async () => {
  const bmc = new TestBmc({ intercept: (request) => isPatch(request) ? { status: 200 } : undefined });
  assert.match(await open(bmc).driver.bootOnce("network") ?? "", /does not show it/);
});

Deno.test("a Supermicro that keeps only the target of an override leaves a remark (bmc-toolbox/bmclib#459)", async () => {
  const bmc = new TestBmc({
    intercept: (request, bmc) => {
      if (!isPatch(request)) return undefined;
      bmc.boot = {
        BootSourceOverrideEnabled: "Disabled",
        BootSourceOverrideTarget: "Pxe",
        BootSourceOverrideMode: "Legacy",
      };
      return { status: 200 };
    },
  });
  const { driver, context } = open(bmc, { firmware: "uefi" });
  assert.match(await switchOn(driver, context, { boot: "network" }) ?? "", /does not show it/);
});

Deno.test("an override that the BMC keeps although it accepts the change back is reported", async () => {
  let isSet = false;
  const bmc = new TestBmc({
    intercept: (request) =>
      isPatch(request) && isSet ? { status: 204 } : (isSet ||= isPatch(request), undefined),
  });
  const { driver } = open(bmc);
  await driver.bootOnce("network");
  await assert.rejects(driver.restoreBoot(), /still boots from Pxe at each start/);
});

const errors: [name: string, bmc: TestBmcOptions, more: Parameters<typeof open>[1], message: RegExp][] = [
  [
    "a wrong password",
    {},
    { password: "wrong" },
    /cannot start n1: the BMC at 10.0.0.5 rejects the password of admin/,
  ],
  [
    "no such system",
    {},
    { system: "/redfish/v1/Systems/9" },
    /no system \/redfish\/v1\/Systems\/9; it has \/redfish\/v1\/Systems\/1/,
  ],
  ["no boot override", { boot: null }, {}, /does not support a one-time boot override from the network/],
  [
    "no network among its targets",
    { boot: { "BootSourceOverrideTarget@Redfish.AllowableValues": ["Hdd", "Usb"] } },
    {},
    /does not support a one-time boot override from the network/,
  ],
  [
    "a reference to another host",
    {
      intercept: ({ path }) =>
        path === "/redfish/v1/Systems"
          ? { status: 200, json: { Members: [{ "@odata.id": "https://evil.example/redfish/v1/Systems/1" }] } }
          : undefined,
    },
    {},
    /refers to another host, https:\/\/evil.example/,
  ],
  [
    "a redirect to another host",
    {
      intercept: ({ path }) =>
        path === SYSTEM ? { status: 302, headers: { location: "https://evil.example/" } } : undefined,
    },
    {},
    /refers to another host/,
  ],
  ["what is no Redfish", { intercept: () => ({ status: 200, json: "hello" }) }, {}, /is not Redfish/],
];
for (const [name, options, more, message] of errors) {
  Deno.test(`errors: ${name}`, async () => {
    const bmc = new TestBmc(options);
    await assert.rejects(open(bmc, more).driver.bootOnce("network"), (error: Error) => {
      assert(error instanceof RackseedError);
      assert.match(error.message, message);
      assert.doesNotMatch(error.message, /secret|wrong$/);
      return true;
    });
    assert.ok(!bmc.orders.includes("On"));
  });
}
