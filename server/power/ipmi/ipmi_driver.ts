/** Power control by IPMI 2.0 over LAN (RMCP+), through Debian's ipmitool. */
import type { PowerState } from "#contract/api/power.ts";
import { RackseedError } from "#contract/errors.ts";
import type { BootTarget, OffMode, PowerDriver } from "../power_driver.ts";
import { noAnswer, refused, wrongPassword } from "../power_error.ts";
import type { ProgramResult, RunProgram } from "../run_program.ts";

interface IpmiAccess {
  readonly run: RunProgram;
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  /** For messages. */
  readonly title: string;
  readonly signal: AbortSignal;
  /** As the node last reported it; decides whether the firmware is asked to start in UEFI mode. */
  readonly firmware: "bios" | "uefi" | undefined;
}

/** 17: RAKP-HMAC-SHA256; 3: RAKP-HMAC-SHA1, for BMCs from before 2013 (IPMI 2.0 §13.28, Table 22-20). */
const CIPHER_SUITES = [17, 3] as const;
const TIMEOUT_MS = 30_000;
/** ipmitool's own: 2 s before it sends again, 3 times. */
const RETRIES = ["-N", "2", "-R", "3"] as const;
const MISSING = "install it on the server: apt-get install ipmitool (dnf install ipmitool).";

const NO_SUITE =
  /no matching cipher suite|algorithm \S+ is not what we requested|invalid (authentication|integrity|confidentiality) algorithm/i;
const WRONG_PASSWORD =
  /RAKP 2 HMAC is invalid|no response from RAKP 1 message|unauthorized name|HMAC is invalid|Invalid user name|insufficient privilege|password.*(invalid|fail)/i;
const NO_ANSWER =
  /Unable to establish|No response|Address lookup|Network is unreachable|timeout|Connection refused/i;

export class IpmiDriver implements PowerDriver {
  readonly #access: IpmiAccess;
  #suite: number | undefined;
  #changedBoot = false;

  constructor(access: IpmiAccess) {
    this.#access = access;
  }

  async status(): Promise<PowerState> {
    const { stdout } = await this.#ipmi("chassis", "power", "status");
    const [, state] = /Chassis Power is (on|off)/i.exec(stdout) ?? [];
    return state === undefined ? "unknown" : state.toLowerCase() as PowerState;
  }

  async on(): Promise<void> {
    await this.#ipmi("chassis", "power", "on");
  }

  async off(how: OffMode): Promise<void> {
    await this.#ipmi("chassis", "power", how === "hard" ? "off" : "soft");
  }

  async reset(): Promise<void> {
    await this.#ipmi("chassis", "power", "reset");
  }

  canCutPower(): Promise<boolean> {
    return Promise.resolve(true);
  }

  /** For one start (IPMI 2.0 §28.13): the BMC drops it then, or after 60 s without a start. */
  async bootOnce(target: BootTarget): Promise<string | undefined> {
    const options = this.#access.firmware === "uefi" ? ["options=efiboot"] : [];
    await this.#ipmi("chassis", "bootdev", target === "network" ? "pxe" : "disk", ...options);
    this.#changedBoot = true;
    return undefined;
  }

  async restoreBoot(): Promise<void> {
    if (!this.#changedBoot) return;
    const { stdout } = await this.#ipmi("chassis", "bootparam", "get", "5");
    if (isOverridden(stdout)) await this.#ipmi("chassis", "bootdev", "none");
    this.#changedBoot = false;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }

  async #ipmi(...command: string[]): Promise<ProgramResult> {
    const { title, host, user } = this.#access;
    const suites = this.#suite === undefined ? CIPHER_SUITES : [this.#suite];
    let result: ProgramResult | undefined;
    for (const suite of suites) {
      result = await this.#run(suite, command);
      if (result.code === 0) {
        this.#suite = suite;
        return result;
      }
      if (!NO_SUITE.test(result.stderr)) break;
    }
    const said = reasonIn(result?.stderr ?? "") || reasonIn(result?.stdout ?? "") ||
      "ipmitool gives no reason";
    if (WRONG_PASSWORD.test(said)) throw wrongPassword(title, { address: host, user });
    if (NO_ANSWER.test(said)) throw noAnswer(title, { address: host, cause: new Error(said) });
    throw refused(title, { reason: `ipmitool ${command.join(" ")}: ${said}` });
  }

  #run(suite: number, command: readonly string[]): Promise<ProgramResult> {
    const { run, host, port, user, password, title, signal } = this.#access;
    if (new TextEncoder().encode(password).length > 20) {
      throw new RackseedError(title, {
        reason: "its password is longer than the 20 bytes that IPMI allows.",
        remedy: "give the BMC's user a shorter password, or use redfish://.",
        status: 400,
      });
    }
    const address = ["-H", host.replace(/^\[|\]$/g, ""), "-p", String(port), "-U", user];
    return run(
      // -v: without it, a wrong password looks like a BMC that does not answer
      ["ipmitool", "-v", "-I", "lanplus", "-C", String(suite), ...address, "-E", ...RETRIES, ...command],
      // -E: the password from the environment, which other users cannot see
      { title, signal, timeoutMs: TIMEOUT_MS, env: { IPMI_PASSWORD: password }, missing: MISSING },
    );
  }
}

/** Without what -v adds about ipmitool's own work. */
function reasonIn(text: string): string {
  const noise =
    /^(Loading IANA|Running Get VSO|Discovered IPMB|Invalid completion code received: Invalid command)/;
  return text.split("\n").filter((line) => !noise.test(line)).join("\n").trim();
}

/** Reads `ipmitool chassis bootparam get 5`. */
function isOverridden(text: string): boolean {
  return /Boot Flag Valid/.test(text) && !/Boot Device Selector : No override/i.test(text);
}
