/** systemd.link(5): names a NIC, for configuration that refers to NICs by name only. */
import { type ConfigFile, file, type Texts } from "./network_files.ts";
import { parseIni, valueOf } from "./ini.ts";

export function linkFile(name: string, mac: string): ConfigFile {
  return file(
    `/etc/systemd/network/00-00-rackseed-${name}.link`,
    `[Match]\nMACAddress=${mac}\nType=ether\n\n[Link]\nName=${name}\n`,
  );
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
