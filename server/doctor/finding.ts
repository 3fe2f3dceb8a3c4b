/** What a check says, and what it may ask. */
import type { BucketSettings } from "../bucket/open_bucket.ts";

export interface Finding {
  /** "ports", "clock". */
  readonly check: string;
  /** "warning": works now, or may be wanted. */
  readonly level: "ok" | "warning" | "problem";
  readonly text: string;
  /** Present unless all is well. */
  readonly remedy?: string;
}

export interface DoctorOptions extends BucketSettings {
  readonly data: string;
  /** HTTPS host and port. */
  readonly listen?: { readonly hostname: string; readonly port: number } | undefined;
  readonly httpPort: number;
  readonly peerPort: number;
  readonly trackerPort: number;
  readonly tftpPort: number | undefined;
  readonly rsyncPort: number | undefined;
  /** The server starts even if that port is taken. */
  readonly rsyncMayFail?: boolean | undefined;
  readonly dhcp: "off" | "server" | "proxy";
  readonly dhcp6?: "off" | "server";
  readonly interface?: string | undefined;
  /** The program that signs with the site's Secure Boot key. */
  readonly signingKey?: { readonly command: string; readonly certificate: string } | undefined;
}

export interface Space {
  readonly sizeBytes: number;
  readonly freeBytes: number;
  /** 0 on file systems that have no fixed number. */
  readonly inodes: number;
  readonly freeInodes: number;
}

/** The machine, as the checks see it. Whatever throws is a finding. */
export interface DoctorSystem {
  nowMs(): number;
  /** Undefined if it cannot be found out. */
  isClockSynchronized(): Promise<boolean | undefined>;
  interfaces(): readonly {
    readonly name: string;
    readonly family: "IPv4" | "IPv6";
    readonly address: string;
  }[];
  /** "up", "down", …: operstate of the kernel's sysfs-class-net; undefined if there is no such interface. */
  linkState(name: string): string | undefined;
  /** The DHCP server that answers a DISCOVER first. */
  findDhcpServer(name: string, address: string): Promise<{ readonly serverId: string } | undefined>;
  space(path: string): Space;
  /** Of open files, for one process. */
  maxDescriptors(): number;
  /** Output of `nft -j list ruleset`; undefined if it cannot be had. */
  ruleset(): Promise<string | undefined>;
  /** Asks the bucket of the images for its list; returns its URL. Throws RackseedError. */
  askBucket(settings: BucketSettings): Promise<string>;
  /** Names of boot programs that this product lacks. */
  missingBootPrograms(): Promise<string[]>;
  /** Process of the server that uses the data directory now. */
  serverPid(data: string): number | undefined;
  /** Why the port cannot be bound, and the process that holds it; undefined if it can. */
  portProblem(
    port: { readonly protocol: "tcp" | "udp"; readonly port: number },
    hostname: string,
  ): { readonly reason: string; readonly remedy: string; readonly pid?: number | undefined } | undefined;
}

export type Check = (options: DoctorOptions, system: DoctorSystem) => Finding[] | Promise<Finding[]>;
