/**
 * What to send so that a system starts from the network once: the Boot object of ComputerSystem (DSP2046). Pure; the
 * services differ in what they accept, so there are several forms, each tried if the one before is refused.
 */
import type { BootTarget } from "../power_driver.ts";
import type { Boot } from "./resources.ts";

export interface BootPatch {
  readonly BootSourceOverrideEnabled?: string;
  readonly BootSourceOverrideTarget?: string;
  readonly BootSourceOverrideMode?: string;
}

/** An override as it was before. */
export interface BootBefore {
  readonly enabled: string | undefined;
  readonly target: string | undefined;
}

export type Firmware = "bios" | "uefi";

const TARGETS = { network: "Pxe", disk: "Hdd", medium: "Cd" } as const;

/** The wanted target, or undefined if the service does not list it. `boots`: of the system, and of its settings. */
export function targetFor(wanted: BootTarget, boots: readonly (Boot | undefined)[]): string | undefined {
  const target = TARGETS[wanted];
  // an iDRAC 10 lists them only with the settings (openstack/sushy, idrac10-settings-resource)
  const lists = boots.flatMap((boot) => boot?.["BootSourceOverrideTarget@Redfish.AllowableValues"] ?? []);
  return lists.length === 0 || lists.includes(target) ? target : undefined;
}

/**
 * With the mode first: a Supermicro falls back to its default mode without it (DMTF/Redfishtool#106). Then without it:
 * some refuse to have it set (ansible-collections/community.general#3581), or their own value for it (jgato/jgato,
 * Configuring_SuperMicro_UEFI.md). A service without "Once" keeps the override until it is put back.
 */
export function overridePatches(
  target: string,
  { boot, firmware }: { boot: Boot | undefined; firmware: Firmware | undefined },
): BootPatch[] {
  const allowed = boot?.["BootSourceOverrideEnabled@Redfish.AllowableValues"];
  const once = !allowed || allowed.length === 0 || allowed.includes("Once");
  const patch = {
    BootSourceOverrideEnabled: once ? "Once" : "Continuous",
    BootSourceOverrideTarget: target,
  };
  const mode = boot?.BootSourceOverrideMode === undefined ? undefined : modeOf(boot, firmware);
  return mode === undefined ? [patch] : [{ ...patch, BootSourceOverrideMode: mode }, patch];
}

function modeOf({ BootSourceOverrideMode: mode }: Boot, firmware: Firmware | undefined): string | undefined {
  if (firmware !== undefined) return firmware === "uefi" ? "UEFI" : "Legacy";
  // some write it in their own way (openstack/sushy, fix-malformed-boot-mode)
  if (/^uefi$/i.test(mode ?? "")) return "UEFI";
  return /^(legacy|bios)$/i.test(mode ?? "") ? "Legacy" : undefined;
}

/** Whether the override is still there after the start that it was for. */
export function isKept(
  { BootSourceOverrideEnabled: enabled, BootSourceOverrideTarget: target }: Boot,
): boolean {
  if (enabled === "Disabled" || enabled === undefined) return false;
  return target !== undefined && target !== "None";
}

/**
 * Puts back what was before. An iLO refuses "Disabled" with the target None (ironcore-dev/metal-operator#998), and
 * some demand the mode as well (ansible-collections/community.general#11543).
 */
export function restorePatches(boot: Boot, before: BootBefore): BootPatch[] {
  if (before.enabled === "Continuous" && before.target !== undefined && before.target !== "None") {
    const patch = { BootSourceOverrideEnabled: "Continuous", BootSourceOverrideTarget: before.target };
    return withMode(patch, boot);
  }
  const target = boot.BootSourceOverrideTarget ?? "Pxe";
  const full = { BootSourceOverrideEnabled: "Disabled", BootSourceOverrideTarget: target };
  return [{ BootSourceOverrideEnabled: "Disabled" }, ...withMode(full, boot)];
}

function withMode(patch: BootPatch, { BootSourceOverrideMode: mode }: Boot): BootPatch[] {
  return mode === undefined ? [patch] : [patch, { ...patch, BootSourceOverrideMode: mode }];
}

/** Where an AMI service wants the settings instead (DMTF/Redfish-Tacklebox#144); undefined if it names no place. */
export function futureStateUri(errorText: string): string | undefined {
  return /FutureState URI\((\/redfish\/v1\/[\x21-\x28\x2a-\x7e]{1,200})\)/.exec(errorText)?.[1];
}
