/** The servers that are stormed: the product with a deployment of all machines, and dnsmasq with the same files. */
import { randomBytes } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import { parseToken } from "#contract/token.ts";
import { agentSegmentName } from "../../../server/boot_files/agent_segments.ts";
import { sha256OfFile } from "../../build/sha256.ts";
import { readBootProgram } from "../../../boot/programs/programs.ts";
import type { StormLab, StormShape } from "./lab.ts";
import { addressOf, macOf, SERVER } from "./place.ts";

const PROGRAM = "snponly.efi";

/**
 * Starts the product, which has an image and a node for every machine, all of them armed. The image's kernel is as
 * large as asked, and its initramfs too: no machine here would run them.
 */
export async function startProduct(
  lab: StormLab,
  { product, shape }: { product: string; shape: StormShape },
): Promise<{ pid: number }> {
  const data = `${lab.folder}/data`, tree = `${lab.folder}/tree`;
  const common = [product, "server", "--json", "--data", data, "--interface", "lan"];
  const first = await lab.start(common, { untilLine: true });
  await Deno.mkdir(tree);
  await Deno.writeTextFile(`${tree}/file`, "a small image\n");
  const token = (await Deno.readTextFile(`${data}/token`)).trim();
  const at = ["--server", `https://${SERVER}:8443`, "--token", token];
  const imported = await lab.server.run([product, "image", "import", "web", tree, ...at]);
  if (imported.code !== 0) throw new Error(`the import failed: ${imported.stderr}`);
  await first.stop();
  await makeBootable(data, { product, pin: parseToken(token)?.pin ?? "", shape });
  const range = ["--dhcp", "server", "--dhcp-range", "10.99.254.1-10.99.254.250"];
  const server = await lab.start([...common, ...range], { untilLine: true });
  await lab.run("arm.ts", [token, `${shape.count}`]);
  return { pid: server.pid };
}

/** Gives the image a kernel and an initramfs of the sizes that are asked for, which real ones would be too large for. */
async function makeBootable(
  data: string,
  { product, pin, shape }: { product: string; pin: string; shape: StormShape },
): Promise<void> {
  const version = `${data}/versions/web@1`;
  const half = Math.floor(shape.initramfsBytes / 8) * 4;
  await Deno.writeFile(`${version}/vmlinuz`, randomBytes(shape.kernelBytes));
  await Deno.writeFile(`${version}/initrd-image`, randomBytes(shape.initramfsBytes - half));
  // the segment of the agent, under the name that the product looks for
  const name = agentSegmentName({
    architecture: Deno.build.arch,
    product: await hashOf(product),
    pin,
    compression: "zstd",
  });
  const agent = `${data}/boot/${name}`;
  await Deno.mkdir(`${data}/boot`, { recursive: true });
  await Deno.writeFile(agent, randomBytes(half));
  await Deno.writeTextFile(`${agent}.sha256`, await hashOf(agent));
  using database = new DatabaseSync(`${data}/rackseed.db`);
  database.exec("UPDATE version SET bootable = 1");
}

async function hashOf(path: string): Promise<string> {
  const hash = await sha256OfFile(path);
  if (hash === undefined) throw new Error(`${path} is missing`);
  return hash;
}

/** dnsmasq gives the same addresses, and all files by TFTP. */
export async function startDnsmasq(
  lab: StormLab,
  { shape }: { shape: StormShape },
): Promise<{ pid: number }> {
  const root = `${lab.folder}/tftp`;
  await Deno.mkdir(root);
  await Deno.writeFile(`${root}/${PROGRAM}`, await readBootProgram(PROGRAM));
  await Deno.writeFile(`${root}/vmlinuz`, randomBytes(shape.kernelBytes));
  await Deno.writeFile(`${root}/initramfs`, randomBytes(shape.initramfsBytes));
  await Deno.writeTextFile(
    `${root}/script`,
    "#!ipxe\nkernel /vmlinuz initrd=initramfs || exit\ninitrd --name initramfs /initramfs || exit\nboot\n",
  );
  const hosts = Array.from({ length: shape.count }, (_, i) => `${macOf(i)},${addressOf(i)}`);
  await Deno.writeTextFile(`${lab.folder}/hosts`, hosts.join("\n"));
  return await lab.start([
    ...[
      "dnsmasq",
      "--keep-in-foreground",
      "--conf-file=/dev/null",
      "--port=0",
      "--user=root",
      "--group=root",
    ],
    ...["--interface=lan", "--bind-interfaces", "--pid-file=", `--dhcp-leasefile=${lab.folder}/leases`],
    ...[
      "--log-facility=/dev/null",
      "--dhcp-authoritative",
      "--no-ping",
      "--dhcp-range=10.99.128.1,static,255.255.0.0,1h",
    ],
    ...[`--dhcp-hostsfile=${lab.folder}/hosts`, "--dhcp-lease-max=4096", "--dhcp-userclass=set:ipxe,iPXE"],
    ...[`--dhcp-boot=tag:!ipxe,${PROGRAM}`, "--dhcp-boot=tag:ipxe,script"],
    ...[
      "--enable-tftp",
      `--tftp-root=${root}`,
      `--tftp-max=${2 * shape.count}`,
      "--quiet-dhcp",
      "--quiet-tftp",
    ],
  ]);
}
