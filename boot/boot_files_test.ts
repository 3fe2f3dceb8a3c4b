import assert from "node:assert/strict";
import { BootFiles } from "./boot_files.ts";
import { handleBoot } from "./http.ts";
import type { BootTarget } from "./netboot.ts";

const agent: BootTarget = { kind: "agent", image: "web@3", token: "rs1.secret" };
const armedMac = "52:54:00:00:00:01", installedMac = "52:54:00:00:00:03";
const GUID = "c12a7328-0000-4000-8000-00000000000a";
const installed: BootTarget = {
  kind: "own-disk",
  loader: { partitions: [GUID], program: "EFI/debian/shimx64.efi" },
};

async function withFiles(
  test: (files: BootFiles) => Promise<void> | void,
  { transport = "http", secureBoot = false }: { transport?: "http" | "tftp"; secureBoot?: boolean } = {},
) {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/kernel`, "kernel");
    await Deno.writeTextFile(`${folder}/agent`, "AGENTAGENT");
    await Deno.writeTextFile(`${folder}/image`, "image");
    await test(
      new BootFiles({
        site: {
          httpUrl: "http://10.0.0.1:8080",
          agentUrl: "https://10.0.0.1:8443",
          transport,
          secureBoot,
          network: { mask: "255.255.255.0", gw: "10.0.0.254" },
        },
        programs: new Map(
          [["undionly.kpxe", "program"], ["shimx64.efi", "shim"], ["grubx64.efi", "grub"]]
            .map(([name = "", text]) => [name, new TextEncoder().encode(text)]),
        ),
        issueTarget: (mac) =>
          mac === armedMac ? agent : mac === installedMac ? installed : { kind: "own-disk" },
        image: (name) =>
          name === "web@3"
            ? {
              architecture: "x86_64",
              kernel: `${folder}/kernel`,
              initramfs: [`${folder}/agent`, `${folder}/image`],
            }
            : undefined,
        unified: () => undefined,
      }),
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function textOf(files: BootFiles, name: string): string | undefined {
  const file = files.lookup(name);
  if (file === undefined) return undefined;
  const bytes = new Uint8Array(file.sizeBytes);
  assert.equal(file.read(0, bytes), file.sizeBytes);
  file.close?.();
  return new TextDecoder().decode(bytes);
}

Deno.test("programs, kernels and initramfs are in one table", async () => {
  await withFiles((files) => {
    assert.equal(textOf(files, "undionly.kpxe"), "program");
    assert.equal(textOf(files, "images/web@3/vmlinuz"), "kernel");
    assert.equal(textOf(files, "images/web@3/initramfs"), "AGENTAGENTimage");
  });
});

Deno.test("no name reaches a file outside the table", async () => {
  await withFiles((files) => {
    const names = [
      ...["", "..", "../etc/passwd", "images", "images/web@3", "images/web@3/..", "images/other/vmlinuz"],
      ...["images/web@3/vmlinuz/x", "ipxe", "ipxe/x", `ipxe/${armedMac}/x`, "grub/node", "grub/node/x"],
      "undionly.kpxe/",
    ];
    for (const name of names) assert.equal(files.lookup(name), undefined, name);
  });
});

Deno.test("a read may cross the boundary between segments at any offset", async () => {
  await withFiles((files) => {
    const whole = "AGENTAGENTimage";
    const file = files.lookup("images/web@3/initramfs");
    assert.ok(file);
    for (let start = 0; start <= whole.length; start++) {
      for (const size of [1, 4, 20]) {
        const into = new Uint8Array(size);
        const count = file.read(start, into);
        assert.equal(new TextDecoder().decode(into.subarray(0, count)), whole.slice(start, start + size));
      }
    }
    file.close?.();
  });
});

Deno.test("only the menus of an armed machine boot the agent", async () => {
  await withFiles((files) => {
    const script = textOf(files, "ipxe/52-54-00-00-00-01") ?? "";
    assert.match(script, /^#!ipxe\n/);
    assert.match(
      script,
      /kernel http:\/\/10\.0\.0\.1:8080\/boot\/images\/web@3\/vmlinuz initrd=initramfs rackseed\.server=https:\/\/10\.0\.0\.1:8443 rackseed\.token=rs1\.secret rackseed\.mac=52:54:00:00:00:01 rackseed\.ip=\$\{netX\/ip\} /,
    );
    const menu = textOf(files, `grub/node/${armedMac}`) ?? "";
    assert.match(
      menu,
      /rackseed\.ip=\$net_default_ip rackseed\.mask=255\.255\.255\.0 rackseed\.gw=10\.0\.0\.254 /,
    );

    for (const name of ["ipxe/52-54-00-00-00-02", "grub/node/52:54:00:00:00:02"]) {
      assert.doesNotMatch(textOf(files, name) ?? "", /kernel |linux |rackseed\./);
    }
    assert.match(textOf(files, "ipxe/52-54-00-00-00-02") ?? "", /sanboot --no-describe --drive 0x80/);
  });
});

Deno.test("under UEFI, iPXE starts the installed loader itself, then the fallback, before the firmware goes on", async () => {
  await withFiles((files) => {
    const lines = (textOf(files, "ipxe/52-54-00-00-00-03") ?? "").split("\n");
    assert.deepEqual(lines.slice(2), [
      "iseq ${platform} efi || goto firmware",
      `sanboot --no-describe --uuid ${GUID} --filename \\EFI\\debian\\shimx64.efi ||`,
      `sanboot --no-describe --uuid ${GUID} ||`,
      ":firmware",
      "iseq ${platform} efi && exit 1 ||",
      "sanboot --no-describe --drive 0x80 || exit 1",
      "",
    ]);
  });
});

Deno.test("the first script goes to the machine's own, by the firmware's address or one that iPXE asks for", async () => {
  const script = (base: string) =>
    `#!ipxe
isset \${net0/ip} && ifopen net0 || goto ask
chain --replace ${base}ipxe/\${net0/mac:hexhyp} ||
:ask
autoboot || exit 1
`;
  for (const [transport, base] of [["http", "http://10.0.0.1:8080/boot/"], ["tftp", "/"]] as const) {
    await withFiles((files) => {
      assert.equal(textOf(files, "autoexec.ipxe"), script(base));
      assert.equal(textOf(files, "boot/autoexec.ipxe"), script(base));
    }, { transport });
  }
});

Deno.test("iPXE is pointed to the same names over TFTP if the site says so", async () => {
  await withFiles((files) => {
    assert.match(textOf(files, "ipxe/52-54-00-00-00-01") ?? "", /kernel \/images\/web@3\/vmlinuz /);
  }, { transport: "tftp" });
});

Deno.test("HTTP answers with lengths and ranges, and never redirects", async (t) => {
  const cases: [
    method: string,
    path: string,
    range: string | undefined,
    expected: [number, string, string?],
  ][] = [
    ["GET", "/boot/undionly.kpxe", undefined, [200, "program"]],
    ["HEAD", "/boot/undionly.kpxe", undefined, [200, ""]],
    ["GET", "/boot/images/web%403/initramfs", "bytes=5-11", [206, "AGENTim", "bytes 5-11/15"]],
    ["GET", "/boot/images/web@3/initramfs", "bytes=10-", [206, "image", "bytes 10-14/15"]],
    ["GET", "/boot/images/web@3/initramfs", "bytes=-3", [206, "age", "bytes 12-14/15"]],
    ["GET", "/boot/images/web@3/initramfs", "bytes=0-99", [206, "AGENTAGENTimage", "bytes 0-14/15"]],
    ["GET", "/boot/images/web@3/initramfs", "bytes=15-", [416, "", "bytes */15"]],
    ["GET", "/boot/images/web@3/initramfs", "bytes=0-1,3-4", [200, "AGENTAGENTimage"]],
    ["GET", "/boot/none", undefined, [404, "not found\n"]],
    ["GET", "/boot/%", undefined, [404, "not found\n"]],
    ["GET", "/boot/..%2f..%2fetc/passwd", undefined, [404, "not found\n"]],
    ["PUT", "/boot/undionly.kpxe", undefined, [405, ""]],
  ];
  await withFiles(async (files) => {
    for (const [method, path, range, [status, body, contentRange]] of cases) {
      await t.step(`${method} ${path} ${range ?? ""}`, async () => {
        const headers: Record<string, string> = range === undefined ? {} : { range };
        const request = new Request(`http://10.0.0.1:8080${path}`, { method, headers });
        const response = handleBoot(request, { lookup: (name) => files.lookup(name) });
        assert.equal(response.status, status);
        assert.equal(response.headers.get("content-range"), contentRange ?? null);
        if (status < 300) {
          const length = method === "HEAD" ? "7" : String(body.length);
          assert.equal(response.headers.get("content-length"), length);
        }
        assert.equal(await response.text(), body);
      });
    }
  });
});

Deno.test("an aborted transfer closes its file", async () => {
  let closed = 0;
  const file = {
    sizeBytes: 1 << 20,
    read: (_: number, into: Uint8Array) => into.length,
    close: () => closed++,
  };
  const response = handleBoot(new Request("http://10.0.0.1/boot/x"), { lookup: () => file });
  const reader = response.body?.getReader();
  assert.equal((await reader?.read())?.value?.length, 64 * 1024);
  await reader?.cancel();
  assert.equal(closed, 1);
});

/** Seen on Dell and Wyse machines: shim mistakes the boot entry's description for its second stage. */
const GARBAGE = ["\ufffdOnboard", "?USB", "\u0001", "", "/", "PXE", "Onboard NIC (IPv4)", "..", "a/../b"];

Deno.test("a machine that has just fetched shim gets GRUB for any unknown name; other machines do not", async () => {
  const at = (address: string, nowMs = 0) => ({ address, nowMs });
  const ask = (files: BootFiles, name: string, client: { address: string; nowMs: number }) => {
    const file = files.lookup(name, client);
    const bytes = new Uint8Array(file?.sizeBytes ?? 0);
    file?.read(0, bytes);
    return new TextDecoder().decode(bytes);
  };
  await withFiles((files) => {
    for (const name of GARBAGE) assert.equal(ask(files, name, at("10.0.0.5")), "", "before it has shim");
    assert.equal(ask(files, "SHIMX64.EFI", at("10.0.0.5")), "shim");
    for (const name of GARBAGE) assert.equal(ask(files, name, at("10.0.0.5", 60_000)), "grub", name);
    for (const name of GARBAGE) assert.equal(ask(files, name, at("10.0.0.6")), "", "another machine");
    for (const name of GARBAGE) assert.equal(ask(files, name, at("10.0.0.5", 121_000)), "", "much later");
    const optional = ["revocations.efi", "mmx64.efi", "fbx64.efi", "shim_certificate.efi"];
    const menus = ["grub/x86_64-efi/command.lst", "grub/grub.cfg-01-00", "images/no@1/vmlinuz", "ipxe/x"];
    for (const name of [...optional, ...menus]) assert.equal(ask(files, name, at("10.0.0.5")), "", name);
  }, { secureBoot: true });
  await withFiles((files) => {
    ask(files, "shimx64.efi", at("10.0.0.5"));
    assert.equal(ask(files, "?USB", at("10.0.0.5")), "", "a site without Secure Boot");
  });
});
