/**
 * A small virtual machine with Debian's storage tools, for what the host's kernel cannot do: device-mapper, MD, vfat.
 * It has no network, sees the repository and Deno's cache (what it writes there is lost), runs one shell script as
 * root, and is gone. There is no udev unless asked for, as in the agent's initramfs.
 */
import { dirname, resolve } from "node:path";
import { parseArgs } from "node:util";
import { run } from "./command.ts";
import {
  qemuArguments,
  quote,
  type SmallVmDisk,
  type SmallVmOptions,
  startScript,
} from "./small_vm_machine.ts";
import { smallVmRoot, smallVmRootPrograms } from "./small_vm_root.ts";
import { Tpm, tpmPrograms } from "./tpm.ts";

interface SmallVmResult {
  /** The script's exit status. */
  readonly code: number;
  /** Its standard output and standard error. */
  readonly output: string;
}

/** What a test that uses it needs, in the form for test/support/needs.ts. */
export const smallVmNeeds = {
  root: true,
  programs: ["qemu-system-x86_64", ...tpmPrograms, ...smallVmRootPrograms],
  files: [],
};

const repository = dirname(dirname(import.meta.dirname ?? "."));

/** Resolves with the script's exit status, whichever it is. Throws if the machine failed, or took too long. */
export async function runInSmallVm(options: SmallVmOptions): Promise<SmallVmResult> {
  const { timeoutMs = 240_000, cache = `${repository}/.cache/lab` } = options;
  const root = await smallVmRoot({ cache, signal: options.signal });
  const timeout = AbortSignal.timeout(timeoutMs);
  const signal = options.signal ? AbortSignal.any([options.signal, timeout]) : timeout;
  await using stack = new AsyncDisposableStack();
  const folder = await Deno.makeTempDir({ prefix: "small-vm-" });
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  const denoCache = await denoDir();
  const control = `${folder}/control`;
  await Deno.mkdir(control);
  const shares = [
    ...[repository, denoCache].map((path) => ({ path, kind: "discard" as const })),
    { path: dirname(await Deno.realPath(Deno.execPath())), kind: "read" as const },
    ...(options.shares ?? []).map(({ path, writable }) => ({
      path,
      kind: writable ? "write" as const : "read" as const,
    })),
  ];
  await Deno.writeTextFile(`${control}/script.sh`, options.script);
  await Deno.writeTextFile(`${control}/start.sh`, startScript(options, { shares, denoCache, repository }));
  const args = qemuArguments(options, { ...root, folder, shares });
  const child = new Deno.Command("qemu-system-x86_64", {
    args,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  })
    .spawn();
  const kill = () => child.kill("SIGKILL");
  signal.addEventListener("abort", kill, { once: true });
  const [output, errors, { code }] = await Promise.all([
    collect(child.stdout, options.onOutput),
    new Response(child.stderr).text(),
    child.status,
  ]);
  signal.removeEventListener("abort", kill);
  options.signal?.throwIfAborted();
  const status = await Deno.readTextFile(`${folder}/status`).catch(() => "");
  if (/^\d+\n$/.test(status)) return { code: Number(status), output };
  const why = timeout.aborted
    ? `did not end in ${timeoutMs / 1000} s`
    : `ended without a result (QEMU: ${code})`;
  const console = await Deno.readTextFile(`${folder}/console`).catch(() => "");
  throw new Error(
    `the small VM ${why}: ${errors}\n${console.slice(-3000)}\n--- output\n${output.slice(-3000)}`,
  );
}

async function collect(stream: ReadableStream<Uint8Array>, onOutput?: (chunk: Uint8Array) => void) {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of stream) {
    onOutput?.(chunk);
    text += decoder.decode(chunk, { stream: true });
  }
  return text;
}

async function denoDir(): Promise<string> {
  return JSON.parse((await run([Deno.execPath(), "info", "--json"])).stdout).denoDir;
}

const HELP = `Usage: deno run -A scripts/lab/small_vm.ts [OPTION…] -- SCRIPT.sh | -- COMMAND [ARGUMENT…]

Runs a shell script, or a command in the repository, as root in a small virtual machine without network, and exits
with its status.

  --disk PATH[:4096]  attach a raw image as /dev/vdb, /dev/vdc …; with 4096-byte sectors (repeatable)
  --serial TEXT       serial number of the preceding disks, in order (repeatable)
  --share DIR         folder that can be read in it (repeatable)
  --write DIR         folder that can be written in it (repeatable)
  --udev              run udev
  --tpm               attach an empty TPM 2.0
  --memory MiB        (1024)
  --timeout SECONDS   (240)`;

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    options: {
      disk: { type: "string", multiple: true, default: [] },
      serial: { type: "string", multiple: true, default: [] },
      share: { type: "string", multiple: true, default: [] },
      write: { type: "string", multiple: true, default: [] },
      udev: { type: "boolean", default: false },
      tpm: { type: "boolean", default: false },
      memory: { type: "string", default: "1024" },
      timeout: { type: "string", default: "240" },
      help: { type: "boolean", default: false },
    },
    allowPositionals: true,
  });
  const [first] = positionals;
  if (values.help || first === undefined) {
    console.log(HELP);
    return values.help ? 0 : 2;
  }
  const interrupted = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(name, () => interrupted.abort(new Error(`interrupted by ${name}`)));
  }
  await using stack = new AsyncDisposableStack();
  let tpm: Tpm | undefined;
  if (values.tpm) {
    const folder = await Deno.makeTempDir();
    stack.defer(() => Deno.remove(folder, { recursive: true }));
    tpm = stack.use(await Tpm.start(folder));
  }
  const isScript = positionals.length === 1 && first.endsWith(".sh");
  const { code } = await runInSmallVm({
    disks: values.disk.map((text, i) => parseDisk(text, values.serial[i])),
    script: isScript ? await Deno.readTextFile(first) : positionals.map(quote).join(" "),
    shares: [
      ...values.share.map((path) => ({ path: resolve(path) })),
      ...values.write.map((path) => ({ path: resolve(path), writable: true })),
    ],
    udev: values.udev,
    ...(tpm && { tpm: tpm.socket }),
    memoryMiB: Number(values.memory),
    timeoutMs: Number(values.timeout) * 1000,
    signal: interrupted.signal,
    onOutput: (chunk) => Deno.stdout.writeSync(chunk),
  });
  return code;
}

function parseDisk(text: string, serial: string | undefined): SmallVmDisk {
  const [, path = text, size] = /^(.*?)(?::(512|4096))?$/.exec(text) ?? [];
  return {
    path: resolve(path),
    ...(size !== undefined && { sectorSize: size === "4096" ? 4096 : 512 }),
    ...(serial !== undefined && { serial }),
  };
}

if (import.meta.main) {
  try {
    Deno.exit(await main());
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    Deno.exit(125);
  }
}
