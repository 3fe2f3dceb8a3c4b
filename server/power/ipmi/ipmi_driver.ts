/** Power control by IPMI 2.0 over LAN (RMCP+), through Debian's ipmitool. */
import type { PowerState } from "#contract/api/power.ts";
import { RackseedError } from "#contract/errors.ts";
import type { BootTarget, OffMode, Pause, PowerDriver } from "../power_driver.ts";
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
  readonly pause: Pause;
  /** As the node last reported it; decides whether the firmware is asked to start in UEFI mode. */
  readonly firmware: "bios" | "uefi" | undefined;
}

/** 17: RAKP-HMAC-SHA256; 3: RAKP-HMAC-SHA1, for BMCs from before 2013 (IPMI 2.0 §13.28, Table 22-20). */
const CIPHER_SUITES = [17, 3] as const;
const TIMEOUT_MS = 30_000;
/** ipmitool's own: 2 s before it sends again, 3 times. */
const RESENDS = ["-N", "2", "-R", "3"] as const;
const MAX_RETRIES = 4, RETRY_MS = 3000;
/**
 * What an operator of the BMC may do is enough. ipmitool asks for ADMINISTRATOR otherwise, which some BMCs refuse to
 * sessions over the network (ipmitool/ipmitool#376).
 */
const PRIVILEGE = ["-L", "OPERATOR"] as const;
/**
 * Boot parameter 3, bit 3: without it the BMC drops the boot override after 60 s, and some count until the firmware
 * asks for it (IPMI 2.0 Table 28-14; RackHD/on-tasks#493, xcat2/xcat-core#7460).
 */
const KEEP_OVERRIDE = ["raw", "0x00", "0x08", "0x03", "0x08"] as const;
const MISSING = "install it on the server: apt-get install ipmitool (dnf install ipmitool).";
const GET_BOOT_FLAGS = ["chassis", "bootparam", "get", "5"] as const;

const NO_SUITE =
  /no matching cipher suite|algorithm \S+ is not what we requested|invalid (authentication|integrity|confidentiality) algorithm/i;
const WRONG_PASSWORD =
  /RAKP 2 HMAC is invalid|no response from RAKP 1 message|unauthorized name|HMAC is invalid|Invalid user name|insufficient privilege|password.*(invalid|fail)/i;
/** Passes by itself: a BMC that starts, is busy, or whose sessions are all in use (openshift-kni/baremetal-deploy#481). */
const PASSING =
  /insufficient resources for session|Node busy|Out of space|BMC initialization in progress|failed: (Unspecified error|Timeout)/i;
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

  /** For one start (IPMI 2.0 §28.13). It is read back: some BMCs lose it (os-autoinst-distri-opensuse#7821). */
  async bootOnce(target: BootTarget): Promise<string | undefined> {
    const options = this.#access.firmware === "uefi" ? ["options=efiboot"] : [];
    await this.#attempt(KEEP_OVERRIDE);
    await this.#ipmi("chassis", "bootdev", target === "network" ? "pxe" : "disk", ...options);
    this.#changedBoot = true;
    const text = await this.#attempt(GET_BOOT_FLAGS);
    if (text === undefined || isOverridden(text)) return undefined;
    return "the BMC accepted the boot override, but does not show it";
  }

  async restoreBoot(): Promise<void> {
    if (!this.#changedBoot) return;
    const { stdout } = await this.#ipmi(...GET_BOOT_FLAGS);
    if (isOverridden(stdout)) await this.#ipmi("chassis", "bootdev", "none");
    this.#changedBoot = false;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }

  async #ipmi(...command: string[]): Promise<ProgramResult> {
    const result = await this.#settled(command);
    if (result.code === 0) return result;
    throw this.#unreached(result) ??
      refused(this.#access.title, { reason: `ipmitool ${command.join(" ")}: ${saidBy(result)}` });
  }

  /** The output; undefined if the BMC refuses the command, which is optional. */
  async #attempt(command: readonly string[]): Promise<string | undefined> {
    const result = await this.#settled(command);
    if (result.code === 0) return result.stdout;
    const unreached = this.#unreached(result);
    if (unreached) throw unreached;
    return undefined;
  }

  /** Undefined if the BMC did answer. */
  #unreached(result: ProgramResult): RackseedError | undefined {
    const { title, host, user } = this.#access, said = saidBy(result);
    if (WRONG_PASSWORD.test(said)) return wrongPassword(title, { address: host, user });
    if (NO_ANSWER.test(said)) return noAnswer(title, { address: host, cause: new Error(said) });
    return undefined;
  }

  /** Repeats what fails in passing. */
  async #settled(command: readonly string[]): Promise<ProgramResult> {
    const { pause, signal } = this.#access;
    for (let retries = 0;; retries++) {
      const result = await this.#withSuite(command);
      if (result.code === 0 || retries >= MAX_RETRIES || !PASSING.test(saidBy(result))) return result;
      await pause(RETRY_MS, signal);
    }
  }

  async #withSuite(command: readonly string[]): Promise<ProgramResult> {
    const suites = this.#suite === undefined ? CIPHER_SUITES : [this.#suite];
    for (const [i, suite] of suites.entries()) {
      const result = await this.#run(suite, command);
      if (result.code === 0) this.#suite = suite;
      else if (NO_SUITE.test(result.stderr) && i + 1 < suites.length) continue;
      return result;
    }
    throw new Error("no cipher suite to try");
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
      [
        "ipmitool",
        "-v",
        "-I",
        "lanplus",
        "-C",
        String(suite),
        ...PRIVILEGE,
        ...address,
        "-E",
        ...RESENDS,
        ...command,
      ],
      // -E: the password from the environment, which other users cannot see
      { title, signal, timeoutMs: TIMEOUT_MS, env: { IPMI_PASSWORD: password }, missing: MISSING },
    );
  }
}

function saidBy({ stdout, stderr }: ProgramResult): string {
  return reasonIn(stderr) || reasonIn(stdout) || "ipmitool gives no reason";
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
