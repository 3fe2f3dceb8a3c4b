/** Whether the service is as `install-service` wrote it, and its sandbox is in force: asked of systemd and the kernel. */
import type { Check } from "./check.ts";
import { type ServerService, UNIT } from "./server_service.ts";

/** Of 10; systemd-analyze(1), "security". */
const MOST_EXPOSURE = 3.0;
const FILE = `/etc/systemd/system/${UNIT}`;
/** Directives that systemd shows as they are written. The system calls stand in the process's own status. */
const SHOWN = /^((?:Private|Protect|Restrict|Remove|Lock|NoNew|Device|State|User|Group|UMask)\w*)=(.+)$/gm;
/** What the server's process must have: CAP_NET_BIND_SERVICE is bit 10, CAP_NET_RAW bit 13 (capability.h). */
const STATUS = {
  CapEff: "0000000000002400",
  CapBnd: "0000000000002400",
  NoNewPrivs: "1",
  Seccomp: "2",
};
/** Tried in the mounts that the server sees, but as root: only the mounts can refuse them. */
const REFUSED = [
  ...["touch /etc/tried", "touch /usr/tried", "touch /var/tried", "touch /root/tried", "touch /home/tried"],
  ...["echo tried > /proc/sys/kernel/domainname", "mkdir /sys/fs/cgroup/tried", "test -e /dev/kmsg"],
];
const ALLOWED = ["touch /var/lib/rackseed/tried && rm /var/lib/rackseed/tried", "test -c /dev/null"];
const OWN_NAMESPACES = ["mnt", "ipc", "uts"];

export async function checkService(service: ServerService): Promise<Check[]> {
  const pid = await service.property("MainPID");
  return [
    await checkExposure(service),
    await checkUnit(service),
    await checkProcess(service, pid),
    await checkView(service, pid),
  ];
}

/** At the end of the lab, since it stops the service: nothing that the sandbox refuses has ended the server before. */
export async function checkServiceEnd(service: ServerService): Promise<Check> {
  const [state, restarts] = [await service.property("ActiveState"), await service.property("NRestarts")];
  await service.systemctl("stop", UNIT);
  const result = await service.property("Result");
  return {
    what: "the service ran to the end without a restart by systemd, and stops cleanly",
    passed: state === "active" && restarts === "0" && result === "success",
    seen: `${state}, ${restarts} restarts; stopped: ${result}`,
  };
}

async function checkExposure(service: ServerService): Promise<Check> {
  const said = await service.run("systemd-analyze", "security", "--no-pager", UNIT);
  const exposure = Number(/Overall exposure level for \S+: ([\d.]+)/.exec(said)?.[1]);
  return {
    what: `systemd-analyze security: exposed to ${MOST_EXPOSURE.toFixed(1)} of 10 at most`,
    passed: exposure <= MOST_EXPOSURE,
    seen: said.split("\n").at(-1) ?? "",
  };
}

/** Against the file, so that a directive that is added to the unit is checked too. */
async function checkUnit(service: ServerService): Promise<Check> {
  const text = await service.read(FILE);
  const directives = [...text.matchAll(SHOWN)].map(([, name = "", value = ""]) => ({ name, value }));
  const differs: string[] = [];
  for (const { name, value } of directives) {
    const shown = await service.property(name);
    if (shown !== value) differs.push(`${name} is ${shown}, and not ${value}`);
  }
  const dropIns = await service.property("DropInPaths");
  if (dropIns !== "") differs.push(`it is changed by ${dropIns}`);
  if (await service.property("FragmentPath") !== FILE) differs.push(`it is not ${FILE}`);
  return {
    what: "systemd runs the unit that install-service wrote, with every directive of its sandbox",
    passed: differs.length === 0 && directives.length > 20,
    seen: differs.join("; ") || `${directives.length} directives as written, no drop-in`,
  };
}

async function checkProcess(service: ServerService, pid: string): Promise<Check> {
  const status = await service.run("cat", `/proc/${pid}/status`);
  const differs = Object.entries(STATUS).filter(([name, value]) =>
    !new RegExp(`^${name}:\\s+${value}$`, "m").test(status)
  ).map(([name]) => new RegExp(`^${name}:.*$`, "m").exec(status)?.[0] ?? `${name} is missing`);
  const user = await service.run("stat", "--format=%U", `/proc/${pid}`);
  if (user !== "rackseed") differs.push(`it runs as ${user}`);
  // else anyone may bind low ports, as in some containers
  const lowPorts = await service.run("cat", "/proc/sys/net/ipv4/ip_unprivileged_port_start");
  if (lowPorts !== "1024") differs.push(`any process may bind ports from ${lowPorts}`);
  return {
    what:
      "the process has the two capabilities of low ports and raw sockets, no other, and filtered system calls",
    passed: differs.length === 0,
    seen: differs.join("; ") || `user ${user}, CapEff ${STATUS.CapEff}, NoNewPrivs, seccomp filters`,
  };
}

async function checkView(service: ServerService, pid: string): Promise<Check> {
  const differs: string[] = [];
  const succeeds = async (command: string) =>
    await service.run("nsenter", "--target", pid, "--mount", "sh", "-c", `{ ${command}; } 2> /dev/null`).then(
      () => true,
      () => false,
    );
  for (const command of REFUSED) if (await succeeds(command)) differs.push(`"${command}" succeeds`);
  for (const command of ALLOWED) if (!await succeeds(command)) differs.push(`"${command}" fails`);
  for (const name of OWN_NAMESPACES) {
    const [own, host] = [await namespaceOf(service, pid, name), await namespaceOf(service, "1", name)];
    if (own === host) differs.push(`it is in its machine's namespace ${name}`);
  }
  return {
    what:
      "it sees the system read-only, no homes and no devices, and has mounts, IPC and host name to itself",
    passed: differs.length === 0,
    seen: differs.join("; ") || `${REFUSED.length} attempts refused; ${await deviceFilter(service, pid)}`,
  };
}

async function namespaceOf(service: ServerService, pid: string, name: string): Promise<string> {
  return await service.run("readlink", `/proc/${pid}/ns/${name}`);
}

/**
 * DevicePolicy= is the one directive that a container may leave without effect: with version 1 of control groups, the
 * devices are the host's to control. Its own /dev and the missing CAP_MKNOD still keep the server from devices.
 */
async function deviceFilter(service: ServerService, pid: string): Promise<string> {
  const groups = await service.run("cat", `/proc/${pid}/cgroup`);
  const isFiltered = !/^\d+:devices:/m.test(groups) || /^\d+:devices:.*rackseed/m.test(groups);
  return isFiltered ? "DevicePolicy= is in force" : "no DevicePolicy= in a container with control groups v1";
}
