/**
 * The report that a clone sends once, over plain HTTP, when its own system has started: lines that any shell can write.
 * Its token grants nothing else.
 *
 *     POST /first-boot
 *
 *     token SECRET
 *     hostname node1                its host name
 *     boot-id 5f0c8d3e-…            /proc/sys/kernel/random/boot_id
 *     uptime 14.21                  seconds
 *     kernel 6.1.0-18-amd64
 *     failed-unit nginx.service     systemd's failed units, any number
 *     hook 0 required grow-data     exit code, or 124 if it timed out; required or optional; name
 *     out resized to 40 GB          a line of that hook's output, any number
 *
 * Answers: 204 accepted, now or before; 4xx do not retry; anything else: retry later.
 */

export const FIRST_BOOT_PATH = "/first-boot";
export const MAX_FIRST_BOOT_BYTES = 1 << 20;
/** Time allowed from the installation's end to the report. */
export const DEFAULT_FIRST_BOOT_SECONDS = 600;
/** Exit code of timeout(1). */
const TIMED_OUT = 124;

export interface FirstBootReport {
  readonly token: string;
  readonly hostname: string;
  readonly bootId?: string;
  readonly uptimeSeconds: number;
  readonly kernel?: string;
  readonly failedUnits: readonly string[];
  readonly hooks: readonly HookOutcome[];
}

interface HookOutcome {
  readonly name: string;
  readonly code: number;
  readonly optional: boolean;
  readonly output: readonly string[];
}

const MAX_TEXT = 255, MAX_LINE = 1000, MAX_UNITS = 20, MAX_HOOKS = 100, MAX_OUTPUT = 200;

/** Ignores unknown lines. Throws RangeError if the token or the host name is missing. */
export function parseFirstBoot(text: string): FirstBootReport {
  const facts = new Map<string, string>();
  const failedUnits: string[] = [];
  const hooks: (HookOutcome & { output: string[] })[] = [];
  for (const line of text.split("\n")) {
    const [, key = "", value = ""] = /^([a-z-]+) (.*)$/.exec(line) ?? [];
    switch (key) {
      case "out":
        if ((hooks.at(-1)?.output.length ?? MAX_OUTPUT) < MAX_OUTPUT) {
          hooks.at(-1)?.output.push(printable(value).slice(0, MAX_LINE));
        }
        break;
      case "hook": {
        const [, code, need, name] = /^(\d{1,3}) (required|optional) ([\w.-]{1,63})$/.exec(value) ?? [];
        if (name === undefined || hooks.length >= MAX_HOOKS) break;
        hooks.push({ name, code: Number(code), optional: need === "optional", output: [] });
        break;
      }
      case "failed-unit":
        if (failedUnits.length < MAX_UNITS) failedUnits.push(printable(value).slice(0, MAX_TEXT));
        break;
      default:
        if (key) facts.set(key, printable(value).slice(0, MAX_TEXT));
    }
  }
  const token = facts.get("token"), hostname = facts.get("hostname");
  if (!token || !hostname) throw new RangeError("a first-boot report has no token or no host name");
  const bootId = facts.get("boot-id"), kernel = facts.get("kernel");
  return {
    token,
    hostname,
    ...(bootId && { bootId }),
    uptimeSeconds: Math.min(1e9, Math.max(0, Number(facts.get("uptime")) || 0)),
    ...(kernel && { kernel }),
    failedUnits,
    hooks,
  };
}

/** "exited 3", "did not end in time". */
export function describeExit(code: number): string {
  return code === TIMED_OUT ? "did not end in time" : `exited ${code}`;
}

function printable(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.replace(/[\x00-\x08\x0b-\x1f\x7f]/g, "");
}
