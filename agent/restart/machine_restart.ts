/** The machine that this agent runs on, as a `RestartSystem`. */
import type { Run } from "../sys/command.ts";
import { kernelTerminals } from "../sys/console.ts";
import { loadKernel, unloadKernel } from "../sys/kexec.ts";
import { firstLine } from "../sys/small_file.ts";
import { ABILITY, restartAbility } from "./ability.ts";
import { readNetworkPath } from "./network_path.ts";
import type { RestartSystem } from "./restart.ts";
import { stopSystem } from "./stop_system.ts";

/** `server`: as the agent reaches it. */
export function machineRestart({ server, run }: { server: URL; run: Run }): RestartSystem {
  const port = { ...ABILITY, run };
  return {
    ability: (signal) => restartAbility(server, { signal, port }),
    facts: () => port.facts(),
    path: (server, signal) => readNetworkPath(server, { signal, port: port.network }),
    load: loadKernel,
    unload: unloadKernel,
    say: async (line) => {
      const active = await firstLine("/sys/class/tty/console/active") ?? "console";
      for (const terminal of kernelTerminals(active)) terminal.write(`\r\n${line}\r\n`);
    },
    stop: (signal) => stopSystem({ run, signal }),
  };
}
