/**
 * The service's unit and its system user, as text.
 *
 * What the server really uses: ports below 1024 (67 DHCP, 69 TFTP, 873 rsync, 443 with a certificate of the site's
 * own) need CAP_NET_BIND_SERVICE. DHCP binds its socket to one interface (SO_BINDTODEVICE), for which kernels before
 * 5.7 want CAP_NET_RAW. Nothing needs CAP_NET_ADMIN. V8 compiles to memory that is writable and then executable, so
 * that MemoryDenyWriteExecute= must stay off. Addresses of the interfaces come by netlink.
 */

export const USER = "rackseed";
/** Tells our unit from one that a person wrote. */
export const UNIT_MARK = "# Written by `rackseed install-service`. Change it with `systemctl edit rackseed`.";

/** Absolute paths that need no quotes, see `isPlainPath`. */
interface UnitOptions {
  readonly program: string;
  /** The data directory. */
  readonly data: string;
}

/** Whether a path means the same in a unit, in sysusers.d and in a shell: no blanks, no `%`, no `$`. */
export function isPlainPath(path: string): boolean {
  return /^(\/[\w.@+:-]+)+$/.test(path) && !path.split("/").includes("..");
}

const DEFAULT_STATE = "/var/lib/rackseed";

/** @see systemd.exec(5), systemd.service(5) */
export function unitText({ program, data }: UnitOptions): string {
  return `[Unit]
Description=Rackseed image server
Documentation=man:rackseed-server(1)
After=network-online.target
Wants=network-online.target

[Service]
Type=notify
NotifyAccess=main
ExecStart=${program} server
ExecReload=/bin/kill -HUP $MAINPID
# a wrong setting does not get right by a restart
RestartPreventExitStatus=2
Restart=on-failure
RestartSec=3s
# after an upgrade, the part of the initramfs that all images share is made again
TimeoutStartSec=15min
WatchdogSec=60s
User=${USER}
Group=${USER}
UMask=0077
${data === DEFAULT_STATE ? "StateDirectory=rackseed\nStateDirectoryMode=0700" : `ReadWritePaths=${data}`}
LimitNOFILE=65536
LimitCORE=0
# the kernel may end the virtual machine of a rehearsal, and not the server with it
OOMPolicy=continue

# ports below 1024; DHCP on one interface, with kernels before 5.7
CapabilityBoundingSet=CAP_NET_BIND_SERVICE CAP_NET_RAW
AmbientCapabilities=CAP_NET_BIND_SERVICE CAP_NET_RAW
NoNewPrivileges=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_NETLINK AF_UNIX

ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateMounts=yes
PrivateDevices=yes
DevicePolicy=closed
PrivateIPC=yes
RemoveIPC=yes
ProtectProc=invisible
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
LockPersonality=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
# the virtual machines of rehearsals give up further rights themselves
SystemCallFilter=seccomp
SystemCallErrorNumber=EPERM

[Install]
WantedBy=multi-user.target
`;
}

/** @see sysusers.d(5) */
export function sysusersText({ data }: Pick<UnitOptions, "data">): string {
  return `u ${USER} - "Rackseed image server" ${data}\n`;
}
