/** The server boots versions in virtual machines of its own: a sound one is proved, a broken one is not deployed. */
import type { Check } from "./check.ts";
import { run } from "./command.ts";
import { writeContainerImage } from "./container_image.ts";
import { debianTree } from "./debian.ts";
import { ProductServer } from "./product_server.ts";
import type { Workplace } from "./workplace.ts";

const image = "edge", node = "later", address = "10.77.0.40", mac = "52:54:00:77:00:40";
/** Without it, no Debian comes up. */
const init = "usr/lib/systemd/systemd";

interface Rehearsal {
  readonly id: string;
  readonly state: string;
  readonly message?: string;
  readonly problem?: { readonly detail: string };
  readonly probes: readonly { readonly passed: boolean; readonly seen?: string }[];
}

export async function rehearseContainers(lab: Workplace): Promise<Check[]> {
  const { timeline, cache, folder, signal, firmware, addresses, sshKey, keep } = lab;
  await using server = await timeline.measure(
    "server: started",
    () => ProductServer.start(lab, { hasPrograms: true }),
  );
  const tree = await timeline.measure("Debian tree", () => debianTree({ cache, work: folder, signal }));
  const publish = async (name: string, without: readonly string[]) => {
    const container = `${folder}/${name}-container`;
    await writeContainerImage({
      tree,
      folder: container,
      address: `${addresses.template}/${addresses.prefix}`,
      authorizedKey: sshKey.publicKey,
      without,
      signal,
    });
    await server.rackseed("image", "import", image, container, "--firmware", firmware, "--level", "3");
    await Deno.remove(container, { recursive: true });
  };
  await timeline.measure("sound version: imported", () => publish("sound", []));
  await timeline.measure("broken version: imported", () => publish("broken", [init]));
  const rehearse = async (ref: string, ...more: string[]): Promise<Rehearsal> => {
    const ordered = JSON.parse(
      await server.rackseed("image", "rehearse", ref, "--emulate", "--json", ...more),
    );
    const show = async () => JSON.parse(await server.rackseed("image", "rehearsal", ordered.id, "--json"));
    for (let seen = "";;) {
      const view = await show();
      if (view.ended !== undefined) return view;
      if (view.message !== seen) timeline.note(`${ref}: ${view.state}: ${seen = view.message ?? ""}`);
      await new Promise((resolve) => setTimeout(resolve, 5000));
    }
  };
  const kept = async ({ id }: Rehearsal, name: string) => {
    const console = await server.rackseed("image", "rehearsal", id, "--console");
    await Deno.writeTextFile(`${keep}/${name}.serial.log`, console);
    await server.rackseed("image", "rehearsal", id, "--screenshot", `${keep}/${name}.png`);
    return { console, png: await Deno.readFile(`${keep}/${name}.png`) };
  };
  const probes = ["--probe", "login", "--probe", "tcp:22", "--probe", "http:80"];
  const sound = await timeline.measure("sound version: rehearsed", () => rehearse(`${image}@1`, ...probes));
  const soundFiles = await kept(sound, "sound");
  const broken = await timeline.measure("broken version: rehearsed", () => rehearse(`${image}@2`));
  const brokenFiles = await kept(broken, "broken");
  const list = await server.rackseed("image", "list");
  await server.rackseed("node", "set", node, "--mac", mac, "--address", `${address}/${addresses.prefix}`);
  await server.rackseed("image", "set", image, "--rehearsal", "require");
  const refusal = await server.rackseed("node", "deploy", node, "--image", `${image}@2`).then(
    () => "it was deployed",
    (error) => String(error),
  );
  await server.rackseed("node", "deploy", node, "--image", `${image}@1`);
  const nodes = await server.rackseed("node", "list");
  const machines = (await run(["pgrep", "-f", `${folder}/server/data/rehearsals`], { accept: [1] })).stdout;
  return [
    {
      what: "a sound version is proved: login prompt, port and application",
      passed: sound.state === "proved" && sound.probes.length === 3,
      seen: sound.problem?.detail ?? sound.probes.map(({ seen }) => seen).join("; "),
    },
    {
      what: "its console shows the login prompt, and no boot token",
      passed: new RegExp(`^${image} login:`, "m").test(soundFiles.console) &&
        !/rackseed\.token=rs1/.test(soundFiles.console),
      seen: soundFiles.console.slice(-100),
    },
    {
      what: "a version without its init fails, with the reason out of its console",
      passed: broken.state === "failed" &&
        /initramfs stopped|kernel panicked/.test(broken.problem?.detail ?? ""),
      seen: broken.problem?.detail ?? broken.state,
    },
    {
      what: "its console says so too",
      passed: /No init found|No working init/.test(brokenFiles.console),
      seen: brokenFiles.console.slice(-200),
    },
    {
      what: "both have a screenshot",
      passed: [soundFiles, brokenFiles].every(({ png }) => png.length > 1000 && png[1] === 0x50),
      seen: `${soundFiles.png.length} and ${brokenFiles.png.length} bytes`,
    },
    {
      what: "the verdicts stand with the versions",
      passed: /edge@1 .*proved/.test(list) && /edge@2 .*failed/.test(list),
      seen: list.trim(),
    },
    {
      what: "a version that failed is not deployed where proof is required",
      passed: refusal.includes("cannot deploy edge@2"),
      seen: refusal,
    },
    {
      what: "no node and no machine is left but the one that was made",
      passed: !/rehearsal-/.test(nodes) && machines === "",
      seen: `${nodes.trim()} ${machines}`,
    },
  ];
}
