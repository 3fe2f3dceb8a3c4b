/** What `rackseed server` was told. */
export interface ServerOptions {
  readonly data: string;
  /** Host and port of HTTPS (default: the interface's address, or all, and 8443). Port 0 takes a free one, here and below. */
  readonly listen?: { readonly hostname: string; readonly port: number } | undefined;
  readonly httpPort: number;
  readonly peerPort: number;
  readonly trackerPort: number;
  /** Undefined: no TFTP. */
  readonly tftpPort: number | undefined;
  /** Undefined: no rsync. */
  readonly rsyncPort?: number | undefined;
  /** The server starts also where that port cannot be had: nodes then fetch torrent files over HTTPS. */
  readonly rsyncMayFail?: boolean | undefined;
  readonly dhcp: "off" | "server";
  /** Who is answered: known nodes and whatever boots from the network, or everybody. */
  readonly dhcpClients: "nodes" | "all";
  /** First and last address of the DHCP pool. */
  readonly dhcpRange?: { readonly first: string; readonly last: string } | undefined;
  readonly gateway?: string | undefined;
  readonly dns: readonly string[];
  readonly interface?: string | undefined;
  /** The address that nodes are told, where it is not the interface's. */
  readonly address?: string | undefined;
  readonly secureBoot: boolean;
  /** What seeder and web seed together send at most, bytes per second; undefined: as it was set before. */
  readonly uploadLimit?: number | "off" | undefined;
}

export interface ServerCommand extends ServerOptions {
  /** Print one line of JSON once all listens, for scripts. */
  readonly json: boolean;
  readonly verbose: boolean;
}

/** `rackseed server backup`. */
export interface BackUpServer {
  readonly data: string;
  /** Given: that server is asked, instead of one that runs on `data`. */
  readonly server?: string | undefined;
  readonly token?: string | undefined;
  readonly signal: AbortSignal;
}

/** `rackseed server restore`. */
export interface RestoreServer {
  readonly data: string;
  /** Facts that are there are set aside. */
  readonly force: boolean;
  readonly json: boolean;
}
