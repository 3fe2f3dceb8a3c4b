/** What the settings decide about the service. */
import { DEFAULT_CONFIG } from "./defaults.ts";
import { readSettingsFile, serverCommand } from "./load_settings.ts";
import type { ServicePaths } from "./server_options.ts";
import { effectiveSettings, fileSettings } from "./setting_sources.ts";
import { settingsAsFile } from "./settings_text.ts";

/** Reads the tree's file of settings; the environment of this command is not the service's. Throws RackseedError. */
export function serviceSettings(root: string): ServicePaths {
  const tree = root.replace(/\/+$/, "");
  const path = tree + DEFAULT_CONFIG;
  const text = readSettingsFile(path, { mayBeMissing: true });
  const sources = text === undefined ? [] : [fileSettings(text, path)];
  const { data } = serverCommand({}, { sources, file: path });
  return { root: tree, data, settings: settingsAsFile(effectiveSettings([])) };
}
