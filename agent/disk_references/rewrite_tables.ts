/** fstab(5) and crypttab(5). Pure. */
import { isTag, replaceInLine, type Rewriting } from "./rewriting.ts";

const MISSED = "clones wait for it at boot and then stop; remove the line, or add nofail";

/** Only first fields and options change: comments, spacing and other lines stay as they are. */
export function rewriteFstab(text: string, rewriting: Rewriting): string {
  return text.split("\n").map((content, line) => {
    const [, before, spec, gap, mountPoint, rest] = /^(\s*)([^\s#]\S*)(\s+)(\S+)(.*)$/.exec(content) ?? [];
    if (spec === undefined || mountPoint === undefined) return content;
    const isOptional = /[\s,](nofail|noauto)\b/.test(rest ?? "");
    const so = isOptional ? "clones start without it" : MISSED;
    const options = replaceOptions(rest ?? "", { rewriting, line, so });
    return `${before}${newSpec(spec, { mountPoint, rewriting, line, so })}${gap}${mountPoint}${options}`;
  }).join("\n");
}

function newSpec(
  spec: string,
  { mountPoint, rewriting, line, so }: {
    mountPoint: string;
    rewriting: Rewriting;
    line: number;
    so: string;
  },
): string {
  const { disk } = rewriting;
  // a kernel name of an earlier boot, or of an earlier disk: what is mounted there is what is meant
  const isUnknown = !isTag(spec) && disk.meaning(spec).is === "foreign" || spec === "/dev/root";
  const mounted = isUnknown ? disk.mountedAt(mountPoint.replace(/(?<=.)\/+$/, "")) : undefined;
  return (mounted && rewriting.write(mounted, "spec")) ??
    rewriting.name(spec, { form: "spec", line, so });
}

/** logdev=, rtdev=, journal_path= … */
function replaceOptions(
  options: string,
  { rewriting, line, so }: { rewriting: Rewriting; line: number; so: string },
): string {
  return options.replace(/(?<==)\/dev\/[^\s,]+/g, (name) => rewriting.name(name, { form: "path", line, so }));
}

/**
 * Devices of crypttab(5). By partition: swap with a random key has no UUID that lasts, and another machine's disk of
 * that name would be overwritten at each boot.
 */
export function rewriteCrypttab(text: string, rewriting: Rewriting): string {
  return text.split("\n").map((content, line) => {
    const [, target, device, rest] = /^(\s*[^\s#]\S*\s+)(\S+)(.*)$/.exec(content) ?? [];
    if (target === undefined || device === undefined) return content;
    const so = "a clone's disk of that name would be overwritten or asked for a passphrase; " +
      "name a partition by PARTUUID=";
    const key = replaceInLine(rest ?? "", {
      rewriting,
      line,
      form: "path",
      so: "a clone that has no such key asks for a passphrase",
    });
    // UUIDs of encrypted volumes are not in the layout, which would refuse them before
    if (isTag(device)) {
      return `${target}${device}${key}`;
    }
    return `${target}${rewriting.name(device, { form: "part-spec", line, so })}${key}`;
  }).join("\n");
}
