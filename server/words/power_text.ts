/**
 * Power settings as text:
 *
 *     redfish://USER@HOST[:PORT][/redfish/v1/Systems/ID]
 *     ipmi://USER@HOST[:PORT]
 *     wol[://BROADCAST[:PORT]]
 *     command:NAME [ARGUMENT…]
 *     none
 */
import { PowerSettings, type PowerView } from "#contract/api/power.ts";
import { checked, UsageError } from "./usage.ts";

const FORMS = "expected redfish://USER@HOST, ipmi://USER@HOST, wol, command:NAME or none";

/**
 * Null for "none". Throws UsageError.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const text = "redfish://admin@10.0.0.5:8443/redfish/v1/Systems/1";
 * assert.equal(formatPower(parsePower(text) ?? assert.fail()), text);
 * assert.equal(parsePower("none"), null);
 * assert.throws(() => parsePower("ipmi://admin:secret@10.0.0.5"), /never on the command line/);
 * ```
 */
export function parsePower(text: string): PowerSettings | null {
  if (text === "none") return null;
  const value = valueOf(text);
  if (value === undefined) throw new UsageError(`--power ${text}: ${FORMS}.`);
  return checked(PowerSettings, { name: "--power", value });
}

function valueOf(text: string): Record<string, unknown> | undefined {
  const [, method, user, host, port, system] =
    /^(redfish|ipmi):\/\/([^@/\s]+)@(\[[^\]\s]+\]|[^:/\s]+)(?::(\d{1,5}))?(\/\S*)?$/.exec(text) ?? [];
  if (method !== undefined && user !== undefined) {
    if (user.includes(":")) {
      const shown = text.replace(/:[^@/]*@/, ":…@");
      throw new UsageError(
        `--power ${shown}: a password is given by a file or at the terminal, never on the command line.`,
      );
    }
    if (method === "ipmi" && system !== undefined) return undefined;
    const path = system === undefined || system === "/" ? {} : { system: system.replace(/\/$/, "") };
    return Object.assign({ method, user, host }, port === undefined ? {} : { port: Number(port) }, path);
  }
  const [wol, broadcast, wakePort] = /^wol(?::\/\/([\d.]+)(?::(\d{1,5}))?)?$/.exec(text) ?? [];
  if (wol !== undefined) {
    return Object.assign(
      { method: "wol" },
      broadcast === undefined ? {} : { broadcast },
      wakePort === undefined ? {} : { port: Number(wakePort) },
    );
  }
  const [, program, rest = ""] = /^command:(\S+)(?:\s+(.*))?$/.exec(text) ?? [];
  if (program === undefined) return undefined;
  return { method: "command", program, args: rest.split(/\s+/).filter((arg) => arg !== "") };
}

export function formatPower(settings: PowerSettings): string {
  switch (settings.method) {
    case "redfish":
    case "ipmi": {
      const port = settings.port === undefined ? "" : `:${settings.port}`;
      const system = settings.method === "redfish" ? settings.system ?? "" : "";
      return `${settings.method}://${settings.user}@${settings.host}${port}${system}`;
    }
    case "wol": {
      const port = settings.port === undefined ? "" : `:${settings.port}`;
      return settings.broadcast === undefined ? "wol" : `wol://${settings.broadcast}${port}`;
    }
    case "command":
      return [`command:${settings.program}`, ...settings.args].join(" ");
  }
}

/** How a deployment's start of the node goes, in a few words. */
export function startText({ start }: PowerView): string | undefined {
  if (!start) return undefined;
  return {
    queued: "waiting for its turn to start",
    switching: "being switched on",
    awaited: "started, waiting for its agent",
    arrived: "started",
    failed: "DID NOT START",
  }[start.state];
}

/** The same with the BMC's remark, if there is one. */
export function describeStart(power: PowerView): string | undefined {
  return [startText(power), power.start?.note].filter(Boolean).join("; ") || undefined;
}
