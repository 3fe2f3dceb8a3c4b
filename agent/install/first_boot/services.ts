/** How each init system starts the first-boot script, once. Pure. */
import type { InitSystem } from "../../boot_config/first_boot.ts";

/** Excluded from captures (agent/tree/excludes.ts). */
export const FOLDER = "/var/lib/rackseed/first-boot";
const NAME = "rackseed-first-boot";

interface Service {
  readonly files: readonly { readonly path: string; readonly text: string; readonly mode: number }[];
  readonly links: readonly { readonly path: string; readonly target: string }[];
}

export function serviceOf(init: InitSystem): Service {
  switch (init) {
    case "systemd": {
      const unit = `/etc/systemd/system/${NAME}.service`;
      return {
        files: [{ path: unit, text: UNIT, mode: 0o644 }],
        links: [{ path: `/etc/systemd/system/multi-user.target.wants/${NAME}.service`, target: unit }],
      };
    }
    case "openrc":
      return {
        files: [{ path: `/etc/init.d/${NAME}`, text: OPENRC, mode: 0o755 }],
        links: [{ path: `/etc/runlevels/default/${NAME}`, target: `/etc/init.d/${NAME}` }],
      };
    case "sysv":
      return {
        files: [{ path: `/etc/init.d/${NAME}`, text: SYSV, mode: 0o755 }],
        links: [2, 3, 4, 5].map((level) => ({
          path: `/etc/rc${level}.d/S99${NAME}`,
          target: `../init.d/${NAME}`,
        })),
      };
  }
}

/**
 * After everything else that starts with the system. It does not delay the target (Type=simple) and pulls in no unit
 * that waits for the network: such a unit would fail in an image that has never used it.
 */
const UNIT = `[Unit]
Description=Rackseed: report to the image server that this machine is up
ConditionPathExists=${FOLDER}/run
RequiresMountsFor=${FOLDER}
After=multi-user.target network-online.target

[Service]
Type=simple
ExecStart=/bin/sh ${FOLDER}/run
`;

const OPENRC = `#!/sbin/openrc-run
description="Rackseed: report to the image server that this machine is up"
depend() {
  after *
}
start() {
  /bin/sh ${FOLDER}/run < /dev/null > /dev/null 2>&1 &
  return 0
}
`;

const SYSV = `#!/bin/sh
### BEGIN INIT INFO
# Provides: ${NAME}
# Required-Start: $all
# Required-Stop:
# Default-Start: 2 3 4 5
# Default-Stop:
# Short-Description: Rackseed: report to the image server that this machine is up
### END INIT INFO
case "$1" in
  start) /bin/sh ${FOLDER}/run < /dev/null > /dev/null 2>&1 & ;;
esac
`;
