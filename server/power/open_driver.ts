/** From a node's power settings to the driver that carries them out. */
import { RackseedError } from "#contract/errors.ts";
import type { NodeRecord } from "../store/node_record.ts";
import type { PowerRecords } from "../store/power_records.ts";
import { bmcConnection } from "./bmc_connection.ts";
import { CommandDriver } from "./command/command_driver.ts";
import { IpmiDriver } from "./ipmi/ipmi_driver.ts";
import type { Pause, PowerDriver } from "./power_driver.ts";
import { RedfishDriver } from "./redfish/redfish_driver.ts";
import { runProgram } from "./run_program.ts";
import { WakeDriver } from "./wake/wake_driver.ts";

interface DriverSources {
  readonly records: PowerRecords;
  /** The folder with the site's own commands. */
  readonly commands: string;
  /** Address of the server's interface that faces the nodes. */
  readonly address: string;
  readonly pause: Pause;
  readonly now: () => number;
}

interface DriverUse {
  /** The action and its subject: "cannot switch n1 on". */
  readonly title: string;
  readonly signal: AbortSignal;
}

/** Throws RackseedError if the node has no power settings. */
export type OpenDriver = (node: NodeRecord, use: DriverUse) => PowerDriver;

const HTTPS_PORT = 443, IPMI_PORT = 623, WAKE_PORT = 9;
/** A machine that was heard of within this time is on. */
const HEARD_MS = 120_000;

export function driverOpener(sources: DriverSources): OpenDriver {
  return (node, use) => {
    const record = sources.records.get(node.id);
    if (!record) throw noSettings(use.title, [node.name]);
    const { settings } = record;
    switch (settings.method) {
      case "redfish":
        return openRedfish(node, { sources, use, settings });
      case "ipmi": {
        const { host, port = IPMI_PORT, user } = settings;
        const password = sources.records.secret(node.id) ?? "";
        return new IpmiDriver({
          run: runProgram,
          host,
          port,
          user,
          password,
          pause: sources.pause,
          firmware: firmwareOf(node),
          ...use,
        });
      }
      case "wol":
        return new WakeDriver({
          mac: node.settings.mac,
          secureOn: sources.records.secret(node.id),
          broadcast: settings.broadcast ?? "255.255.255.255",
          port: settings.port ?? WAKE_PORT,
          from: sources.address,
          title: use.title,
          isHeard: () => sources.now() - Date.parse(node.seen ?? "1970-01-01") < HEARD_MS,
        });
      case "command": {
        const { program, args } = settings;
        const of = { node: node.name, mac: node.settings.mac };
        return new CommandDriver({ run: runProgram, folder: sources.commands, program, args, ...of, ...use });
      }
    }
  };
}

interface RedfishUse {
  readonly sources: DriverSources;
  readonly use: DriverUse;
  readonly settings: { host: string; port?: number | undefined; user: string; system?: string | undefined };
}

function openRedfish(node: NodeRecord, { sources, use, settings }: RedfishUse): PowerDriver {
  const { records, pause } = sources;
  const { host, port = HTTPS_PORT, user, system } = settings;
  const send = bmcConnection({
    host,
    port,
    pin: () => records.get(node.id)?.pin,
    onCertificate: (pin) => records.pin(node.id, pin),
  });
  const address = port === HTTPS_PORT ? host : `${host}:${port}`;
  const password = records.secret(node.id) ?? "";
  return new RedfishDriver({ send, address, user, password, pause, ...use }, {
    system,
    firmware: firmwareOf(node),
  });
}

function firmwareOf({ inventory }: NodeRecord): "bios" | "uefi" | undefined {
  return inventory?.kind === "machine" ? inventory.firmware : undefined;
}

export function noSettings(title: string, names: readonly string[]): RackseedError {
  return new RackseedError(title, {
    reason: `the server does not know how to switch ${names.join(", ")}.`,
    remedy: `tell it: rackseed node set ${
      names[0]
    } --power redfish://USER@ADDRESS (or ipmi://…, wol, command:NAME)`,
    status: 409,
  });
}
