/** Debian's HTTP caches, with the configurations that the documentation shows. */
import { freePort } from "./pebble.ts";
import { waitFor } from "./wait_for.ts";

const PAGE = new URL("../../server/docs/object-storage.md", import.meta.url);
/** As the documentation names the server and the place of the cache. */
const ORIGIN = { host: "10.0.0.1", port: "8080" };

interface Program {
  readonly path: string;
  /** The configuration's language in the documentation. */
  readonly language: string;
  /** The configuration for this machine. */
  readonly adapt: (shown: string, place: Place) => string;
  readonly args: (place: Place) => string[];
  /** Runs before it. */
  readonly prepare?: (place: Place) => Promise<void>;
}

interface Place {
  readonly folder: string;
  readonly config: string;
  readonly port: number;
  readonly origin: URL;
}

export const CACHES = {
  nginx: {
    path: "/usr/sbin/nginx",
    language: "nginx",
    adapt: (shown, { folder, port, origin }) =>
      `daemon off; pid ${folder}/pid; error_log ${folder}/error.log; worker_processes 1;
events {}
http { access_log off; ${
        ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) =>
          `${name}_temp_path ${folder}/${name};`
        ).join(" ")
      }
${
        shown.replaceAll("/var/cache/nginx/rackseed", `${folder}/cache`)
          .replaceAll(`${ORIGIN.host}:${ORIGIN.port}`, origin.host)
          .replace("listen 80;", `listen 127.0.0.1:${port};`)
      }
}`,
    args: ({ folder, config }) => ["-c", config, "-e", `${folder}/error.log`],
  },
  varnish: {
    path: "/usr/sbin/varnishd",
    language: "vcl",
    adapt: (shown, { origin }) =>
      shown.replace(`"${ORIGIN.host}"`, `"${origin.hostname}"`)
        .replace(`"${ORIGIN.port}"`, `"${origin.port}"`),
    args: ({ folder, config, port }) => [
      ...["-F", "-n", `${folder}/work`, "-a", `127.0.0.1:${port}`, "-f", config],
      ...["-s", "malloc,200m", "-j", "none"],
    ],
  },
  squid: {
    path: "/usr/sbin/squid",
    language: "squid",
    adapt: (shown, { folder, port, origin }) =>
      `${
        shown.replace("http_port 80", `http_port 127.0.0.1:${port}`)
          .replaceAll(ORIGIN.host, origin.hostname).replace(`parent ${ORIGIN.port}`, `parent ${origin.port}`)
          .replace("/var/spool/squid 100000", `${folder}/cache 200`)
      }
pid_filename ${folder}/pid
cache_log ${folder}/log
access_log none
coredump_dir ${folder}
pinger_enable off
shutdown_lifetime 0 seconds
visible_hostname localhost
`,
    prepare: async ({ folder, config }) => {
      await new Deno.Command("chown", { args: ["-R", "proxy", folder] }).output();
      const { code, stderr } = await new Deno.Command("/usr/sbin/squid", { args: ["-z", "-N", "-f", config] })
        .output();
      if (code !== 0) throw new Error(`squid -z: ${new TextDecoder().decode(stderr)}`);
    },
    args: ({ config }) => ["-N", "-f", config],
  },
} as const satisfies Readonly<Record<string, Program>>;

export type CacheName = keyof typeof CACHES;

export class HttpCache implements AsyncDisposable {
  /** Of the seed behind it. */
  readonly url: URL;
  readonly #child: Deno.ChildProcess;
  readonly #folder: string;

  private constructor(url: URL, { child, folder }: { child: Deno.ChildProcess; folder: string }) {
    this.url = url;
    this.#child = child;
    this.#folder = folder;
  }

  /** `origin`: the server's plain HTTP. */
  static async start(name: CacheName, origin: URL): Promise<HttpCache> {
    const { path, language, adapt, args, prepare }: Program = CACHES[name];
    const folder = await Deno.makeTempDir({ prefix: `rackseed-${name}-` });
    // its workers are another user
    await Deno.chmod(folder, 0o755);
    const [, shown] = new RegExp("```" + language + "\n([^]*?)```").exec(await Deno.readTextFile(PAGE)) ?? [];
    if (shown === undefined) throw new Error(`the documentation shows no configuration of ${name}`);
    const place = { folder, config: `${folder}/config`, port: freePort(), origin };
    await Deno.writeTextFile(place.config, adapt(shown, place));
    await prepare?.(place);
    const child = new Deno.Command(path, {
      args: args(place),
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    })
      .spawn();
    const said = new Response(child.stderr).text();
    let hasEnded = false;
    child.status.then(() => hasEnded = true);
    const url = new URL(`http://127.0.0.1:${place.port}/seed/`);
    await waitFor(name, async () => {
      if (hasEnded) throw new Error(`${name} ended: ${await said}`);
      try {
        await (await fetch(url)).body?.cancel();
        return true;
      } catch {
        return undefined;
      }
    }, { timeoutMs: 60_000 });
    return new HttpCache(url, { child, folder });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGTERM");
    await this.#child.status;
    await Deno.remove(this.#folder, { recursive: true });
  }
}
