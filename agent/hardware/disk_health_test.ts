import assert from "node:assert/strict";
import { parseSmartData, thresholdExceeded } from "./ata_health.ts";
import { readDiskHealth } from "./disk_health.ts";
import { parseNvmeLog } from "./nvme_health.ts";
import { parseExceptionsPage } from "./scsi_health.ts";
import { ataSense, nvmeLog, smartData, smartThresholds } from "./testing/samples.ts";

Deno.test("an NVMe disk fails by its critical warnings; wear, heat and errors are warnings", () => {
  const good = { verdict: "good", reasons: [], wearPercent: 3, powerOnHours: 8760, temperatureCelsius: 38 };
  assert.deepEqual(parseNvmeLog(nvmeLog()), good);
  const cases: [Parameters<typeof nvmeLog>[0], string, RegExp][] = [
    [{ critical: 1 << 2 }, "failing", /reliability/],
    [{ critical: 1 << 3 }, "failing", /read-only/],
    [{ critical: 1 << 1 }, "warning", /hot/],
    [{ worn: 104 }, "warning", /104 %/],
    [{ mediaErrors: 7 }, "warning", /7 times/],
  ];
  for (const [log, verdict, reason] of cases) {
    const health = parseNvmeLog(nvmeLog(log));
    assert.equal(health.verdict, verdict);
    assert.match(health.reasons.join(), reason);
  }
});

const HEALTHY = smartData([[5, 0x33, 100, 0], [9, 0x32, 97, 12_345], [194, 0x22, 67, 33 | 18 << 16]]);

Deno.test("an ATA disk fails by its own verdict, or by an attribute at its threshold", () => {
  const thresholds = smartThresholds([[5, 10], [9, 0]]);
  assert.deepEqual(parseSmartData(HEALTHY, { thresholds, isExceeded: false }), {
    verdict: "good",
    reasons: [],
    temperatureCelsius: 33,
    powerOnHours: 12_345,
  });
  assert.equal(parseSmartData(HEALTHY, { thresholds, isExceeded: true }).verdict, "failing");
  const worn = smartData([[5, 0x33, 9, 2000]]);
  assert.deepEqual(parseSmartData(worn, { thresholds, isExceeded: undefined }), {
    verdict: "failing",
    reasons: ["attribute 5 is 9, at or below its threshold 10", "2000 sectors were replaced by spare ones"],
  });
});

Deno.test("an attribute of age at its threshold is no failure, and pending sectors are a warning", () => {
  const aged = smartData([[9, 0x32, 1, 90_000], [197, 0x32, 100, 8]]);
  const health = parseSmartData(aged, { thresholds: smartThresholds([[9, 1]]), isExceeded: false });
  assert.deepEqual([health.verdict, health.reasons], [
    "warning",
    ["8 sectors could not be read and wait to be replaced"],
  ]);
});

Deno.test("the disk's own verdict stands in the sense data, in either format", () => {
  assert.equal(thresholdExceeded({ sense: ataSense(0xf4, 0x2c) }), true);
  assert.equal(thresholdExceeded({ sense: ataSense(0x4f, 0xc2) }), false);
  assert.equal(thresholdExceeded({ sense: ataSense(0, 0) }), undefined);
  const fixed = Uint8Array.of(0x70, 0, 1, 0, 0x50, 0, 0, 10, 0, 0, 0xf4, 0x2c);
  assert.equal(thresholdExceeded({ sense: fixed }), true);
  assert.equal(thresholdExceeded({ sense: new Uint8Array() }), undefined);
});

Deno.test("a SAS disk predicts its failure by sense code 5Dh", () => {
  const page = (sense: number) => Uint8Array.of(0x2f, 0, 0, 8, 0, 0, 3, 4, sense, 0x10, 41, 0);
  assert.deepEqual(parseExceptionsPage(page(0)), { verdict: "good", reasons: [], temperatureCelsius: 41 });
  assert.equal(parseExceptionsPage(page(0x5d))?.verdict, "failing");
  assert.deepEqual(parseExceptionsPage(page(0x0b))?.reasons, ["it reports a warning (sense code 0Bh/10h)"]);
  assert.equal(parseExceptionsPage(Uint8Array.of(0x0d, 0, 0, 8)), undefined);
});

Deno.test("a disk without a device, and one that is no disk of these kinds, say nothing", async () => {
  const disk = { removable: false, transport: "nvme" };
  assert.equal(await readDiskHealth({ ...disk, name: "nvme99n1" }), undefined);
  assert.equal(await readDiskHealth({ ...disk, name: "vda" }), undefined);
  // a file is no device: the request is refused, and nothing else happens
  const dev = await Deno.makeTempDir();
  try {
    await Deno.writeFile(`${dev}/sda`, new Uint8Array(4096));
    await Deno.writeFile(`${dev}/nvme0n1`, new Uint8Array(4096));
    assert.equal(await readDiskHealth({ ...disk, name: "sda" }, { dev }), undefined);
    assert.equal(await readDiskHealth({ ...disk, name: "nvme0n1" }, { dev }), undefined);
  } finally {
    await Deno.remove(dev, { recursive: true });
  }
});
