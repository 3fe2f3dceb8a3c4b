/** Files that name NICs, for configuration that refers to NICs by name only: systemd.link(5), or a rule of udev(7). */
import { type ConfigFile, file, type Texts } from "./network_files.ts";
import { parseIni, valueOf } from "./ini.ts";

export function linkFile(name: string, mac: string): ConfigFile {
  return file(
    `/etc/systemd/network/00-00-rackseed-${name}.link`,
    `[Match]\nMACAddress=${mac}\nType=ether\n\n[Link]\nName=${name}\n`,
  );
}

/** How a system names its NICs. */
export interface NicNaming {
  /** "link": systemd's udev; "rules": eudev; "kernel": nothing renames them. */
  readonly by: "link" | "rules" | "kernel";
  /** The kernel's names by MAC, as this machine has them now. */
  readonly kernelNames: ReadonlyMap<string, string>;
}

/** `paths`: of the clone's tree. */
export function nicNaming(
  paths: ReadonlySet<string>,
  kernelNames: ReadonlyMap<string, string>,
): NicNaming {
  if (paths.has("/sbin/udevd")) return { by: "rules", kernelNames };
  return { by: paths.has("/etc/alpine-release") ? "kernel" : "link", kernelNames };
}

/** Gives NICs these names, by MAC. */
export function nameFiles(names: ReadonlyMap<string, string>, { by }: NicNaming): ConfigFile[] {
  switch (by) {
    case "link":
      return [...names].map(([mac, name]) => linkFile(name, mac));
    case "rules": {
      const rules = [...names].map(([mac, name]) =>
        `SUBSYSTEM=="net", ACTION=="add", ATTR{address}=="${mac}", ATTR{type}=="1", NAME="${name}"\n`
      );
      return names.size === 0 ? [] : [file("/etc/udev/rules.d/70-persistent-net.rules", rules.join(""))];
    }
    case "kernel":
      return [];
  }
}

/** The names that link files and older udev rules give to NICs, by MAC. */
export function linkNames(texts: Texts): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const [path, text] of texts) {
    if (/^\/etc\/systemd\/network\/[^/]+\.link$/.test(path)) {
      const sections = parseIni(text);
      const mac = valueOf(sections, "Match", "PermanentMACAddress") ??
        valueOf(sections, "Match", "MACAddress");
      const name = valueOf(sections, "Link", "Name");
      if (mac && name) names.set(mac.toLowerCase(), name);
    }
    if (path.endsWith("persistent-net.rules")) {
      for (const line of text.split("\n")) {
        const [, mac] = /ATTR\{address\}=="([^"]+)"/.exec(line) ?? [];
        const [, name] = /NAME="([^"]+)"/.exec(line) ?? [];
        if (mac && name && !line.startsWith("#")) names.set(mac.toLowerCase(), name);
      }
    }
  }
  return names;
}
