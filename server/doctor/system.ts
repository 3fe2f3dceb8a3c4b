/** The real machine. */
import { type BucketSettings, openBucket } from "../bucket/open_bucket.ts";
import { statfsSync } from "node:fs";
import { findOtherDhcpServer } from "../../boot/dhcp/probe.ts";
import { parseIpv4 } from "../../boot/dhcp/address.ts";
import { portError, portHolder, type PortName } from "../../boot/port_holder.ts";
import { includedPrograms, readBootProgram } from "../../boot/programs/programs.ts";
import type { DoctorSystem, Space } from "./finding.ts";

/** An answer to a DISCOVER takes milliseconds; spanning tree may hold the port for longer than this. */
const DHCP_MS = 4000;

/** A bucket that does not answer is asked several times. */
const ASK_MS = 20_000;

export const realSystem: DoctorSystem = {
  nowMs: () => Date.now(),
  isClockSynchronized,
  interfaces: () => Deno.networkInterfaces(),
  linkState,
  findDhcpServer: (name, address) =>
    findOtherDhcpServer(name, { address: parseIpv4(address), timeoutMs: DHCP_MS }),
  space,
  maxDescriptors,
  ruleset: () => outputOf("nft", ["-j", "list", "ruleset"]),
  askBucket,
  missingBootPrograms,
  serverPid,
  portProblem,
};

/** In a network namespace /sys may still show the interfaces of another. */
function linkState(name: string): string | undefined {
  if (!Deno.networkInterfaces().some((one) => one.name === name)) return operState(name);
  return operState(name) ?? "unknown";
}

function operState(name: string): string | undefined {
  return /^[\w.:@-]+$/.test(name) ? read(`/sys/class/net/${name}/operstate`)?.trim() : undefined;
}

async function isClockSynchronized(): Promise<boolean | undefined> {
  const text = await outputOf("timedatectl", ["show", "--property=NTPSynchronized", "--value"]);
  return text === undefined ? undefined : text.trim() === "yes";
}

/** Of the directory, or of the nearest one above it that exists. */
function space(path: string): Space {
  const there = existing(path);
  const { bsize, blocks, bavail, files, ffree } = statfsSync(there);
  return { sizeBytes: blocks * bsize, freeBytes: bavail * bsize, inodes: files, freeInodes: ffree };
}

function existing(path: string): string {
  if (path === "" || path === "/") return "/";
  return statOf(path) ? path : existing(path.slice(0, path.lastIndexOf("/")));
}

/** The hard limit, to which the server raises its own (proc(5), /proc/pid/limits). */
function maxDescriptors(): number {
  const [, hard] = /^Max open files\s+\S+\s+(\S+)/m.exec(Deno.readTextFileSync("/proc/self/limits")) ?? [];
  return hard === "unlimited" ? Infinity : Number(hard);
}

async function askBucket(settings: BucketSettings): Promise<string> {
  using bucket = openBucket(settings);
  for await (const _ of bucket?.list("", AbortSignal.timeout(ASK_MS)) ?? []) break;
  return bucket?.url ?? "";
}

async function missingBootPrograms(): Promise<string[]> {
  const missing: string[] = [];
  for (const { name } of includedPrograms(Deno.build.arch)) {
    await readBootProgram(name).catch(() => missing.push(name));
  }
  return missing;
}

/**
 * By the lock on DIR/lock: "1: POSIX  ADVISORY  WRITE 1234 fe:00:5678 0 EOF" (proc(5), /proc/locks). Another file
 * system may have a locked file of the same inode number, and on btrfs and overlayfs the device of that line is not the
 * one that stat(2) gives: what counts is that the process has this very file open.
 */
function serverPid(data: string): number | undefined {
  const lock = statOf(`${data}/lock`);
  if (lock === undefined) return undefined;
  for (const line of read("/proc/locks")?.split("\n") ?? []) {
    const [, , , kind, pid = "", file] = line.trim().split(/\s+/);
    if (kind === "WRITE" && file?.split(":")[2] === String(lock.ino) && hasOpen(pid, lock)) {
      return Number(pid);
    }
  }
  return undefined;
}

function hasOpen(pid: string, { dev, ino }: Deno.FileInfo): boolean {
  const folder = `/proc/${pid}/fd`;
  try {
    return [...Deno.readDirSync(folder)].some(({ name }) => {
      const open = statOf(`${folder}/${name}`);
      return open?.ino === ino && open.dev === dev;
    });
  } catch {
    // it has ended, or belongs to another user, or to a container with process ids of its own
    return false;
  }
}

function statOf(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.statSync(path);
  } catch {
    return undefined;
  }
}

function portProblem(name: PortName, hostname: string): ReturnType<DoctorSystem["portProblem"]> {
  try {
    const at = { hostname, port: name.port };
    if (name.protocol === "tcp") Deno.listen(at).close();
    else Deno.listenDatagram({ ...at, transport: "udp" }).close();
    return undefined;
  } catch (error) {
    const { reason, remedy } = portError(name, { action: "open the port", error });
    return { reason, remedy, pid: portHolder(name)?.pid };
  }
}

/** Standard output of a program that succeeds; undefined if it is missing or fails. */
async function outputOf(program: string, args: string[]): Promise<string | undefined> {
  try {
    const { success, stdout } = await new Deno.Command(program, {
      args,
      stdout: "piped",
      stderr: "null",
      signal: AbortSignal.timeout(10_000),
    }).output();
    return success ? new TextDecoder().decode(stdout) : undefined;
  } catch {
    return undefined;
  }
}

function read(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return undefined;
  }
}
