/** Rewrites fstab(5) and crypttab(5). Pure. */
import { isTag, replaceInLine, type Rewriting } from "./rewriting.ts";
import type { UnlockWay } from "./template_disks.ts";

const MISSED = "clones wait for it and then stop booting; remove the line, or add nofail";

/** Changes only first fields and options: comments, spacing and other lines stay. */
export function rewriteFstab(text: string, rewriting: Rewriting): string {
  return text.split("\n").map((content, line) => {
    const [, before, spec, gap, mountPoint, rest] = /^(\s*)([^\s#]\S*)(\s+)(\S+)(.*)$/.exec(content) ?? [];
    if (spec === undefined || mountPoint === undefined) return content;
    const isOptional = /[\s,](nofail|noauto)\b/.test(rest ?? "");
    const effect = isOptional ? "clones boot without it" : MISSED;
    const options = replaceOptions(rest ?? "", { rewriting, line, effect });
    const named = newSpec(spec, { mountPoint, rewriting, line, effect });
    if (isOptional || !rewriting.disks.isLeft(rewriting.disks.meaning(named))) {
      return `${before}${named}${gap}${mountPoint}${options}`;
    }
    const what = /^\//.test(mountPoint) ? mountPoint : `the swap ${named}`;
    rewriting.changes.push(`${what} is on a disk that is left alone: the clone boots without it (nofail)`);
    return `${before}${named}${gap}${mountPoint}${madeOptional(options)}`;
  }).join("\n");
}

/** Adds nofail to the options (the fourth field), with a short wait for the device (systemd.mount(5)). */
function madeOptional(rest: string): string {
  const added = "nofail,x-systemd.device-timeout=10s";
  const [, type, options, end] = /^(\s+\S+\s+)(\S+)(.*)$/.exec(rest) ?? [];
  return options === undefined ? `${rest.trimEnd()} ${added}` : `${type}${options},${added}${end}`;
}

function newSpec(
  spec: string,
  { mountPoint, rewriting, line, effect }: {
    mountPoint: string;
    rewriting: Rewriting;
    line: number;
    effect: string;
  },
): string {
  const { disks } = rewriting;
  // a kernel name of an earlier boot or disk: the mount point says which partition is meant
  const isUnknown = !isTag(spec) && disks.meaning(spec).is === "foreign" || spec === "/dev/root";
  const mounted = isUnknown ? disks.mountedAt(mountPoint.replace(/(?<=.)\/+$/, "")) : undefined;
  return (mounted && rewriting.write(mounted, "spec")) ??
    rewriting.name(spec, { form: "spec", line, effect });
}

/** logdev=, rtdev=, journal_path= … */
function replaceOptions(
  options: string,
  { rewriting, line, effect }: { rewriting: Rewriting; line: number; effect: string },
): string {
  return options.replace(
    /(?<==)\/dev\/[^\s,]+/g,
    (name) => rewriting.name(name, { form: "path", line, effect }),
  );
}

/**
 * Rewrites crypttab(5): devices get PARTUUIDs, since swap with a random key has no persistent UUID, and a clone's disk
 * that happens to have the old name would be overwritten at each boot; captured LUKS volumes keep their UUIDs, and are
 * opened in the clone's way.
 */
export function rewriteCrypttab(text: string, rewriting: Rewriting): string {
  const lines = text.split("\n").map((content, line) => {
    const [, before, target, gap, device, rest] = /^(\s*)([^\s#]\S*)(\s+)(\S+)(.*)$/.exec(content) ?? [];
    if (target === undefined || device === undefined) return content;
    const captured = rewriting.disks.layout.encrypted?.find(({ name }) => name === target);
    const way = captured && rewriting.disks.clone.unlock?.get(target);
    if (captured && way) {
      return `${before}${target}${gap}UUID=${captured.uuid}${unlocked(rest ?? "", way)}`;
    }
    const effect = "a clone's disk of that name would be overwritten or asked for a passphrase; " +
      "name a partition by PARTUUID=";
    const key = replaceInLine(rest ?? "", {
      rewriting,
      line,
      form: "path",
      effect: "clones without this key ask for a passphrase",
    });
    const named = isTag(device)
      ? device
      : captured && rewriting.disks.meaning(device).is !== "volume"
      ? `UUID=${captured.uuid}`
      : rewriting.name(device, { form: "part-spec", line, effect });
    return `${before}${target}${gap}${named}${key}`;
  });
  const named = new Set(lines.map((content) => /^\s*([^\s#]\S*)/.exec(content)?.[1]));
  const { layout: { encrypted = [] }, clone: { unlock } } = rewriting.disks;
  // dracut needs no line for a volume that a person opens
  const added = encrypted.flatMap(({ name, uuid }) => {
    const way = unlock?.get(name);
    return !way || way.way === "passphrase" || named.has(name)
      ? []
      : [`${name} UUID=${uuid}${unlocked("", way)}\n`];
  });
  const whole = lines.join("\n");
  return added.length === 0 || whole === "" || whole.endsWith("\n")
    ? whole + added.join("")
    : `${whole}\n${added.join("")}`;
}

/** Options that choose a way to open a volume, each of which would keep the clone from using its own. */
const UNLOCK_OPTION =
  /^(tpm2|fido2|pkcs11)-|^(keyscript|keyfile-|keyslot|key-slot|token-timeout|headless|try-empty-password)/;

/** The key and the options behind a crypttab line's device, for a clone with a key of its own. */
function unlocked(rest: string, { way, keyFile }: UnlockWay): string {
  const [, , options = ""] = rest.trim().split(/\s+/).length > 1 ? /^\s+(\S+)\s+(\S+)/.exec(rest) ?? [] : [];
  const kept = options.split(",").filter((option) => option !== "" && !UNLOCK_OPTION.test(option));
  const chosen = [...kept, ...way === "tpm2" ? ["tpm2-device=auto"] : []];
  return ` ${way === "key-file" ? keyFile ?? "none" : "none"} ${chosen.join(",") || "luks"}`;
}
