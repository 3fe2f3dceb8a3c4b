import assert from "node:assert/strict";
import { openJoined } from "../../boot/boot_file.ts";
import { madeStub } from "../../boot/uki/testing/made_stub.ts";
import { layOutUki } from "../../boot/uki/uki.ts";
import { MeasuredBoots } from "./measured_boots.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

Deno.test("what a signed image measures is read once a minute, and follows every part of it", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const write = (name: string, content: Uint8Array) => Deno.writeFile(`${folder}/${name}`, content);
    await write("vmlinuz", madeStub({ sdmagic: "a kernel" }));
    await write("initramfs", bytes("the agent"));
    const image = () => {
      const { headers, body } = layOutUki(madeStub({}), {
        osRelease: "ID=rackseed\n",
        commandLine: "rackseed.server=https://10.0.0.1:8443",
        kernel: `${folder}/vmlinuz`,
        initramfs: [`${folder}/initramfs`],
      });
      return openJoined([headers, ...body]);
    };
    const clock = { ms: 0 };
    const boots = new MeasuredBoots({
      image: (ref) => ref === "web@1" ? image() : undefined,
      now: () => clock.ms,
    });
    const first = await boots.of("web@1");
    // iPXE in two forms, and the shim of each architecture
    assert.equal(first.programs.length, 4);
    for (const digest of [...first.programs, first.image, first.kernel, first.pcr11]) {
      assert.match(digest, /^[0-9a-f]{64}$/);
    }
    await write("initramfs", bytes("the AGENT"));
    assert.equal((await boots.of("web@1")).image, first.image);
    clock.ms += 60_000;
    const second = await boots.of("web@1");
    assert.notEqual(second.image, first.image);
    assert.notEqual(second.pcr11, first.pcr11);
    assert.equal(second.kernel, first.kernel);
    await assert.rejects(boots.of("web@2"), /this server has no signed image of it/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
