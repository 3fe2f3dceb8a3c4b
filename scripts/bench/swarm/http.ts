import { type Engine, isDone, PAYLOAD, type Role, SERVER, untilDone, withMessages } from "./engine.ts";

/** nginx with sendfile, curl on the nodes. */
export const http: Engine = {
  name: "http",
  packages: { "nginx-light": "/usr/sbin/nginx", "curl": "/usr/bin/curl" },
  tracker: false,
  waitsForGo: false,
  copy: "0.pack",
  server: ({ scratch, seed }) => nginxOf(seed, scratch),
  node: ({ lab }, { folder }) => ({
    argv: untilDone([
      "curl",
      "--silent",
      "--show-error",
      "--fail",
      "--output",
      `${folder}/0.pack`,
      `http://${lab.address(SERVER)}/${PAYLOAD}`,
    ]),
    says: isDone,
  }),
};

/** nginx that serves a folder on port 80. `scratch`: a folder for its own files. */
export function nginxOf(root: string, scratch: string): Role {
  const config = `${scratch}/nginx.conf`;
  const folders = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) =>
    `${name}_temp_path ${scratch}/nginx-${name};`
  );
  Deno.writeTextFileSync(
    config,
    `daemon off;
user root;
worker_processes 1;
pid ${scratch}/nginx.pid;
error_log stderr notice;
events { worker_connections 1024; }
http {
  access_log off;
  sendfile on;
  tcp_nopush on;
  ${folders.join("\n  ")}
  server { listen 80; root ${root}; }
}
`,
  );
  return {
    argv: withMessages(["nginx", "-p", scratch, "-e", "stderr", "-c", config]),
    says: (line) => line.includes("start worker process "),
  };
}
