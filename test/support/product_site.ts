/** The product's server in a network of its own, with an image that can boot a machine as far as its order. */
import { DatabaseSync } from "node:sqlite";
import { BackgroundProgram } from "../../scripts/lab/background_program.ts";
import { run } from "../../scripts/lab/command.ts";
import { LabNetwork } from "../../scripts/lab/network.ts";
import { API } from "#contract/api.ts";
import type { DiskLayout } from "#contract/format/layout.ts";
import { makeImageSegment } from "./boot_image.ts";

const ADDRESS = "10.78.0.1";
const START_MS = 900_000;

interface SiteOptions {
  /** The compiled product. */
  readonly product: string;
  /** Of its server, in addition to those for network boot. */
  readonly arguments?: readonly string[];
  /** The machine of the site's only node, n1. */
  readonly mac: string;
  /** GUID of an EFI system partition, with which the node counts as installed. */
  readonly esp?: string;
}

export class ProductSite implements AsyncDisposable {
  readonly network: LabNetwork;
  readonly #folder: string;
  readonly #options: SiteOptions;
  #server: BackgroundProgram | undefined;

  private constructor(folder: string, { network, options }: { network: LabNetwork; options: SiteOptions }) {
    this.#folder = folder;
    this.network = network;
    this.#options = options;
  }

  /** Starts the server with its data in `folder`, which has the image web@1 and the node n1 then. */
  static async open(folder: string, options: SiteOptions): Promise<ProductSite> {
    const network = await LabNetwork.create({ address: `${ADDRESS}/24` });
    const site = new ProductSite(folder, { network, options });
    try {
      await site.#serve();
      await Deno.mkdir(`${folder}/tree/etc`, { recursive: true });
      await Deno.writeTextFile(`${folder}/tree/etc/hostname`, "template\n");
      await site.rackseed("image", "import", "web", `${folder}/tree`);
      await site.#stop();
      await site.#makeBootable();
      await site.#serve();
      await site.rackseed("node", "set", "n1", "--mac", options.mac);
      if (options.esp !== undefined) await site.#installed(options.esp);
      return site;
    } catch (error) {
      await site[Symbol.asyncDispose]();
      throw error;
    }
  }

  get serverOutput(): string {
    return this.#server?.output.tail() ?? "";
  }

  /** Where the server serves boot files. */
  get bootUrl(): string {
    return `http://${ADDRESS}:8080/boot`;
  }

  /** Runs a command of the product as its administrator. Returns its output. */
  async rackseed(...args: string[]): Promise<string> {
    const token = (await Deno.readTextFile(`${this.#folder}/data/token`)).trim();
    const onlyEnv = { RACKSEED_SERVER: `https://${ADDRESS}:8443`, RACKSEED_TOKEN: token };
    return (await run(this.network.inside([this.#options.product, ...args]), { onlyEnv })).stdout;
  }

  /** Orders the image for the node, instead of what was ordered before. */
  async order(): Promise<void> {
    await this.cancel();
    const order = ["node", "deploy", "n1", "--image", "web"];
    // an older product has no such check
    await this.rackseed(...order, "--no-plan-check").catch(() => this.rackseed(...order));
  }

  async cancel(): Promise<void> {
    await this.rackseed("node", "cancel", "n1").catch(() => {});
  }

  /** Whether the machine's agent has reported since its order. Asks often, so without a process of the product. */
  async hasReported(): Promise<boolean> {
    const token = (await Deno.readTextFile(`${this.#folder}/data/token`)).trim();
    const header = `authorization: Bearer ${token.split(".")[2]}`;
    const url = `https://${ADDRESS}:8443${API}/nodes/n1`;
    const curl = ["curl", "--silent", "--fail", "--insecure", "--header", header, url];
    return JSON.parse((await run(this.network.inside(curl))).stdout).report !== undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stop();
    await this.network[Symbol.asyncDispose]();
  }

  /** As a capture of a machine would: with a kernel, and its part of the initramfs. */
  async #makeBootable(): Promise<void> {
    const { kernel, image } = await makeImageSegment(this.#folder);
    const version = `${this.#folder}/data/versions/web@1`;
    await Deno.copyFile(kernel, `${version}/vmlinuz`);
    await Deno.copyFile(image.path, `${version}/initrd-image`);
    using db = new DatabaseSync(`${this.#folder}/data/rackseed.db`);
    db.exec("UPDATE version SET bootable = 1");
  }

  /** As an installation of an image with this partition leaves it. */
  async #installed(esp: string): Promise<void> {
    await this.#stop();
    {
      using db = new DatabaseSync(`${this.#folder}/data/rackseed.db`);
      db.prepare("UPDATE version SET header = json_set(header, '$.layout', json(?))").run(layoutWith(esp));
      db.exec(
        `INSERT INTO assignments (deployment, node, image, version, state, created)
         SELECT 'earlier', id, 'web', 1, 'running', '2026-01-01T00:00:00Z' FROM nodes`,
      );
    }
    await this.#serve();
  }

  async #serve(): Promise<void> {
    const { product, arguments: more = [] } = this.#options;
    const data = ["--data", `${this.#folder}/data`, "--listen", `${ADDRESS}:8443`];
    const dhcp = ["--interface", this.network.bridge, "--dhcp", "server"];
    this.#server = new BackgroundProgram(
      this.network.inside([product, "server", ...data, ...dhcp, ...more]),
      {
        name: "the server",
        log: `${this.#folder}/server.log`,
      },
    );
    await this.#server.output.expect(`https://${ADDRESS}:8443`, { timeoutMs: START_MS });
  }

  async #stop(): Promise<void> {
    await this.#server?.[Symbol.asyncDispose]();
    this.#server = undefined;
  }
}

function layoutWith(esp: string): string {
  const partition = {
    number: 1,
    startSector: 2048,
    sectors: 126_976,
    type: "c12a7328-f81f-11d2-ba4b-00a0c93ec93b",
    uuid: esp,
  };
  const layout: DiskLayout = {
    disks: [{ name: "vda", sizeBytes: 64 << 20, sectorBytes: 512, table: "gpt", partitions: [partition] }],
    fileSystems: [{
      volume: { kind: "partition", disk: 0, number: 1 },
      type: "vfat",
      mountPoint: "/boot/efi",
      mountOptions: "",
      sizeBytes: 62 << 20,
      usedBytes: 1 << 20,
      mkfs: { features: [] },
    }],
    swap: [],
  };
  return JSON.stringify(layout);
}
