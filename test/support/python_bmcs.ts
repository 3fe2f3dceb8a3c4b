/**
 * BMC emulators of the OpenStack project in a virtual environment below .cache/: sushy-tools (Redfish) and pyghmi
 * (IPMI); and tlslite-ng, for a service whose TLS is wrong. Versions are pinned; without Python or a package index,
 * the tests are skipped with the reason.
 */
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
const folder = new URL("../../.cache/python-bmcs-1", import.meta.url).pathname;

/** The folder with the emulators' programs; undefined if they cannot be installed here. */
export async function pythonBmcs(): Promise<string | undefined> {
  const bin = `${folder}/bin`;
  if (await exists(`${folder}/complete`)) return bin;
  const scratch = `${folder}.${crypto.randomUUID().slice(0, 8)}`;
  for (
    const [program, ...args] of [
      ["python3", "-m", "venv", scratch],
      [`${scratch}/bin/pip`, "install", "--quiet", "--disable-pip-version-check", ...PACKAGES],
    ] as [string, ...string[]][]
  ) {
    const error = await failureOf(program, args);
    if (error === undefined) continue;
    await Deno.remove(scratch, { recursive: true }).catch(() => {});
    console.log(`skipped: cannot install ${PACKAGES.join(" ")}: ${error}`);
    return undefined;
  }
  await Deno.writeTextFile(`${scratch}/complete`, "");
  // another test may have been faster; its scripts name the folder in which they were installed
  await Deno.remove(folder, { recursive: true }).catch(() => {});
  await Deno.symlink(scratch, folder).catch((error) => {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  });
  return bin;
}

async function failureOf(program: string, args: string[]): Promise<string | undefined> {
  try {
    const { success, stderr } = await new Deno.Command(program, { args, stdout: "null", stderr: "piped" })
      .output();
    return success ? undefined : new TextDecoder().decode(stderr).trim().slice(-400);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
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
