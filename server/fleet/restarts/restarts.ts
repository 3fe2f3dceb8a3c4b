/**
 * Restarts of running nodes into the installer by their own agents:
 *
 *     ordered ── its agent takes the order ──▶ loads kernel and initramfs ──▶ done: the system stops ──▶ enrols
 *        │                                        │                              │
 *     too late                                 it cannot                      its own system runs again
 *        ▼                                        ▼                              ▼
 *     failed, and disarmed: an order that was to be carried out now must not wait for some later boot
 *
 * What is pending follows from the database alone, so that it outlives a restart of the server.
 */
import { getLogger } from "@logtape/logtape";
import type { RestartOrder, RestartReport, StepReport } from "#contract/api.ts";
import { type Problem, RackseedError } from "#contract/errors.ts";
import { formatToken } from "#contract/token.ts";
import type { Assignment } from "../../store/assignment.ts";
import type { Deployments } from "../../store/deployments.ts";
import type { NodeRecord } from "../../store/node_record.ts";
import { type Nodes, shortList } from "../../store/nodes.ts";
import type { Templates } from "../../store/templates.ts";
import type { Attestations } from "../attestation/attestations.ts";
import type { Bell } from "../bell.ts";
import type { Encryption } from "../encryption.ts";
import type { BootFile, InstallerBoot } from "../ports.ts";
import { BootHashes } from "./boot_hashes.ts";
import { type LoadedFacts, MUST_PROVE, restartRefusal } from "./restart_refusal.ts";
import { isSignedKernel, KERNEL_HEADER_BYTES } from "./signed_kernel.ts";

const log = getLogger(["rackseed", "nodes"]);

interface RestartSources {
  readonly nodes: Nodes;
  readonly deployments: Deployments;
  readonly templates: Pick<Templates, "find">;
  readonly encryption: Pick<Encryption, "end">;
  readonly attestations: Pick<Attestations, "isRequired">;
  /** Undefined until machines can boot from here. */
  readonly installer: () => InstallerBoot | undefined;
  readonly bell: Bell;
  /** Pin of the server's CA, for the boot tokens. */
  readonly pin: string;
  readonly onChange: (node: NodeRecord) => void;
  readonly now: () => number;
}

type File = "vmlinuz" | "initramfs";

/** From the order on: the agent fetches some 100 MB, perhaps with a whole room. */
const LOADED_MS = 10 * 60_000;
/** The old system may take minutes to stop, and the new kernel to find the server. */
const STARTED_MS = 30 * 60_000;

export class Restarts {
  readonly #sources: RestartSources;
  readonly #hashes = new BootHashes();

  constructor(sources: RestartSources) {
    this.#sources = sources;
  }

  /** Throws RackseedError (409) unless the agents of all these nodes can restart them into this version's installer. */
  prove(nodes: readonly NodeRecord[], { image, version }: { image: string; version: number }): void {
    const loaded = this.#loaded(`${image}@${version}`);
    const refused = nodes.flatMap((node) => {
      const machine = this.#sources.templates.find(node.name);
      const refusal = this.#sources.attestations.isRequired(node)
        ? MUST_PROVE
        : restartRefusal(node, { machine, loaded });
      return refusal ? [{ name: node.name, ...refusal }] : [];
    });
    const [first, ...others] = refused;
    if (first === undefined) return;
    throw new RackseedError(
      `cannot restart ${shortList(refused.map(({ name }) => name))} into the installer`,
      {
        reason: first.reason +
          others.slice(0, 9).map(({ name, reason }) => `\n  ${name}: ${reason}`).join(""),
        remedy: first.remedy,
        status: 409,
      },
    );
  }

  /** Tells the agent of a node (by id) that was armed to be restarted now. */
  begin(deployment: string, node: string): void {
    const { deployments, bell } = this.#sources;
    const part = deployments.part(deployment, node);
    if (part) this.#report(part, { state: "running", message: "waits for the agent that runs on it" });
    bell.ring();
  }

  /** The order for the agent of this node; the same one again until it is loaded. Each has a boot token of its own. */
  async orderFor(name: string): Promise<RestartOrder | undefined> {
    const { nodes, deployments, pin } = this.#sources;
    const pending = this.#pending(name);
    const installer = this.#sources.installer();
    if (!pending || !installer || pending.report?.state !== "running") return undefined;
    if (this.#sources.deployments.isHeld(pending.part)) return undefined;
    const { node, part } = pending, ref = `${part.image}@${part.version}`;
    const mac = node.settings.mac ?? this.#sources.templates.find(name)?.restart?.macs[0];
    const [kernel, initramfs] = await Promise.all([
      this.#facts(ref, "vmlinuz"),
      this.#facts(ref, "initramfs"),
    ]);
    // the order may have been cancelled meanwhile
    const secret = this.#pending(name)?.part.deployment === part.deployment
      ? deployments.issueBootSecret(node.id)
      : undefined;
    if (mac === undefined || kernel === undefined || initramfs === undefined || secret === undefined) {
      return undefined;
    }
    this.#report(part, { state: "running", message: "its agent loads the installer" });
    log.info("restart-ordered", { node: node.name, image: ref, mac });
    this.#sources.onChange(nodes.get(node.id));
    return {
      restart: part.deployment,
      node: node.name,
      purpose: this.#purpose(part),
      mac,
      server: installer.server,
      parameters: installer.parameters({ token: formatToken({ pin, secret }), mac, image: ref }),
      kernel,
      initramfs,
    };
  }

  /** The version whose installer this node is to load ("web@3"). Throws RackseedError (409) if it has no such order. */
  imageOf(name: string): string {
    const part = this.#pending(name)?.part;
    if (part) return `${part.image}@${part.version}`;
    throw notRestarting(name);
  }

  /** What the node's agent says of its order. Throws RackseedError (409) if that is no longer in force. */
  report(name: string, { state, elapsedMs, message, problem }: RestartReport): void {
    const pending = this.#pending(name);
    if (!pending) throw notRestarting(name);
    if (state === "done") this.#report(pending.part, { state, elapsedMs, message });
    else this.#fail(pending.part, problem ?? unknownFailure(name), elapsedMs);
    this.#sources.onChange(pending.node);
  }

  /** The node's own system has started, and its agent announced itself. */
  announced(name: string): void {
    const pending = this.#pending(name);
    if (pending?.report?.state !== "done") return;
    this.#fail(pending.part, {
      title: `cannot restart ${name} into the installer`,
      detail: "its system stopped, but then its own system started again.",
      remedy:
        "see its console for why its kernel did not start the other one; or let it boot from the network.",
      status: 500,
    });
    this.#sources.onChange(pending.node);
  }

  /** Ends the restarts that take too long. */
  tick(): void {
    const { nodes, deployments, now, onChange } = this.#sources;
    for (const { orderedMs, ...part } of deployments.queries.restarting()) {
      const { report } = deployments.progress(part.node);
      const isLoaded = report?.step === "restart" && report.state === "done";
      const limitMs = isLoaded ? STARTED_MS : LOADED_MS;
      const node = nodes.find(part.node);
      if (deployments.paused.is(part.deployment)) continue;
      const sinceMs = Math.max(orderedMs, deployments.paused.resumedMs(part.deployment) ?? 0);
      if (node === undefined || now() - sinceMs < limitMs) continue;
      this.#fail(part, {
        title: `cannot restart ${node.name} into the installer`,
        detail: `${isLoaded ? "its system stopped, but the installer has not" : "its agent has not"} ` +
          `reported for ${limitMs / 60_000} min.`,
        remedy: isLoaded
          ? "see its console; switch it off and on, and order it again."
          : "check the agent on it (`systemctl status rackseed-agent`), and order it again.",
        status: 504,
      });
      onChange(node);
    }
  }

  /** The node and its order, if it is armed to be restarted now and has not begun to install. */
  #pending(
    name: string,
  ): { node: NodeRecord; part: Assignment; report: StepReport | undefined } | undefined {
    const { nodes, deployments } = this.#sources;
    const node = nodes.find(name);
    const part = node && deployments.active(node.id);
    if (node === undefined || part?.state !== "armed" || !deployments.isNow(part.deployment)) {
      return undefined;
    }
    const { report } = deployments.progress(node.id);
    return { node, part, report: report?.step === "restart" ? report : undefined };
  }

  #purpose({ deployment, image, version }: Assignment): string {
    const restore = this.#sources.deployments.restoreOf(deployment);
    const ref = `${image}@${version}`;
    if (restore?.dryRun) return `compared with ${ref}`;
    return restore ? `restored to ${ref}` : `overwritten with ${ref}`;
  }

  #report(part: Assignment, { elapsedMs = 0, message, ...report }: {
    state: "running" | "done";
    elapsedMs?: number;
    message?: string | undefined;
  }): void {
    this.#sources.deployments.report(part, {
      step: "restart",
      elapsedMs,
      ...(message !== undefined && { message }),
      ...report,
    });
  }

  #fail(part: Assignment, problem: Problem, elapsedMs = 0): void {
    const { deployments, encryption } = this.#sources;
    deployments.report(part, { step: "restart", state: "failed", elapsedMs, problem });
    encryption.end(part.node);
    log.warn("restart-failed", { node: part.node, problem: `${problem.title}: ${problem.detail}` });
  }

  #open(ref: string, file: File): BootFile | undefined {
    return this.#sources.installer()?.file(`images/${ref}/${file}`);
  }

  async #facts(ref: string, file: File) {
    const opened = this.#open(ref, file);
    if (opened === undefined) return undefined;
    opened.close?.();
    return await this.#hashes.of(`${ref}/${file}/${opened.sizeBytes}`, () => {
      const again = this.#open(ref, file);
      if (again) return again;
      throw new Error(`${ref} has lost its ${file}`);
    });
  }

  #loaded(image: string): LoadedFacts | undefined {
    const kernel = this.#open(image, "vmlinuz"), initramfs = this.#open(image, "initramfs");
    try {
      if (kernel === undefined || initramfs === undefined) return undefined;
      const header = new Uint8Array(KERNEL_HEADER_BYTES);
      const isSigned = isSignedKernel(header.subarray(0, kernel.read(0, header)));
      return { image, isSigned, sizeBytes: kernel.sizeBytes + initramfs.sizeBytes };
    } finally {
      kernel?.close?.();
      initramfs?.close?.();
    }
  }
}

function notRestarting(name: string): RackseedError {
  return new RackseedError(`cannot restart ${name} into the installer`, {
    reason: "no such order is in force: it was cancelled, or took too long.",
    remedy: `order it: rackseed node restore ${name} --now`,
    status: 409,
  });
}

function unknownFailure(name: string): Problem {
  return {
    title: `cannot restart ${name} into the installer`,
    detail: "its agent does not say why.",
    remedy: "see the agent's log on it (`journalctl -u rackseed-agent`).",
    status: 500,
  };
}
