/** Runs every check, each by itself. */
import { messageOf } from "#contract/errors.ts";
import { checkCertificates } from "./checks/certificates.ts";
import { checkClock } from "./checks/clock.ts";
import { checkData } from "./checks/data.ts";
import { checkFirewall } from "./checks/firewall.ts";
import { checkLimits } from "./checks/limits.ts";
import { checkNetwork } from "./checks/network.ts";
import { checkPackStore } from "./checks/pack_store.ts";
import { checkPorts } from "./checks/ports.ts";
import { checkSigningKey } from "./checks/signing_key.ts";
import { checkSpace } from "./checks/space.ts";
import { checkSpanningTree } from "./checks/spanning_tree.ts";
import { checkStandby } from "./checks/standby.ts";
import { checkStore } from "./checks/store.ts";
import type { Check, DoctorOptions, DoctorSystem, Finding } from "./finding.ts";

const CHECKS: Readonly<Record<string, Check>> = {
  network: checkNetwork,
  "spanning tree": checkSpanningTree,
  ports: checkPorts,
  firewall: checkFirewall,
  clock: checkClock,
  limits: checkLimits,
  space: checkSpace,
  data: checkData,
  certificates: checkCertificates,
  "signing key": checkSigningKey,
  store: checkStore,
  standby: checkStandby,
  "pack store": checkPackStore,
};
const CHECK_MS = 30_000;

export async function examine(options: DoctorOptions, system: DoctorSystem): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const [name, check] of Object.entries(CHECKS)) {
    try {
      findings.push(...await inTime(Promise.try(() => check(options, system))));
    } catch (error) {
      findings.push({
        check: name,
        level: "warning",
        text: `this could not be examined: ${messageOf(error)}`,
        remedy: "run rackseed doctor as root.",
      });
    }
  }
  return findings;
}

async function inTime<T>(work: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`no result after ${CHECK_MS / 1000} s`)), CHECK_MS);
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
