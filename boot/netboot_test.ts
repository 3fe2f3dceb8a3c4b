import assert from "node:assert/strict";
import { parseMac } from "./dhcp/address.ts";
import type { Architecture, BootClient } from "./dhcp/boot_client.ts";
import { chooseFirstStage, chooseTarget, type NetbootSite } from "./netboot.ts";

const mac = parseMac("52:54:00:12:34:56");
const site: NetbootSite = { httpUrl: "http://10.0.0.1:8080", transport: "http", secureBoot: false };

function client(arch: Architecture, { http = false, ipxe = false } = {}): BootClient {
  return { mac, arch, http, ipxe, pxe: true };
}

Deno.test("armed nodes boot the agent; every other machine starts from its own disk", () => {
  const armed = { image: "web@3", token: "rs1.secret" };
  assert.deepEqual(chooseTarget({ armed }), { kind: "agent", ...armed });
  assert.deepEqual(chooseTarget({}), { kind: "own-disk" });
  assert.deepEqual(chooseTarget(undefined), { kind: "own-disk" });
  const loader = { partitions: ["c12a7328-0000-4000-8000-00000000000a"] };
  assert.deepEqual(chooseTarget({ loader }), { kind: "own-disk", loader });
  assert.deepEqual(chooseTarget({ armed, loader }), { kind: "agent", ...armed });
});

Deno.test("each firmware gets a program that it can run", async (t) => {
  const cases: [name: string, client: BootClient, site: Partial<NetbootSite>, file: string | undefined][] = [
    ["BIOS", client("bios"), {}, "undionly.kpxe"],
    ["UEFI", client("uefi-x64"), {}, "snponly.efi"],
    ["UEFI by HTTP", client("uefi-x64", { http: true }), {}, "http://10.0.0.1:8080/boot/snponly.efi"],
    ["Secure Boot", client("uefi-x64"), { secureBoot: true }, "shimx64.efi"],
    ["Secure Boot by HTTP", client("uefi-x64", { http: true }), { secureBoot: true }, undefined],
    ["BIOS at a Secure Boot site", client("bios"), { secureBoot: true }, "undionly.kpxe"],
    ["BIOS by HTTP", client("bios", { http: true }), {}, undefined],
    ["arm64", client("uefi-arm64"), {}, "grubaa64.efi"],
    ["arm64 by HTTP: GRUB cannot go on from there", client("uefi-arm64", { http: true }), {}, undefined],
    ["arm64, Secure Boot", client("uefi-arm64"), { secureBoot: true }, "shimaa64.efi"],
    ["32-bit ARM", client("uefi-arm32"), {}, undefined],
    ["unknown", client("unknown"), {}, undefined],
    ["iPXE", client("bios", { ipxe: true }), {}, "http://10.0.0.1:8080/boot/ipxe/52-54-00-12-34-56"],
    ["iPXE by TFTP", client("uefi-x64", { ipxe: true }), { transport: "tftp" }, "ipxe/52-54-00-12-34-56"],
    [
      "iPXE that HTTP boot loaded",
      client("uefi-x64", { ipxe: true, http: true }),
      {},
      "http://10.0.0.1:8080/boot/ipxe/52-54-00-12-34-56",
    ],
  ];
  for (const [name, who, difference, file] of cases) {
    await t.step(name, () => {
      assert.equal(chooseFirstStage(who, { site: { ...site, ...difference } })?.file, file);
    });
  }
});

Deno.test("a node may name the other iPXE", () => {
  assert.equal(chooseFirstStage(client("uefi-x64"), { site, uefiProgram: "ipxe.efi" })?.file, "ipxe.efi");
});

Deno.test("where images are signed, an armed UEFI machine boots its image at once", async (t) => {
  const signing = { ...site, signedImages: true },
    armedWith = { image: "web@3", architecture: "x86_64" } as const;
  const cases: [name: string, BootClient, Partial<Parameters<typeof chooseFirstStage>[1]>, string][] = [
    ["armed", client("uefi-x64"), { armedWith }, "images/web@3/agent.efi"],
    [
      "armed, by HTTP",
      client("uefi-x64", { http: true }),
      { armedWith },
      "http://10.0.0.1:8080/boot/images/web@3/agent.efi",
    ],
    ["not armed", client("uefi-x64"), {}, "snponly.efi"],
    ["not armed, by HTTP", client("uefi-x64", { http: true }), {}, "http://10.0.0.1:8080/boot/snponly.efi"],
    ["its own choice", client("uefi-x64"), { armedWith, uefiProgram: "ipxe.efi" }, "ipxe.efi"],
    ["BIOS", client("bios"), { armedWith }, "undionly.kpxe"],
    [
      "iPXE",
      client("uefi-x64", { ipxe: true }),
      { armedWith },
      "http://10.0.0.1:8080/boot/ipxe/52-54-00-12-34-56",
    ],
    [
      "with shim for others",
      client("uefi-x64"),
      { armedWith, site: { ...signing, secureBoot: true } },
      "images/web@3/agent.efi",
    ],
    ["vendors' keys only", client("uefi-x64"), { armedWith, uefiProgram: "shimx64.efi" }, "shimx64.efi"],
  ];
  for (const [name, who, more, file] of cases) {
    await t.step(name, () => assert.equal(chooseFirstStage(who, { site: signing, ...more })?.file, file));
  }
});

Deno.test("a machine whose port may be tagged gets no boot program that would have to send tags itself", async (t) => {
  const tagged = { ...site, bootVlan: 20 }, armedWith = { image: "web@3", architecture: "x86_64" } as const;
  const cases: [name: string, BootClient, Partial<Parameters<typeof chooseFirstStage>[1]>, string][] = [
    ["armed", client("uefi-x64"), { armedWith }, "images/web@3/agent.efi"],
    ["not armed", client("uefi-x64"), {}, "failsx64.efi"],
    ["not armed, by HTTP", client("uefi-x64", { http: true }), {}, "http://10.0.0.1:8080/boot/failsx64.efi"],
    ["not armed, arm64", client("uefi-arm64"), {}, "failsaa64.efi"],
    ["armed with another architecture's image", client("uefi-arm64"), { armedWith }, "failsaa64.efi"],
    ["its own choice", client("uefi-x64"), { armedWith, uefiProgram: "snponly.efi" }, "snponly.efi"],
    ["BIOS, whose ROM tags", client("bios"), { armedWith }, "undionly.kpxe"],
  ];
  for (const [name, who, more, file] of cases) {
    await t.step(name, () => assert.equal(chooseFirstStage(who, { site: tagged, ...more })?.file, file));
  }
});

Deno.test("an armed arm64 machine boots its image at once: there is no iPXE for it", async (t) => {
  const armedWith = { image: "web@4", architecture: "aarch64" } as const;
  const file = "images/web@4/agent.efi", signing = { ...site, signedImages: true };
  const cases: [
    name: string,
    BootClient,
    Partial<Parameters<typeof chooseFirstStage>[1]>,
    string | undefined,
  ][] = [
    ["PXE", client("uefi-arm64"), { armedWith }, file],
    ["HTTP", client("uefi-arm64", { http: true }), { armedWith }, `http://10.0.0.1:8080/boot/${file}`],
    ["signed", client("uefi-arm64"), { armedWith, site: signing }, file],
    [
      "vendors' keys",
      client("uefi-arm64"),
      { armedWith, site: { ...site, secureBoot: true } },
      "shimaa64.efi",
    ],
    [
      "its own choice of shim",
      client("uefi-arm64"),
      { armedWith, uefiProgram: "shimx64.efi" },
      "shimaa64.efi",
    ],
    [
      "a choice of iPXE, which there is not",
      client("uefi-arm64"),
      { armedWith, uefiProgram: "ipxe.efi" },
      file,
    ],
    ["an image of another architecture", client("uefi-x64"), { armedWith, site: signing }, "snponly.efi"],
  ];
  for (const [name, who, more, expected] of cases) {
    await t.step(name, () => assert.equal(chooseFirstStage(who, { site, ...more })?.file, expected));
  }
});
