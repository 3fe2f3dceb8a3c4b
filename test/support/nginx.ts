/** Debian's nginx as a caching proxy, with the configuration that the documentation shows. */
import { freePort } from "./pebble.ts";
import { waitFor } from "./wait_for.ts";

export const nginxNeeds = { files: ["/usr/sbin/nginx"] };
const PAGE = new URL("../../server/docs/object-storage.md", import.meta.url);

export class Nginx implements AsyncDisposable {
  readonly url: URL;
  readonly #child: Deno.ChildProcess;
  readonly #folder: string;

  private constructor(url: URL, { child, folder }: { child: Deno.ChildProcess; folder: string }) {
    this.url = url;
    this.#child = child;
    this.#folder = folder;
  }

  /** `origin`: the server's plain HTTP. */
  static async start(origin: URL): Promise<Nginx> {
    const folder = await Deno.makeTempDir({ prefix: "rackseed-nginx-" }), port = freePort();
    // its workers are another user
    await Deno.chmod(folder, 0o755);
    const [, site] = /```nginx\n([^]*?)```/.exec(await Deno.readTextFile(PAGE)) ?? [];
    if (site === undefined) throw new Error("the documentation shows no configuration of nginx");
    const adapted = site.replaceAll("/var/cache/nginx/rackseed", `${folder}/cache`)
      .replaceAll("10.0.0.1:8080", origin.host).replace("listen 80;", `listen 127.0.0.1:${port};`);
    await Deno.writeTextFile(
      `${folder}/nginx.conf`,
      `daemon off; pid ${folder}/pid; error_log ${folder}/error.log; worker_processes 1;
events {}
http { access_log off; ${
        ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) =>
          `${name}_temp_path ${folder}/${name};`
        )
          .join(" ")
      }
${adapted}
}`,
    );
    const child = new Deno.Command("/usr/sbin/nginx", {
      args: ["-c", `${folder}/nginx.conf`, "-e", `${folder}/error.log`],
      stdin: "null",
      stdout: "null",
      stderr: "inherit",
    }).spawn();
    const url = new URL(`http://127.0.0.1:${port}/seed/`);
    await waitFor("nginx", () =>
      fetch(url).then(async (answer) => {
        await answer.body?.cancel();
        return true;
      }, () => undefined), { timeoutMs: 20_000 });
    return new Nginx(url, { child, folder });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGTERM");
    await this.#child.status;
    await Deno.remove(this.#folder, { recursive: true });
  }
}
