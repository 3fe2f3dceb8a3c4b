/** An RPM package, by rpmbuild. */
import { run } from "../build/command.ts";
import { DESCRIPTION, type PackageOptions, SUMMARY } from "./deb.ts";
import { layOut, type PackageFile } from "./package_files.ts";

/** For the same bytes each time, and a program that is not stripped: its code stands behind the runtime. */
const MACROS = {
  _buildhost: "localhost",
  use_source_date_epoch_as_buildtime: "1",
  clamp_mtime_to_source_date_epoch: "1",
  source_date_epoch_from_changelog: "0",
  _build_id_links: "none",
  debug_package: "%{nil}",
  __os_install_post: "%{nil}",
  _binary_payload: "w3.zstdio",
};

/** Writes OUTPUT. */
export async function writeRpm(files: readonly PackageFile[], options: PackageOptions): Promise<void> {
  const { epoch, scratch, output } = options;
  const top = `${scratch}/rpm`, root = `${scratch}/rpm-root`;
  await layOut(files, { root, epoch });
  await Deno.mkdir(top, { recursive: true });
  await Deno.writeTextFile(`${top}/rackseed.spec`, specOf(files, { version: options.version, root }));
  const macros = Object.entries({ ...MACROS, _topdir: top, _rpmdir: top, _rpmfilename: "made.rpm" });
  await run([
    "rpmbuild",
    "-bb",
    "--quiet",
    "--target=x86_64-linux",
    `--buildroot=${top}/buildroot`,
    ...macros.flatMap(([name, value]) => ["--define", `${name} ${value}`]),
    `${top}/rackseed.spec`,
  ], { env: { SOURCE_DATE_EPOCH: `${epoch}` } });
  await Deno.rename(`${top}/made.rpm`, output);
}

function specOf(files: readonly PackageFile[], { version, root }: { version: string; root: string }): string {
  const list = files.map(({ path, mode, isSettings }) =>
    `${isSettings ? "%config(noreplace) " : ""}%attr(${mode.toString(8).padStart(4, "0")},root,root) ${path}`
  );
  return `Name: rackseed
Version: ${version}
Release: 1
Summary: ${SUMMARY}
License: MIT
AutoReqProv: no
Requires: glibc >= 2.28, libgcc, systemd
Recommends: openssl-libs, libzstd, xz-libs
Suggests: ipmitool
%description
${DESCRIPTION.join("\n")}
%install
mkdir -p %{buildroot}
cp -a ${root}/. %{buildroot}/
%post
systemd-sysusers rackseed.conf
if [ -d /run/systemd/system ]; then
  systemctl daemon-reload
  if [ "$1" -gt 1 ]; then systemctl try-restart rackseed.service; fi
fi
%preun
if [ "$1" = 0 ] && [ -d /run/systemd/system ]; then systemctl disable --now rackseed.service; fi
%postun
if [ -d /run/systemd/system ]; then systemctl daemon-reload; fi
%files
%dir /etc/rackseed
${list.join("\n")}
`;
}
