/** A Debian package, by dpkg-deb (Debian Policy §5, §6, deb-control(5)). */
import { gzipSync } from "node:zlib";
import { run } from "../build/command.ts";
import { file, layOut, type PackageFile } from "./package_files.ts";

export interface PackageOptions {
  readonly version: string;
  /** Seconds since 1970: the time of everything in the package (reproducible-builds.org/specs/source-date-epoch). */
  readonly epoch: number;
  readonly scratch: string;
  readonly output: string;
}

export const SUMMARY = "clones a running machine onto racks of others";
export const DESCRIPTION = [
  "Captures a running template machine, and brings up racks of clones by",
  "network boot and BitTorrent, each with its own name and address. Restores",
  "broken machines by fetching only what differs.",
];
const MAINTAINER = "Rackseed maintainers <rackseed@example.org>";

const POSTINST = `#!/bin/sh
set -e
if [ "$1" = configure ]; then
  systemd-sysusers rackseed.conf
  if [ -d /run/systemd/system ]; then
    systemctl daemon-reload
    if [ -n "$2" ]; then systemctl try-restart rackseed.service; fi
  fi
fi
`;
const PRERM = `#!/bin/sh
set -e
if [ "$1" = remove ] && [ -d /run/systemd/system ]; then
  systemctl disable --now rackseed.service
fi
`;
const POSTRM = `#!/bin/sh
set -e
if [ -d /run/systemd/system ]; then systemctl daemon-reload; fi
`;
/** The program is runtime and code in one file, which strip would cut off; it links its libraries in. */
const OVERRIDES = ["unstripped-binary-or-object", "embedded-library", "hardening-no-fortify-functions"]
  .map((tag) => `rackseed: ${tag}\n`).join("");

/** Writes OUTPUT. The same files make the same bytes. */
export async function writeDeb(files: readonly PackageFile[], options: PackageOptions): Promise<void> {
  const { version, epoch, scratch, output } = options;
  const root = `${scratch}/deb`;
  const all = [
    ...files,
    file("/usr/share/lintian/overrides/rackseed", OVERRIDES),
    { path: "/usr/share/doc/rackseed/changelog.gz", mode: 0o644, content: changelog(options) },
  ];
  await layOut(all, { root, epoch });
  const sizeKb = Math.ceil(sizeOf(all) / 1024);
  const control = [
    "Package: rackseed",
    `Version: ${version}`,
    "Architecture: amd64",
    `Maintainer: ${MAINTAINER}`,
    `Installed-Size: ${sizeKb}`,
    "Depends: libc6 (>= 2.28), libgcc-s1, systemd | systemd-standalone-sysusers",
    "Recommends: libssl3, libzstd1, liblzma5",
    "Suggests: ipmitool",
    "Section: admin",
    "Priority: optional",
    `Description: ${SUMMARY}`,
    ...DESCRIPTION.map((line) => ` ${line}`),
    "",
  ].join("\n");
  const settings = all.filter(({ isSettings }) => isSettings).map(({ path }) => `${path}\n`).join("");
  await layOut([
    file("/DEBIAN/control", control),
    file("/DEBIAN/conffiles", settings),
    file("/DEBIAN/md5sums", await sums(root, all)),
    script("/DEBIAN/postinst", POSTINST),
    script("/DEBIAN/prerm", PRERM),
    script("/DEBIAN/postrm", POSTRM),
  ], { root, epoch });
  await run(["dpkg-deb", "--root-owner-group", "-Zgzip", "--build", root, output], {
    env: { SOURCE_DATE_EPOCH: `${epoch}` },
  });
}

/** In the form of deb-changelog(5); the release notes are in the program's own help. */
function changelog({ version, epoch }: PackageOptions): Uint8Array {
  const date = new Date(epoch * 1000).toUTCString().replace("GMT", "+0000");
  const text =
    `rackseed (${version}) unstable; urgency=medium\n\n  * See Release notes under Help.\n\n -- ${MAINTAINER}  ${date}\n`;
  return new Uint8Array(gzipSync(text, { level: 9 }));
}

function script(path: string, text: string): PackageFile {
  return { ...file(path, text), mode: 0o755 };
}

function sizeOf(files: readonly PackageFile[]): number {
  const size = ({ content }: PackageFile) =>
    content instanceof Uint8Array ? content.length : Deno.statSync(content.from).size;
  return files.reduce((sum, one) => sum + size(one), 0);
}

async function sums(root: string, files: readonly PackageFile[]): Promise<string> {
  const paths = files.filter(({ isSettings }) => !isSettings).map(({ path }) => path.slice(1)).sort();
  return await run(["md5sum", ...paths], { cwd: root });
}
