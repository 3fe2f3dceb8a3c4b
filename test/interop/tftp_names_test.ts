/** Real TFTP clients behave like sloppy firmware: odd names, long timeouts, and garbage names after fetching shim. */
import assert from "node:assert/strict";
import { BootFiles } from "../../boot/boot_files.ts";
import { startTftpServer } from "../../boot/tftp/server.ts";
import { needs } from "../support/needs.ts";

const HOST = "127.0.0.1";
const PROGRAMS = ["undionly.kpxe", "shimx64.efi", "grubx64.efi"];

async function get(name: string, port: number): Promise<string> {
  const { code, stdout } = await new Deno.Command("atftp", {
    args: [
      ...["--option", "timeout 255", "--get", "--remote-file", name],
      ...["--local-file", "/dev/stdout", HOST, String(port)],
    ],
    stdout: "piped",
    stderr: "piped",
  }).output();
  return code === 0 ? new TextDecoder().decode(stdout) : "";
}

Deno.test({
  name: "atftp gets programs under odd names, and GRUB under a garbage name after fetching shim",
  ...needs({ programs: ["atftp"] }),
  async fn() {
    const ending = new AbortController();
    const files = new BootFiles({
      site: {
        httpUrl: "http://10.0.0.1:8080",
        agentUrl: "https://10.0.0.1:8443",
        transport: "http",
        secureBoot: true,
      },
      programs: new Map(PROGRAMS.map((name) => [name, new TextEncoder().encode(name.repeat(100))])),
      issueTarget: () => ({ kind: "own-disk" }),
      image: () => undefined,
      unified: () => undefined,
    });
    const { port, finished } = startTftpServer({
      hostname: HOST,
      port: 0,
      lookup: (name, client) => files.lookup(name, client),
      signal: ending.signal,
    });
    const cases: [asked: string, program: string | undefined][] = [
      ["undionly.kpxe  ", "undionly.kpxe"],
      ["\\EFI\\BOOT\\SHIMX64.EFI", "shimx64.efi"],
      ["revocations.efi", undefined],
      ["\u00d7Onboard", "grubx64.efi"],
    ];
    try {
      assert.equal(await get("\u00d7Onboard", port), "", "before shim");
      for (const [asked, program = ""] of cases) {
        assert.equal(await get(asked, port), program.repeat(100), asked);
      }
    } finally {
      ending.abort();
      await finished;
    }
  },
});
