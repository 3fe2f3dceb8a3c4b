/** Rewrites fstab(5) and crypttab(5). Pure. */
import { isTag, replaceInLine, type Rewriting } from "./rewriting.ts";

const MISSED = "clones wait for it and then stop booting; remove the line, or add nofail";

/** Changes only first fields and options: comments, spacing and other lines stay. */
export function rewriteFstab(text: string, rewriting: Rewriting): string {
  return text.split("\n").map((content, line) => {
    const [, before, spec, gap, mountPoint, rest] = /^(\s*)([^\s#]\S*)(\s+)(\S+)(.*)$/.exec(content) ?? [];
    if (spec === undefined || mountPoint === undefined) return content;
    const isOptional = /[\s,](nofail|noauto)\b/.test(rest ?? "");
    const effect = isOptional ? "clones boot without it" : MISSED;
    const options = replaceOptions(rest ?? "", { rewriting, line, effect });
    return `${before}${newSpec(spec, { mountPoint, rewriting, line, effect })}${gap}${mountPoint}${options}`;
  }).join("\n");
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
  const { disk } = rewriting;
  // a kernel name of an earlier boot or disk: the mount point says which partition is meant
  const isUnknown = !isTag(spec) && disk.meaning(spec).is === "foreign" || spec === "/dev/root";
  const mounted = isUnknown ? disk.mountedAt(mountPoint.replace(/(?<=.)\/+$/, "")) : undefined;
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
 * Rewrites the devices of crypttab(5) to PARTUUIDs: swap with a random key has no persistent UUID, and a clone's disk
 * that happens to have the old name would be overwritten at each boot.
 */
export function rewriteCrypttab(text: string, rewriting: Rewriting): string {
  return text.split("\n").map((content, line) => {
    const [, target, device, rest] = /^(\s*[^\s#]\S*\s+)(\S+)(.*)$/.exec(content) ?? [];
    if (target === undefined || device === undefined) return content;
    const effect = "a clone's disk of that name would be overwritten or asked for a passphrase; " +
      "name a partition by PARTUUID=";
    const key = replaceInLine(rest ?? "", {
      rewriting,
      line,
      form: "path",
      effect: "clones without this key ask for a passphrase",
    });
    // UUIDs of encrypted volumes are not in the layout: a capture refuses such volumes
    if (isTag(device)) {
      return `${target}${device}${key}`;
    }
    return `${target}${rewriting.name(device, { form: "part-spec", line, effect })}${key}`;
  }).join("\n");
}
