/** A virtual CD drive, with what services of the field demand and refuse. */
import assert from "node:assert/strict";
import { refusal, SYSTEM, TestBmc, type TestBmcOptions } from "../testing/test_bmc.ts";
import { cycle } from "../switching.ts";
import { RedfishDriver } from "./redfish_driver.ts";

const { signal } = new AbortController();
const title = "cannot restart n1",
  URL_OF_MEDIUM = "https://10.0.0.1:8443/api/v1/media/1a2b3c4d/image/key.iso";
const MANAGER = "/redfish/v1/Managers/1", DRIVES = `${MANAGER}/VirtualMedia`, CD = `${DRIVES}/Cd`;

interface DriveOptions {
  readonly inserted?: boolean;
  /** The body of InsertMedia is refused with 400. */
  readonly refuses?: (body: Record<string, unknown>) => boolean;
  /** The action does not exist: the drive is changed by PATCH. */
  readonly byPatch?: boolean;
  /** It accepts everything, and does nothing. */
  readonly lies?: boolean;
  /** Of the system itself, instead of its manager. */
  readonly ofSystem?: boolean;
  readonly none?: boolean;
}

function withDrive(options: DriveOptions) {
  const drive = { Inserted: options.inserted ?? false, Image: null as unknown }, said: string[] = [];
  const folder = options.ofSystem ? `${SYSTEM}/VirtualMedia` : DRIVES;
  const cd = CD.replace(DRIVES, folder), link = (path: string) => ({ "@odata.id": path });
  const change = (body: Record<string, unknown>, inserted: boolean) => {
    if (!options.lies) Object.assign(drive, { Inserted: inserted, Image: body["Image"] ?? null });
    return { status: 204 };
  };
  const intercept: TestBmcOptions["intercept"] = ({ method, path, body }) => {
    const json = (value: unknown) => ({ status: 200, json: value });
    const given = (body ?? {}) as Record<string, unknown>;
    if (path === MANAGER) return json({ VirtualMedia: link(DRIVES) });
    if (path === folder) return json({ Members: options.none ? [] : [link(`${folder}/Floppy`), link(cd)] });
    if (path === `${folder}/Floppy`) return json({ MediaTypes: ["Floppy", "USBStick"], Inserted: false });
    if (path === cd && method === "GET") {
      const actions = {
        "#VirtualMedia.InsertMedia": { target: `${cd}/Actions/VirtualMedia.InsertMedia` },
        "#VirtualMedia.EjectMedia": { target: `${cd}/Actions/VirtualMedia.EjectMedia` },
      };
      return json({ MediaTypes: ["CD", "DVD"], ...drive, ...(!options.byPatch && { Actions: actions }) });
    }
    if (path === cd) {
      said.push(`PATCH ${given["Image"]}`);
      return change(given, given["Inserted"] === true);
    }
    if (path.endsWith("InsertMedia")) {
      said.push(`insert ${Object.keys(given).join(" ")}`);
      return options.refuses?.(given) ? refusal(400, "Base.1.8.PropertyUnknown") : change(given, true);
    }
    if (path.endsWith("EjectMedia")) {
      said.push("eject");
      return change({}, false);
    }
    return undefined;
  };
  const links = options.ofSystem ? { VirtualMedia: link(folder) } : { Links: { ManagedBy: [link(MANAGER)] } };
  const bmc = new TestBmc({ system: links, intercept });
  const pause = () => Promise.resolve();
  const access = {
    send: bmc.send,
    address: "10.0.0.5",
    user: "admin",
    password: "secret",
    title,
    signal,
    pause,
  };
  const driver = new RedfishDriver(access, { system: undefined, firmware: "uefi" });
  return { driver, bmc, drive, said, context: { title, signal, pause } };
}

Deno.test("a machine starts from the medium once, which is ejected afterwards", async () => {
  const { driver, bmc, drive, said, context } = withDrive({});
  await driver.insertMedium(URL_OF_MEDIUM);
  assert.deepEqual(drive, { Inserted: true, Image: URL_OF_MEDIUM });
  await cycle(driver, context, { boot: "medium" });
  assert.deepEqual(bmc.orders, ["PATCH Once Cd UEFI", "On"]);
  await driver.ejectMedium();
  await driver.ejectMedium();
  assert.equal(drive.Inserted, false);
  assert.deepEqual(said, ["insert Image Inserted WriteProtected", "eject"]);
});

Deno.test("services want it in different ways", async () => {
  const cases: [DriveOptions, string[]][] = [
    [{ inserted: true }, ["eject", "insert Image Inserted WriteProtected"]],
    [{ ofSystem: true }, ["insert Image Inserted WriteProtected"]],
    [{ refuses: (body) => "Inserted" in body }, ["insert Image Inserted WriteProtected", "insert Image"]],
    [{ refuses: (body) => !("TransferProtocolType" in body) }, [
      "insert Image Inserted WriteProtected",
      "insert Image",
      "insert Image TransferProtocolType TransferMethod",
    ]],
    [{ byPatch: true }, [`PATCH ${URL_OF_MEDIUM}`]],
  ];
  for (const [options, orders] of cases) {
    const { driver, drive, said } = withDrive(options);
    await driver.insertMedium(URL_OF_MEDIUM);
    assert.equal(drive.Inserted, true, JSON.stringify(options));
    assert.deepEqual(said, orders);
  }
});

Deno.test("a drive that stays empty, a medium that is refused and a BMC without a drive are told of", async () => {
  const insert = (options: DriveOptions) => withDrive(options).driver.insertMedium(URL_OF_MEDIUM);
  await assert.rejects(insert({ lies: true }), /still empty after 30 s; it may not reach this server/);
  await assert.rejects(insert({ refuses: () => true }), /answered 400 .*PropertyUnknown/);
  await assert.rejects(insert({ none: true }), /does not support a virtual CD drive/);
});
