/** What a reload changes. */
import type { ServerCommand } from "./server_options.ts";
import { SETTING_NAMES, type SettingName, settingOf } from "./settings.ts";

interface ChangedSettings {
  /** Apply at once. */
  readonly applied: readonly SettingName[];
  /** Apply when the server starts again. */
  readonly waiting: readonly SettingName[];
  /** The settings that run from now on, so that the next reload names again what still waits. */
  readonly next: ServerCommand;
}

/** Compares the settings that the server runs with to those that it has read again. Pure. */
export function changedSettings(running: ServerCommand, read: ServerCommand): ChangedSettings {
  const isChanged = (name: SettingName) => textOf(running[memberOf(name)]) !== textOf(read[memberOf(name)]);
  const changed = SETTING_NAMES.filter(isChanged);
  const applied = changed.filter((name) => settingOf(name).reloads);
  const news = applied.map((name) => [memberOf(name), read[memberOf(name)]]);
  return {
    applied,
    waiting: changed.filter((name) => !settingOf(name).reloads),
    next: { ...running, ...Object.fromEntries(news) },
  };
}

function textOf(value: unknown): string {
  return JSON.stringify(value) ?? "";
}

/** "http-port" → "httpPort" */
function memberOf(name: SettingName): keyof ServerCommand {
  return name.replaceAll(/-(.)/g, (_, letter: string) => letter.toUpperCase()) as keyof ServerCommand;
}
