/** Why a node cannot be restarted into the installer by its own agent, known before anything is ordered. Pure. */
import type { TemplateView } from "#contract/api.ts";
import { kexecBytes } from "#contract/kexec_memory.ts";
import type { NodeRecord } from "../../store/node_record.ts";

interface Refusal {
  readonly reason: string;
  readonly remedy: string;
}

/** What would be loaded. */
export interface LoadedFacts {
  /** "web@3" */
  readonly image: string;
  readonly isSigned: boolean;
  /** Kernel and initramfs together. */
  readonly sizeBytes: number;
}

type Machine = Pick<TemplateView, "online" | "restart">;

/** Undefined if nothing speaks against it. `machine`: what its agent has announced. */
export function restartRefusal(
  { name, settings: { mac } }: Pick<NodeRecord, "name" | "settings">,
  { machine, loaded }: { machine: Machine | undefined; loaded: LoadedFacts | undefined },
): Refusal | undefined {
  if (!machine?.online) {
    return {
      reason: machine === undefined ? "no agent runs on it." : "its agent is not connected.",
      remedy:
        `start it; this prints how: rackseed node agent ${name}. Or order without --now, and let the node ` +
        "boot from the network.",
    };
  }
  const { restart } = machine;
  if (restart === undefined) {
    return {
      reason: "its agent is of an earlier release, or runs with a token that is not the node's own.",
      remedy: `install it again; this prints how: rackseed node agent ${name}`,
    };
  }
  if (restart.obstacle) return restart.obstacle;
  if (mac !== undefined && !restart.macs.includes(mac)) {
    return {
      reason: `it reaches the server over ${restart.macs.join(", ")}, and not over its NIC ${mac}.`,
      remedy: `correct its routes, or the node: rackseed node set ${name} --mac MAC`,
    };
  }
  return loaded === undefined ? UNAVAILABLE : loadRefusal(restart, loaded);
}

/** Of a node that needs a quote: kexec goes past the firmware, which alone measures what starts. */
export const MUST_PROVE: Refusal = {
  reason: "its TPM must prove what it runs, which needs a start through its firmware.",
  remedy: "order without --now, and let it boot from the network.",
};

const UNAVAILABLE: Refusal = {
  reason: "the server has no sound kernel and initramfs of that version.",
  remedy: "see the server's notices; verify the image: rackseed image verify NAME",
};

function loadRefusal(
  { signedOnly, availableBytes }: NonNullable<Machine["restart"]>,
  { image, isSigned, sizeBytes }: LoadedFacts,
): Refusal | undefined {
  if (signedOnly && !isSigned) {
    return {
      reason: `its kernel is locked down, as under Secure Boot, and the kernel of ${image} is not signed.`,
      remedy: "order without --now, and let the node boot from the network.",
    };
  }
  const needed = kexecBytes(sizeBytes);
  if (availableBytes >= needed) return undefined;
  return {
    reason: `it needs ${mib(needed)} of free memory for the installer, and has ${mib(availableBytes)}.`,
    remedy: "stop what uses its memory, or let it boot from the network.",
  };
}

function mib(bytes: number): string {
  return `${Math.floor(bytes / (1 << 20))} MiB`;
}
