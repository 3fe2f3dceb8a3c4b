/** DHCP servers of Debian, each with the least configuration that gives addresses: it knows nothing of network boot. */
import type { NetworkNamespace } from "./netns.ts";

export const FOREIGN_SERVERS = ["dnsmasq", "ISC dhcpd", "Kea"] as const;
export type ForeignServer = typeof FOREIGN_SERVERS[number];

/** Programs for `needs`. */
export const FOREIGN_PROGRAMS: Readonly<Record<ForeignServer, string>> = {
  "dnsmasq": "dnsmasq",
  "ISC dhcpd": "dhcpd",
  "Kea": "kea-dhcp4",
};

/** A subnet that the server has addresses for. */
interface ForeignPool {
  /** "10.78.0": the first three bytes of a /24, whose addresses 50 to 99 are given. */
  readonly prefix: string;
  readonly router?: string;
}

/**
 * Starts the server on the interface, which has an address, and waits until it listens. It ends with its namespace.
 * `folder` keeps its configuration, leases and log.
 */
export async function startForeignServer(
  server: ForeignServer,
  { namespace, interface: device, pools, folder }: {
    namespace: NetworkNamespace;
    interface: string;
    pools: readonly ForeignPool[];
    folder: string;
  },
): Promise<AsyncDisposable> {
  const argv = await COMMANDS[server]({ device, pools, folder });
  const log = `${folder}/${FOREIGN_PROGRAMS[server]}.log`;
  const [program, args] = namespace.argv(["sh", "-c", 'exec "$@" >"$0" 2>&1', log, ...argv]);
  const env = { KEA_PIDFILE_DIR: folder, KEA_LOCKFILE_DIR: folder };
  const process = new Deno.Command(program, { args, env, stdin: "null" }).spawn();
  const deadline = performance.now() + 30_000;
  while (!/:67\b/.test((await namespace.run(["ss", "-lnu"])).stdout) && !await hasRawSocket(namespace)) {
    if (performance.now() > deadline) {
      throw new Error(`${server} does not listen: ${await Deno.readTextFile(log)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return {
    async [Symbol.asyncDispose]() {
      try {
        process.kill("SIGKILL");
      } catch (error) {
        if (!(error instanceof TypeError)) throw error; // it has ended
      }
      await process.status;
    },
  };
}

/** dhcpd and Kea read packets below UDP (packet(7)). */
async function hasRawSocket(namespace: NetworkNamespace): Promise<boolean> {
  const { stdout } = await namespace.run(["ss", "-0", "-l", "-n"]);
  return stdout.split("\n").length > 2;
}

interface Place {
  readonly device: string;
  readonly pools: readonly ForeignPool[];
  readonly folder: string;
}

const COMMANDS: Readonly<Record<ForeignServer, (place: Place) => Promise<string[]>>> = {
  "dnsmasq": ({ device, pools, folder }) =>
    Promise.resolve([
      ...[
        "dnsmasq",
        "--keep-in-foreground",
        "--conf-file=/dev/null",
        "--port=0",
        "--user=root",
        "--group=root",
      ],
      ...[
        `--interface=${device}`,
        "--bind-interfaces",
        "--dhcp-authoritative",
        "--log-facility=-",
        "--pid-file=",
      ],
      ...[`--dhcp-leasefile=${folder}/dnsmasq.leases`, "--log-dhcp"],
      ...pools.flatMap(({ prefix, router }, i) => [
        `--dhcp-range=set:p${i},${prefix}.50,${prefix}.99,255.255.255.0,1h`,
        ...router === undefined ? [] : [`--dhcp-option=tag:p${i},option:router,${router}`],
      ]),
    ]),
  "ISC dhcpd": async ({ device, pools, folder }) => {
    const subnets = pools.map(({ prefix, router }) =>
      `subnet ${prefix}.0 netmask 255.255.255.0 { range ${prefix}.50 ${prefix}.99; ${
        router === undefined ? "" : `option routers ${router};`
      } }\n`
    );
    await Deno.writeTextFile(`${folder}/dhcpd.conf`, `authoritative;\n${subnets.join("")}`);
    await Deno.writeTextFile(`${folder}/dhcpd.leases`, "");
    const files = [
      "-cf",
      `${folder}/dhcpd.conf`,
      "-lf",
      `${folder}/dhcpd.leases`,
      "-pf",
      `${folder}/dhcpd.pid`,
    ];
    return ["dhcpd", "-4", "-f", "-d", ...files, device];
  },
  "Kea": async ({ device, pools, folder }) => {
    const subnet4 = pools.map(({ prefix, router }) => ({
      subnet: `${prefix}.0/24`,
      pools: [{ pool: `${prefix}.50 - ${prefix}.99` }],
      "option-data": router === undefined ? [] : [{ name: "routers", data: router }],
    }));
    const Dhcp4 = {
      "interfaces-config": { interfaces: [device] },
      "lease-database": { type: "memfile", persist: false },
      authoritative: true,
      subnet4,
    };
    await Deno.writeTextFile(`${folder}/kea.json`, JSON.stringify({ Dhcp4 }));
    return ["kea-dhcp4", "-c", `${folder}/kea.json`];
  },
};
