/** Why a machine cannot start another kernel without its firmware, in words. */
import { codeOf } from "./errno.ts";
import { refusalToLoad } from "./kexec.ts";
import { exists, firstLine, textOf } from "./small_file.ts";
import { messageOf } from "#contract/errors.ts";

export interface KexecFacts {
  /** The errno's name with which the kernel refuses every image. */
  readonly refusal: string | undefined;
  /** The sysctl that forbids it until the next start: "kernel.kexec_load_disabled". */
  readonly disabledBy: string | undefined;
  /** As /sys/kernel/security/lockdown has it (kernel_lockdown(7)). */
  readonly lockdown: "none" | "integrity" | "confidentiality";
  /** The container that this is, and no machine: "docker". */
  readonly container: string | undefined;
  /** A guest of Xen that cannot start a kernel itself, or its control domain: "PV". */
  readonly xen: string | undefined;
}

export interface Obstacle {
  readonly reason: string;
  readonly remedy: string;
}

const KERNEL_TREES = { proc: "/proc", sys: "/sys", root: "" };

export async function readKexecFacts(
  { proc, sys, root }: typeof KERNEL_TREES = KERNEL_TREES,
  refusal: () => string | undefined = refusalToLoad,
): Promise<KexecFacts> {
  const lockdown = /\[(\w+)\]/.exec(await firstLine(`${sys}/kernel/security/lockdown`) ?? "")?.[1] ?? "none";
  const disabled = await firstLine(`${proc}/sys/kernel/kexec_load_disabled`) === "1";
  // Linux 6.3: each call counts, even one that asks for nothing
  const left = Number(await firstLine(`${proc}/sys/kernel/kexec_load_limit_reboot`) ?? -1);
  return {
    refusal: left === -1 ? refusal() : undefined,
    disabledBy: disabled
      ? "kernel.kexec_load_disabled"
      : left === 0
      ? "kernel.kexec_load_limit_reboot"
      : undefined,
    lockdown: lockdown === "integrity" || lockdown === "confidentiality" ? lockdown : "none",
    container: await containerOf({ proc, root }),
    xen: await xenOf({ proc, sys }),
  };
}

async function containerOf(
  { proc, root }: Pick<typeof KERNEL_TREES, "proc" | "root">,
): Promise<string | undefined> {
  // systemd-nspawn and LXC say so themselves; see "The container interface" of systemd
  const named = await firstLine(`${root}/run/systemd/container`) ??
    /(?:^|\0)container=([^\0]+)/.exec(await textOf(`${proc}/1/environ`) ?? "")?.[1];
  if (named !== undefined) return named;
  if (await exists(`${root}/.dockerenv`)) return "docker";
  if (await exists(`${root}/run/.containerenv`)) return "podman";
  // in a PID namespace of its own, "NSpid:" has a number for each (proc_pid_status(5))
  const depth = /^NSpid:\s+(.+)$/m.exec(await textOf(`${proc}/self/status`) ?? "")?.[1]?.trim().split(/\s+/);
  return (depth?.length ?? 1) > 1 ? "a PID namespace" : undefined;
}

async function xenOf(
  { proc, sys }: Pick<typeof KERNEL_TREES, "proc" | "sys">,
): Promise<string | undefined> {
  if ((await textOf(`${proc}/xen/capabilities`))?.includes("control_d")) return "Dom0";
  const type = await firstLine(`${sys}/hypervisor/guest_type`);
  return type === "PV" ? type : undefined;
}

/** Why this machine can load no kernel at all; undefined if nothing is known against it. Pure. */
export function kexecObstacle({ refusal, disabledBy, container, xen }: KexecFacts): Obstacle | undefined {
  if (container !== undefined) {
    return {
      reason: `it is a container (${container}), and no machine.`,
      remedy: "name the machine itself.",
    };
  }
  if (xen !== undefined) {
    return {
      reason: `it runs under Xen (${xen}), where Linux cannot start another kernel.`,
      remedy: "restart it into a network boot.",
    };
  }
  if (disabledBy !== undefined) {
    return {
      reason: `the sysctl ${disabledBy} forbids it until its next start.`,
      remedy: "remove the setting from /etc/sysctl.d and restart it once; or let it boot from the network.",
    };
  }
  if (refusal === "ENOSYS") {
    return {
      reason: "its kernel is built without CONFIG_KEXEC_FILE.",
      remedy: "run a kernel that has it, or let the machine boot from the network.",
    };
  }
  if (refusal === "EPERM") {
    return {
      reason: "its kernel does not let this process load another kernel (CAP_SYS_BOOT).",
      remedy: "run the agent as root, without CapabilityBoundingSet= in its unit.",
    };
  }
  if (refusal !== undefined) {
    return {
      reason: `its kernel answers kexec_file_load with ${refusal}.`,
      remedy: "let the machine boot from the network.",
    };
  }
  return undefined;
}

const UNSIGNED = new Set([
  "EKEYREJECTED",
  "ENOKEY",
  "ENODATA",
  "EBADMSG",
  "ENOPKG",
  "EKEYEXPIRED",
  "EKEYREVOKED",
]);

/** Why this kernel image was refused, by the error of `loadKernel`. Pure. */
export function loadObstacle(error: unknown, { lockdown }: Pick<KexecFacts, "lockdown">): Obstacle {
  const code = codeOf(error) ?? messageOf(error);
  if (UNSIGNED.has(code) || code === "EPERM" && lockdown !== "none") {
    return {
      reason:
        `the running kernel is locked down (${lockdown}), as under Secure Boot, and does not accept the ` +
        `signature of the other kernel (${code}).`,
      remedy: "use an image whose kernel is signed by its distribution, or restart through the firmware.",
    };
  }
  if (code === "EACCES") {
    return {
      reason: "a policy of the kernel (IMA or SELinux) forbids to load the other kernel (EACCES).",
      remedy: "see `dmesg` and the audit log; or restart through the firmware.",
    };
  }
  if (code === "ENOMEM" || code === "EADDRNOTAVAIL") {
    return {
      reason: `there is no memory for the other kernel and its initramfs (${code}).`,
      remedy: "stop what uses the memory, or restart through the firmware.",
    };
  }
  if (code === "ENOEXEC") {
    return {
      reason: "the running kernel does not know the format of the other kernel's image (ENOEXEC).",
      remedy: "restart through the firmware.",
    };
  }
  return {
    reason: `the running kernel does not load the other kernel (${code}).`,
    remedy: "see `dmesg` for its reason; or restart through the firmware.",
  };
}

/** Bytes that the kernel can give away without swapping: MemAvailable of proc_meminfo(5). */
export async function availableBytes(proc = KERNEL_TREES.proc): Promise<number> {
  const found = /^MemAvailable:\s+(\d+) kB$/m.exec(await textOf(`${proc}/meminfo`) ?? "");
  return Number(found?.[1] ?? 0) * 1024;
}
