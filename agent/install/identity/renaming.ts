/**
 * Replaces the template's host name by the clone's: in /etc/hosts, and in program settings whose value is exactly that
 * name. Pure.
 */
interface Names {
  /** With or without a domain. */
  readonly hostname: string;
  readonly templateHostname: string;
}

export function shortName(name: string): string {
  return name.split(".")[0] ?? name;
}

/** A machine that was never named shares its name with all others of the kind. */
function isNamed(name: string): boolean {
  return name !== "" && shortName(name).toLowerCase() !== "localhost";
}

export function isNameOf(name: string, hostname: string): boolean {
  const [given, own] = [name.toLowerCase(), shortName(hostname).toLowerCase()];
  return isNamed(hostname) && (given === own || given.startsWith(`${own}.`));
}

/**
 * Returns the clone's form of the template's name `token`; undefined if it is another name. The domain stays if the
 * clone's name has none of its own: web.example.com becomes n1.example.com.
 */
function renamed(token: string, { hostname, templateHostname }: Names): string | undefined {
  if (!isNameOf(token, templateHostname)) return undefined;
  const domain = token.slice(shortName(token).length);
  const name = domain === "" ? shortName(hostname) : hostname.includes(".") ? hostname : hostname + domain;
  return token === token.toUpperCase() && /[A-Z]/.test(token) ? name.toUpperCase() : name;
}

/** The clone's fully qualified name: with its own domain, or else the one that the text gives the template. */
export function fullName(text: string, { hostname, templateHostname }: Names): string {
  if (hostname.includes(".") || !isNamed(templateHostname)) return hostname;
  const names = text.split("\n").flatMap((line) => (line.split("#")[0] ?? "").trim().split(/\s+/).slice(1));
  const full = [...names, templateHostname].find((name) =>
    name.includes(".") && isNameOf(name, templateHostname)
  );
  return full === undefined ? hostname : hostname + full.slice(shortName(full).length);
}

interface Setting {
  readonly path: string;
  /** "whole": the file is nothing but the name. */
  readonly keys: "whole" | readonly string[];
  /** Indented lines continue a value. */
  readonly folds?: true;
}

/** Settings whose values are host names, or lists of them. */
const SETTINGS: readonly Setting[] = [
  { path: "/etc/mailname", keys: "whole" },
  { path: "/etc/HOSTNAME", keys: "whole" },
  { path: "/etc/sysconfig/network", keys: ["HOSTNAME"] },
  { path: "/etc/conf.d/hostname", keys: ["hostname", "HOSTNAME"] },
  { path: "/etc/machine-info", keys: ["PRETTY_HOSTNAME"] },
  {
    path: "/etc/postfix/main.cf",
    keys: ["myhostname", "mydestination", "myorigin", "smtp_helo_name"],
    folds: true,
  },
  {
    path: "/etc/exim4/update-exim4.conf.conf",
    keys: ["dc_other_hostnames", "dc_readhost", "dc_visible_name", "primary_hostname"],
  },
  { path: "/etc/zabbix/zabbix_agentd.conf", keys: ["Hostname"] },
  { path: "/etc/zabbix/zabbix_agent2.conf", keys: ["Hostname"] },
  { path: "/etc/salt/minion", keys: ["id"] },
  { path: "/etc/puppetlabs/puppet/puppet.conf", keys: ["certname"] },
  { path: "/etc/puppet/puppet.conf", keys: ["certname"] },
  { path: "/etc/samba/smb.conf", keys: ["netbios name"] },
  { path: "/etc/ipa/default.conf", keys: ["host"] },
  { path: "/etc/sssd/sssd.conf", keys: ["ipa_hostname", "ad_hostname", "krb5_hostname"] },
];

export const RENAMED_FILES: readonly string[] = SETTINGS.map(({ path }) => path);

/** The file's text on the clone; undefined if it does not contain the template's name. */
export function renamedText(path: string, { text, ...names }: Names & { text: string }): string | undefined {
  const setting = SETTINGS.find((setting) => setting.path === path);
  const rename = (value: string) => value.replace(/[^\s,;:'"=]+/g, (token) => renamed(token, names) ?? token);
  const changed = setting?.keys === "whole" ? rename(text) : (setting?.keys ?? []).reduce((text, key) => {
    const value = setting?.folds ? "[^\\n]*(?:\\n[ \\t]+[^\\n]*)*" : "[^\\n]*";
    const line = new RegExp(`^([ \\t]*${key}[ \\t]*[=:])(${value})`, "gm");
    return text.replace(line, (_, head: string, value: string) => head + rename(value));
  }, text);
  return changed === text ? undefined : changed;
}
