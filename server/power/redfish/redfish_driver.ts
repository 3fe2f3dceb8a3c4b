/** Power control by Redfish (DSP0266, DSP2046). */
import type { PowerState } from "#contract/api/power.ts";
import { RackseedError } from "#contract/errors.ts";
import type { BootTarget, OffMode, PowerDriver } from "../power_driver.ts";
import { noSuchSystem, refused, unsupported } from "../power_error.ts";
import {
  type BootBefore,
  type BootPatch,
  type Firmware,
  futureStateUri,
  isKept,
  overridePatches,
  restorePatches,
  targetFor,
} from "./boot_override.ts";
import { type RedfishAccess, RedfishClient } from "./redfish_client.ts";
import { ejectMedium, insertMedium } from "./virtual_drive.ts";
import { ActionInfo, Collection, ComputerSystem, type Link, SystemSettings } from "./resources.ts";

interface RedfishSystem {
  /** Path of the ComputerSystem; undefined: the only one. */
  readonly system: string | undefined;
  /** As the node last reported it. */
  readonly firmware: Firmware | undefined;
}

/** Reset types (DSP2046, ComputerSystem.Reset) for an order, the best one first. */
const RESETS = {
  on: ["On", "ForceOn"],
  hard: ["ForceOff"],
  // an iLO 4 has no GracefulShutdown: the system shuts down when its button is pushed
  graceful: ["GracefulShutdown", "PushPowerButton"],
  reset: ["ForceRestart", "PowerCycle", "GracefulRestart"],
} as const;

interface Found {
  readonly value: ComputerSystem;
  readonly etags: readonly (string | undefined)[];
}

export class RedfishDriver implements PowerDriver {
  readonly #access: RedfishAccess;
  readonly #options: RedfishSystem;
  #client: Promise<RedfishClient> | undefined;
  #path: string | undefined;
  #resetTypes: readonly string[] | undefined;
  #before: BootBefore | undefined;

  constructor(access: RedfishAccess, options: RedfishSystem) {
    this.#access = access;
    this.#options = options;
  }

  async status(): Promise<PowerState> {
    return stateOf((await this.#read()).value);
  }

  on(): Promise<void> {
    return this.#reset("on", { wanted: "on" });
  }

  off(how: OffMode): Promise<void> {
    return this.#reset(how, { wanted: "off" });
  }

  reset(): Promise<void> {
    return this.#reset("reset", {});
  }

  async canCutPower(): Promise<boolean> {
    const types = await this.#types((await this.#read()).value);
    return types.length === 0 || types.includes("ForceOff");
  }

  async bootOnce(wanted: BootTarget): Promise<string | undefined> {
    const { value } = await this.#read();
    const settings = await this.#settings(value);
    const target = targetFor(wanted, [value.Boot, settings?.value.Boot]);
    if (!value.Boot && !settings || target === undefined) {
      throw unsupported(this.#access.title, {
        what: `a one-time boot override from the ${wanted}`,
        instead:
          "put the network first in the firmware's boot order, and switch the node on with `node power`.",
      });
    }
    const { BootSourceOverrideEnabled: enabled, BootSourceOverrideTarget: before } = value.Boot ?? {};
    this.#before ??= { enabled, target: before };
    const boot = value.Boot ?? settings?.value.Boot;
    await this.#patchBoot(overridePatches(target, { boot, firmware: this.#options.firmware }));
    // pending settings show only in their own resource
    if (settings) return undefined;
    const { Boot: shown } = (await this.#read()).value;
    if (shown?.BootSourceOverrideTarget === target && isKept(shown)) return undefined;
    return "the BMC accepted the boot override, but does not show it";
  }

  async restoreBoot(): Promise<void> {
    const before = this.#before;
    if (!before) return;
    const { value } = await this.#read();
    const same = value.Boot?.BootSourceOverrideTarget === before.target &&
      value.Boot?.BootSourceOverrideEnabled === before.enabled;
    if (!value.Boot || same || !isKept(value.Boot)) return;
    await this.#patchBoot(restorePatches(value.Boot, before));
    const { Boot: after } = (await this.#read()).value;
    const target = value.Boot.BootSourceOverrideTarget;
    if (after && isKept(after) && after.BootSourceOverrideTarget === target && target !== before.target) {
      throw refused(this.#access.title, {
        reason:
          `the BMC accepted the boot order of before, and the machine still boots from ${target} at each start`,
      });
    }
    this.#before = undefined;
  }

  async insertMedium(url: string): Promise<void> {
    await insertMedium(url, await this.#drive());
  }

  async ejectMedium(): Promise<void> {
    await ejectMedium(await this.#drive());
  }

  async #drive() {
    const { title, pause, signal } = this.#access;
    return { client: await this.#open(), system: (await this.#read()).value, title, pause, signal };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const client = await this.#client?.catch(() => undefined);
    this.#client = undefined;
    await client?.[Symbol.asyncDispose]();
  }

  /** `wanted`: the state that makes a refusal harmless (409 of an iDRAC, dell/dellemc-openmanage-ansible-modules#132). */
  async #reset(order: keyof typeof RESETS, { wanted }: { wanted?: PowerState }): Promise<void> {
    const { title } = this.#access;
    const { value } = await this.#read();
    if (wanted !== undefined && stateOf(value) === wanted) return;
    const types = await this.#types(value);
    const type = RESETS[order].find((name) => types.length === 0 || types.includes(name));
    if (type === undefined) {
      throw unsupported(title, {
        what: `this (it offers ${types.join(", ")})`,
        instead: order === "graceful" ? "cut the power: --hard." : "use the BMC's own page.",
      });
    }
    const client = await this.#open();
    const { target } = value.Actions?.["#ComputerSystem.Reset"] ?? {};
    const path = target === undefined
      ? `${await this.#system()}/Actions/ComputerSystem.Reset`
      : client.path(target);
    try {
      await client.post(path, { ResetType: type });
    } catch (error) {
      if (wanted === undefined || stateOf((await this.#read()).value) !== wanted) throw error;
    }
  }

  /** Empty if the service does not say. */
  async #types(system: ComputerSystem): Promise<readonly string[]> {
    if (this.#resetTypes) return this.#resetTypes;
    const action = system.Actions?.["#ComputerSystem.Reset"];
    if (!action) {
      throw unsupported(this.#access.title, {
        what: "switching this system",
        instead: "use the BMC's own page.",
      });
    }
    const listed = action["ResetType@Redfish.AllowableValues"] ?? [];
    // OpenBMC lists them in a resource of their own (ibm-openbmc/bmcweb#522)
    const info = action["@Redfish.ActionInfo"];
    if (listed.length > 0 || info === undefined) return this.#resetTypes = listed;
    const client = await this.#open();
    const found = await client.find(client.path(info), ActionInfo);
    const parameter = found?.value.Parameters?.find(({ Name }) => Name === "ResetType");
    return this.#resetTypes = parameter?.AllowableValues ?? [];
  }

  /**
   * To the settings object if it has boot settings (openstack/sushy, use-settingsobject-if-supported and
   * check-for-boot-attrs-in-settingsuri), else to the system. Throws the first refusal if every form is refused.
   */
  async #patchBoot(patches: readonly BootPatch[]): Promise<void> {
    const client = await this.#open();
    let first: unknown;
    for (const patch of patches) {
      const system = await this.#read();
      const settings = await this.#settings(system.value);
      const { path, etags } = settings ?? { path: await this.#system(), etags: system.etags };
      try {
        return await client.patch(path, { body: { Boot: patch }, etags });
      } catch (error) {
        if (!(error instanceof RackseedError) || error.status !== 502) throw error;
        const elsewhere = futureStateUri(error.reason);
        if (elsewhere !== undefined && elsewhere !== path) {
          const future = await client.get(client.path(elsewhere), SystemSettings);
          const its = [future.etag, future.value["@odata.etag"]];
          return await client.patch(client.path(elsewhere), { body: { Boot: patch }, etags: its });
        }
        first ??= error;
      }
    }
    throw first;
  }

  async #settings(system: ComputerSystem) {
    const link = system["@Redfish.Settings"]?.SettingsObject;
    if (!link) return undefined;
    const client = await this.#open(), path = client.path(link["@odata.id"]);
    const found = await client.find(path, SystemSettings);
    const boot = found?.value.Boot;
    if (!found || !boot) return undefined;
    const isForBoot = boot.BootSourceOverrideTarget !== undefined ||
      boot.BootSourceOverrideEnabled !== undefined ||
      boot["BootSourceOverrideTarget@Redfish.AllowableValues"] !== undefined;
    return isForBoot
      ? { path, value: found.value, etags: [found.etag, found.value["@odata.etag"]] }
      : undefined;
  }

  async #read(): Promise<Found> {
    const client = await this.#open(), path = await this.#system();
    const found = await client.find(path, ComputerSystem);
    if (found) return { value: found.value, etags: [found.etag, found.value["@odata.etag"]] };
    const { title, address } = this.#access;
    throw noSuchSystem(title, { address, path, known: await this.#known() });
  }

  async #system(): Promise<string> {
    if (this.#path !== undefined) return this.#path;
    if (this.#options.system !== undefined) return this.#path = this.#options.system.replace(/\/$/, "");
    const known = await this.#known();
    const [only, ...others] = known;
    if (only !== undefined && others.length === 0) return this.#path = only;
    const { title, address } = this.#access;
    if (only === undefined) throw refused(title, { reason: `the BMC at ${address} has no system` });
    throw noSuchSystem(title, { address, path: "that was named (there are several)", known });
  }

  async #known(): Promise<string[]> {
    const client = await this.#open();
    const { value } = await client.get(client.systems, Collection);
    return value.Members.map((member: Link) => client.path(member["@odata.id"]).replace(/\/$/, ""));
  }

  #open(): Promise<RedfishClient> {
    return this.#client ??= RedfishClient.open(this.#access);
  }
}

/** "PoweringOff" is still on, "PoweringOn" already: what draws power. Null while some BMCs start. */
function stateOf({ PowerState: state }: ComputerSystem): PowerState {
  if (state === "Off") return "off";
  return state === "On" || state === "PoweringOn" || state === "PoweringOff" || state === "Paused"
    ? "on"
    : "unknown";
}
