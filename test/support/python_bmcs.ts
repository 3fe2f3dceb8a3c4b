/**
 * BMC emulators of the OpenStack project: sushy-tools (Redfish) and pyghmi (IPMI); and tlslite-ng, for a service whose
 * TLS is wrong.
 */
import { pythonPrograms } from "./python_programs.ts";

const PACKAGES = [
  ...[
    "sushy-tools==2.2.0",
    "pyghmi==1.6.19",
    "Flask==3.1.3",
    "Werkzeug==3.1.9",
    "Jinja2==3.1.6",
    "MarkupSafe==3.0.4",
  ],
  ...[
    "bcrypt==5.0.0",
    "cryptography==50.0.2",
    "cffi==2.1.1",
    "pycparser==3.12",
    "requests==2.34.2",
    "urllib3==2.8.0",
  ],
  ...[
    "itsdangerous==2.2.0",
    "WebOb==1.8.11",
    "tenacity==9.2.1",
    "pbr==7.1.3",
    "python-dateutil==4.0.0",
    "blinker==1.9.0",
    "click==8.5.1",
  ],
  ...["tlslite-ng==0.8.2", "ecdsa==0.19.2", "six==1.17.0"],
];

/** The folder with the emulators' programs; undefined if they cannot be installed here. */
export function pythonBmcs(): Promise<string | undefined> {
  return pythonPrograms("python-bmcs-1", PACKAGES);
}

/** Runs a program until disposed. */
export function spawnBmc(
  argv: readonly [string, ...string[]],
  env: Record<string, string> = {},
): AsyncDisposable {
  const [program, ...args] = argv;
  const child = new Deno.Command(program, { args, env, stdin: "null", stdout: "null", stderr: "null" })
    .spawn();
  return {
    async [Symbol.asyncDispose]() {
      try {
        child.kill("SIGKILL");
      } catch {
        // it has ended
      }
      await child.status;
    },
  };
}

/** A port that was free a moment ago. */
export function freePort(transport: "tcp" | "udp"): number {
  const at = { hostname: "127.0.0.1", port: 0 };
  const socket = transport === "tcp"
    ? Deno.listen(at)
    : Deno.listenDatagram({ transport, hostname: at.hostname, port: 0 });
  const { port } = socket.addr as Deno.NetAddr;
  socket.close();
  return port;
}
