/** What `rackseed install-service` makes, as steps that can be printed before they are carried out. */
import { RackseedError } from "#contract/errors.ts";
import { isPlainPath, sysusersText, UNIT_MARK, unitText, USER } from "./unit.ts";

export type Step =
  | { readonly kind: "directory"; readonly path: string; readonly mode: number; readonly owner?: string }
  | {
    readonly kind: "file";
    readonly path: string;
    readonly mode: number;
    readonly content: string;
    /** A person may have written this file: one that exists stays as it is. */
    readonly keep?: true;
  }
  | { readonly kind: "user"; readonly name: string; readonly home: string; readonly sysusers: string };

export interface ServicePlace {
  /** Path of the compiled program. */
  readonly program: string;
  /** The data directory that the settings name. */
  readonly data: string;
  /** The settings' file that is written if there is none. */
  readonly settings: string;
}

export const UNIT = "/etc/systemd/system/rackseed.service";
const SYSUSERS = "/etc/sysusers.d/rackseed.conf";
const SETTINGS_FILE = "/etc/rackseed/server.yaml";

/** Pure. Throws RackseedError if the service could not run from there. */
export function servicePlan({ program, data, settings }: ServicePlace): Step[] {
  refuse(program, data);
  return [
    { kind: "directory", path: "/etc/rackseed", mode: 0o755 },
    { kind: "file", path: SETTINGS_FILE, mode: 0o644, content: settings, keep: true },
    { kind: "directory", path: "/etc/sysusers.d", mode: 0o755 },
    { kind: "file", path: SYSUSERS, mode: 0o644, content: sysusersText({ data }) },
    { kind: "user", name: USER, home: data, sysusers: SYSUSERS },
    { kind: "directory", path: data, mode: 0o700, owner: USER },
    { kind: "directory", path: "/etc/systemd/system", mode: 0o755 },
    { kind: "file", path: UNIT, mode: 0o644, content: `${UNIT_MARK}\n${unitText({ program, data })}` },
  ];
}

/** Files that `uninstall-service` removes. Settings go only if nobody changed them. */
export function removable({ settings }: Pick<ServicePlace, "settings">) {
  return [
    { path: UNIT, isOurs: (content: string) => content.startsWith(UNIT_MARK) },
    { path: SYSUSERS, isOurs: (content: string) => content.startsWith(`u ${USER} `) },
    { path: SETTINGS_FILE, isOurs: (content: string) => content === settings },
  ];
}

function refuse(program: string, data: string): void {
  const refusal = (reason: string, remedy: string) =>
    new RackseedError("cannot install the service", { reason, remedy, status: 400 });
  for (const path of [program, data]) {
    if (isPlainPath(path)) continue;
    throw refusal(
      `the path ${path} is not absolute, or has characters that mean something else in a unit.`,
      "use a path of letters, digits and . _ - + @ : only.",
    );
  }
  if (/^\/(home|root|run\/user|tmp|var\/tmp)\//.test(program)) {
    throw refusal(
      `the service cannot see ${program}: it runs without access to home directories and /tmp.`,
      "copy the program to /usr/local/bin/rackseed, and install the service from there.",
    );
  }
  if (/^\/(home|root|run\/user|tmp|var\/tmp)(\/|$)/.test(data)) {
    throw refusal(
      `the service cannot write to ${data}: it runs without access to home directories and /tmp.`,
      "choose a data directory elsewhere: `data: /srv/rackseed` in /etc/rackseed/server.yaml.",
    );
  }
}

/** One line for people. */
export function describeStep(step: Step): string {
  switch (step.kind) {
    case "directory": {
      const owner = step.owner === undefined ? "" : ` ${step.owner}`;
      return `directory ${step.path} (${step.mode.toString(8).padStart(4, "0")}${owner})`;
    }
    case "file":
      return `file ${step.path}`;
    case "user":
      return `system user ${step.name}`;
  }
}
