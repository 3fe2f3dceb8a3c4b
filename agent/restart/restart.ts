/** Carries out an order to restart into the installer. Until everything is loaded, nothing of the system is touched. */
import type { RestartAbility, RestartOrder, RestartReport } from "#contract/api.ts";
import { firstError, messageOf, type Problem, RackseedError } from "#contract/errors.ts";
import { kexecBytes } from "#contract/kexec_memory.ts";
import type { KexecFacts } from "../sys/kexec_obstacle.ts";
import { loadObstacle } from "../sys/kexec_obstacle.ts";
import type { loadKernel } from "../sys/kexec.ts";
import { withRetry } from "../sys/retry.ts";
import { fetchBootFile, type Fetching } from "./boot_files.ts";
import type { NetworkPath } from "./network_path.ts";

/** The machine, as this needs it. */
export interface RestartSystem {
  ability(signal: AbortSignal): Promise<RestartAbility>;
  facts(): Promise<KexecFacts>;
  /** How the installer can reach that server. Throws RackseedError. */
  path(server: URL, signal: AbortSignal): Promise<NetworkPath>;
  readonly load: typeof loadKernel;
  unload(): void;
  /** One line on the machine's own console. */
  say(line: string): Promise<void>;
  /** Stops the system in order, and starts the loaded kernel. Returns only by throwing. */
  stop(signal: AbortSignal): Promise<never>;
}

/** The server gives up after ten minutes. */
const LOAD_MS = 8 * 60_000;
const REPORT_BUDGET_MS = 60_000;
/** COMMAND_LINE_SIZE of x86 and arm64, with the NUL. */
const COMMAND_LINE_BYTES = 2048;

type Options = Fetching & { readonly system: RestartSystem };

/** Returns only if it fails: then the system runs on, and the server has been told. Throws if `signal` aborts. */
export async function restartIntoInstaller(order: RestartOrder, options: Options): Promise<Problem> {
  const { system, signal } = options, started = performance.now();
  const elapsedMs = () => Math.round(performance.now() - started);
  let state: "loading" | "loaded" | "stopping" = "loading";
  try {
    const message = await loadInstaller(order, options);
    state = "loaded";
    await report({ state: "done", elapsedMs: elapsedMs(), message }, options);
    await system.say(`Rackseed: by order of its server, this machine is to be ${order.purpose}.`);
    await system.say("Rackseed: the system stops now, and the installer starts without the firmware.");
    state = "stopping";
    return await system.stop(signal);
  } catch (error) {
    // a signal while the system stops is a part of that
    if (state === "loaded" || state === "stopping" && !signal.aborted) system.unload();
    signal.throwIfAborted();
    const problem = problemOf(error, order.node);
    await report({ state: "failed", elapsedMs: elapsedMs(), problem }, options).catch(() => {});
    return problem;
  }
}

/** Returns what was loaded, as text. Throws RackseedError. */
async function loadInstaller(order: RestartOrder, options: Options): Promise<string> {
  const { system } = options, signal = AbortSignal.any([options.signal, AbortSignal.timeout(LOAD_MS)]);
  const title = titleOf(order.node);
  const { obstacle, availableBytes } = await system.ability(signal);
  if (obstacle) throw new RackseedError(title, { ...obstacle, status: 409 });
  const sizeBytes = order.kernel.sizeBytes + order.initramfs.sizeBytes;
  if (availableBytes < kexecBytes(sizeBytes)) {
    throw new RackseedError(title, {
      reason: `the installer needs ${mib(kexecBytes(sizeBytes))} of free memory, and there are ${
        mib(availableBytes)
      }.`,
      remedy: "stop what uses the memory, or let the machine boot from the network.",
      status: 409,
    });
  }
  const path = await system.path(new URL(order.server), signal);
  const commandLine = commandLineOf(order, path);
  const fetching = { ...options, signal };
  using kernel = await fetchBootFile("vmlinuz", { ...fetching, expected: order.kernel });
  using initramfs = await fetchBootFile("initramfs", { ...fetching, expected: order.initramfs });
  try {
    system.load({ kernel: kernel.fd, initramfs: initramfs.fd, commandLine });
  } catch (error) {
    throw new RackseedError(title, {
      ...loadObstacle(error, await system.facts()),
      status: 409,
      cause: error,
    });
  }
  const { address, mask, gateway, vlan } = path;
  const reach = mask === undefined ? "IPv6" : `${address}/${mask}${gateway ? ` via ${gateway}` : ""}`;
  const network = `${order.mac} with ${reach}${vlan === undefined ? "" : ` in VLAN ${vlan}`}`;
  return `${mib(sizeBytes)} loaded; the installer will use ${network}; the system stops`;
}

/** Contains the boot token. */
function commandLineOf({ parameters, mac, node }: RestartOrder, path: NetworkPath): string {
  if (!path.macs.includes(mac)) {
    throw new RackseedError(titleOf(node), {
      reason: `it reaches the server over ${path.macs.join(", ")}, and not over its NIC ${mac}.`,
      remedy: "correct its routes, or the node's MAC at the server.",
      status: 409,
    });
  }
  const { address, mask, gateway, dns, vlan, lacp } = path;
  const ipv4 = { ip: address, mask, gw: gateway, dns: dns[0] === undefined ? undefined : dns.join(",") };
  const network = { vlan, lacp: lacp ? "on" : undefined, ...(mask === undefined ? {} : ipv4) };
  const words = Object.entries(network).flatMap(([key, value]) => value ? [`rackseed.${key}=${value}`] : []);
  const line = [parameters, ...words].join(" ");
  if (line.length < COMMAND_LINE_BYTES) return line;
  throw new RackseedError(titleOf(node), {
    reason: `the installer's command line would have ${line.length} bytes, and a kernel takes fewer than ` +
      `${COMMAND_LINE_BYTES}.`,
    remedy: "let the machine boot from the network.",
    status: 409,
  });
}

async function report(json: RestartReport, { client, id, signal, pause }: Options): Promise<void> {
  const send = () => client.send("POST", `/templates/${id}/restart`, { json, signal });
  await withRetry(send, { signal, budgetMs: REPORT_BUDGET_MS, ...(pause && { pause }) });
}

function problemOf(error: unknown, node: string): Problem {
  const first = firstError(error);
  if (first instanceof RackseedError) return first.toProblem();
  return new RackseedError(titleOf(node), {
    reason: messageOf(error),
    remedy: "see the agent's log on it (`journalctl -u rackseed-agent`).",
  }).toProblem();
}

function titleOf(node: string): string {
  return `cannot restart ${node} into the installer`;
}

function mib(bytes: number): string {
  return `${Math.ceil(bytes / (1 << 20))} MiB`;
}
