/**
 * Where settings come from, and which source wins: flags, then the environment, then the file, then the default.
 *
 * The file is one YAML mapping with the names of SETTINGS as keys:
 *
 *     interface: eth1
 *     dhcp: server
 *     dns: [10.0.0.1, 10.0.0.2]
 */
import { InvalidArgumentError } from "@commander-js/extra-typings";
import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from "yaml";
import { RackseedError } from "#contract/errors.ts";
import { nearest } from "../words/nearest.ts";
import {
  isSettingName,
  SETTING_NAMES,
  type SettingName,
  settingOf,
  type SettingValues,
  variableOf,
} from "./settings.ts";

/** A setting as text, before it is parsed. */
interface Given {
  readonly texts: readonly string[];
  /** For people: "/etc/rackseed/server.yaml line 3", "RACKSEED_HTTP_PORT". */
  readonly from: string;
}

export type GivenSettings = ReadonlyMap<SettingName, Given>;

/** A setting as the server would use it, as text. */
export interface EffectiveSetting {
  readonly name: SettingName;
  /** None: it has no value. */
  readonly texts: readonly string[];
  /** "default" if nothing sets it. */
  readonly from: string;
}

/** Variables of other commands. */
const OTHER_VARIABLES = ["RACKSEED_SERVER", "RACKSEED_TOKEN", "RACKSEED_CONFIG"];
/** Far more than all settings with comments need. */
const MAX_FILE_BYTES = 1 << 20;

/** Throws RackseedError if a variable is nearly, but not quite, that of a setting. */
export function environmentSettings(env: Readonly<Record<string, string>>): GivenSettings {
  const found = new Map<SettingName, Given>();
  const known = new Map(SETTING_NAMES.map((name) => [variableOf(name), name]));
  for (const [variable, text] of Object.entries(env)) {
    if (!variable.startsWith("RACKSEED_") || OTHER_VARIABLES.includes(variable)) continue;
    const name = known.get(variable);
    // other programs' variables may begin with RACKSEED_ too, so that only a slip of one letter is refused
    const near = nearest(variable, known.keys(), { within: 1 });
    if (name !== undefined) {
      const texts = settingOf(name).many ? text.split(/[\s,]+/).filter((part) => part !== "") : [text];
      found.set(name, { texts, from: variable });
    } else if (near !== undefined) {
      throw new RackseedError(`cannot use the environment variable ${variable}`, {
        reason: "no setting has this name.",
        remedy: `write ${near}, or unset it.`,
        status: 400,
      });
    }
  }
  return found;
}

/** Parses the file's text. Throws RackseedError, which names the line. */
export function fileSettings(text: string, path: string): GivenSettings {
  if (text.length > MAX_FILE_BYTES) throw unusable(path, { reason: "it is larger than 1 MiB." });
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, version: "1.2", schema: "failsafe" });
  const lineOf = (node: Node | null) => lines.linePos(node?.range?.[0] ?? 0).line;
  const [fault] = document.errors;
  if (fault) {
    throw unusable(path, { line: fault.linePos?.[0].line, reason: firstLine(fault.message) });
  }
  const found = new Map<SettingName, Given>();
  const { contents } = document;
  // a file of comments only
  if (contents === null || isScalar(contents) && contents.value === "") return found;
  if (!isMap(contents)) {
    throw unusable(path, { line: lineOf(contents), reason: "it is not a mapping of names to values." });
  }
  for (const { key, value } of contents.items) {
    const name = isScalar(key) ? String(key.value) : "";
    const line = lineOf(key as Node);
    if (!isSettingName(name)) throw unknownKey(path, { line, name });
    const texts = textsOf(value as Node | null);
    if (texts === undefined || texts.length !== 1 && !settingOf(name).many) {
      const wanted = settingOf(name).many ? "a value, or a list of values" : "one value";
      throw unusable(path, { line, reason: `${name} is not ${wanted}.` });
    }
    found.set(name, { texts, from: `${path} line ${line}` });
  }
  return found;
}

function textsOf(node: Node | null): string[] | undefined {
  if (isScalar(node)) return node.value === "" ? undefined : [String(node.value)];
  if (!isSeq(node) || isAlias(node)) return undefined;
  const texts = node.items.map((item) => isScalar(item) ? String(item.value) : undefined);
  return texts.every((text) => text !== undefined) ? texts : undefined;
}

/** One value for every setting. `flags` holds those that the command line gives, parsed. Throws RackseedError. */
export function settingValues(
  flags: Partial<SettingValues>,
  sources: readonly GivenSettings[],
): SettingValues {
  const values = SETTING_NAMES.map((name) => {
    if (name in flags) return [name, flags[name]];
    const given = firstOf(name, sources);
    if (given !== undefined) return [name, parsedValue(name, given)];
    return [name, settingOf(name).many ? [] : settingOf(name).fallback];
  });
  return Object.fromEntries(values) as SettingValues;
}

/** The same as text, for people. Throws RackseedError if a value is wrong. */
export function effectiveSettings(sources: readonly GivenSettings[]): EffectiveSetting[] {
  return SETTING_NAMES.map((name) => {
    const given = firstOf(name, sources);
    if (given !== undefined) {
      parsedValue(name, given);
      return { name, texts: given.texts, from: given.from };
    }
    const { fallback } = settingOf(name);
    return { name, texts: fallback === undefined ? [] : [String(fallback)], from: "default" };
  });
}

function firstOf(name: SettingName, sources: readonly GivenSettings[]): Given | undefined {
  return sources.find((source) => source.has(name))?.get(name);
}

function parsedValue(name: SettingName, { texts, from }: Given): unknown {
  const { parse, many } = settingOf(name);
  try {
    const values = texts.map(parse);
    return many ? values : values[0];
  } catch (error) {
    if (!(error instanceof InvalidArgumentError)) throw error;
    throw new RackseedError(`cannot use the setting ${name} of ${from}`, {
      reason: `its value is ${JSON.stringify(texts.join(" "))}. ${error.message}`,
      remedy: "correct it; `rackseed config check` checks all settings without starting the server.",
      status: 400,
    });
  }
}

function unknownKey(path: string, { line, name }: { line: number; name: string }): RackseedError {
  const near = nearest(name, SETTING_NAMES);
  return new RackseedError(`cannot use ${path}`, {
    reason: `line ${line}: ${JSON.stringify(name)} is not a setting.`,
    remedy: near === undefined
      ? "remove it; `rackseed config show` lists all settings."
      : `write ${near}, or remove it.`,
    status: 400,
  });
}

function unusable(
  path: string,
  { line, reason }: { line?: number | undefined; reason: string },
): RackseedError {
  return new RackseedError(`cannot use ${path}`, {
    reason: line === undefined ? reason : `line ${line}: ${reason}`,
    remedy: "write one setting a line, as `rackseed config show` prints them.",
    status: 400,
  });
}

function firstLine(message: string): string {
  return `${(message.split("\n")[0] ?? "").replace(/ at line \d+, column \d+:?$/, "").replace(/\.$/, "")}.`;
}
