import { type Engine, isDone, PAYLOAD, SERVER, untilDone, withMessages } from "./engine.ts";

/** The stock daemon and clients. Files are sent whole and uncompressed, since the nodes have nothing yet. */
export const rsync: Engine = {
  name: "rsync",
  packages: { "rsync": "/usr/bin/rsync" },
  tracker: false,
  waitsForGo: false,
  copy: "0.pack",
  server: ({ scratch, seed }) => {
    const config = `${scratch}/rsyncd.conf`;
    const module = [`path = ${seed}`, "read only = yes", "use chroot = no", "uid = 0", "gid = 0"];
    Deno.writeTextFileSync(config, `log file = /dev/stdout\n[seed]\n${module.join("\n")}\n`);
    return {
      argv: withMessages(["rsync", "--daemon", "--no-detach", `--config=${config}`]),
      says: (line) => line.includes("listening on port"),
    };
  },
  node: ({ lab }, { folder }) => ({
    argv: untilDone([
      "rsync",
      "--whole-file",
      "--inplace",
      `rsync://${lab.address(SERVER)}/seed/${PAYLOAD}`,
      `${folder}/`,
    ]),
    says: isDone,
  }),
};
